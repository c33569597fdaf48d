"""A keyboard over JACK's MIDI, for tests: `python -m tests.keyboard NAME`; a message a line, as mido writes them.

A process of its own: opening a JACK client holds Python's lock, for which a recorder in the same process would wait.
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
    out.delete()  # a client that just goes away stops JACK for seconds


if __name__ == "__main__":
    main()
