"""A MIDI keyboard over JACK: `python -m tests.keyboard NAME` reads one message a line, as mido writes them.

It is a separate process because opening a JACK client holds Python's lock, which would stall a recorder.
"""

from __future__ import annotations

import sys

import mido
import rtmidi


def main() -> None:
    """Send until the input ends."""
    out = rtmidi.MidiOut(rtmidi.get_compiled_api_by_name("jack"), sys.argv[1])
    out.open_virtual_port("keys")
    print("plugged in", flush=True)
    for line in sys.stdin:
        out.send_message(mido.Message.from_str(line.strip()).bytes())
    out.close_port()
    out.delete()  # a client that vanishes stops JACK for seconds


if __name__ == "__main__":
    main()
