"""The MIDI frontend: notes play the pads of their numbers, a clock sets the tempo. The only importer of mido and rtmidi.

It is an extra: pip install 'clipbridge[midi]'. A keyboard that is unplugged is taken again when it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from bridge.config import MidiConfig
from bridge.core.core import Core
from bridge.domain.events import MidiChanged
from bridge.domain.limits import BPM
from bridge.errors import ClipbridgeError, ConfigError
from bridge.live.pad import Press

log = logging.getLogger("clipbridge")

PORT_POLL_S = 2.0  # for a port that came or went
AVERAGED_BEATS = 8
STEADY_BPM = 0.15  # a tempo that trembles by less is the same: pads would make their bars anew
CLOCKS_PER_BEAT = 24  # MIDI 1.0 detailed specification, "System Real Time Messages"
ALL_SOUND_OFF, ALL_NOTES_OFF = 120, 123  # controllers, the same, "Channel Mode Messages"


def listener(api: str = "") -> Any:
    """An rtmidi.MidiIn, not opened. `api`: `alsa`, `jack`, `core`, `winmm`; "" for the system's first, even where another one
    has ports: a keyboard that is plugged in later is there. Raises ConfigError."""
    try:
        import rtmidi

        apis = {rtmidi.get_api_name(number): number for number in rtmidi.get_compiled_api()}
        if api not in ("", *apis):
            raise ConfigError(f"midi.api is one of {', '.join(apis)} here, not {api!r}.")
        midi = rtmidi.MidiIn(apis[api] if api else next(iter(apis.values())), "Clipbridge")
    except ImportError as error:
        raise ConfigError(f"MIDI needs two more packages: pip install 'clipbridge[midi]' ({error}).") from error
    except (OSError, StopIteration) as error:  # rtmidi's errors are OSErrors
        raise ConfigError(f"MIDI cannot be used on this machine ({error}).") from error
    midi.ignore_types(sysex=True, timing=False, active_sense=True)
    return midi


def inputs() -> list[str]:
    """The MIDI inputs of this machine, by name. Raises ConfigError."""
    return list(dict.fromkeys(listener().get_ports()))


@contextlib.asynccontextmanager
async def serve_midi(core: Core, config: MidiConfig) -> AsyncIterator[None]:
    """Listen to the input of that name, or with it in its name, until the context ends; "" for none. Raises ConfigError."""
    if not config.port:
        yield
        return
    midi = Midi(core, config, await asyncio.to_thread(listener, config.api))
    threading.Thread(target=midi.watch, name="midi", daemon=True).start()
    try:
        yield
    finally:
        midi.ending.set()


class Midi:
    """One input. `watch` runs on a thread of its own, `hear` on the event loop."""

    def __init__(self, core: Core, config: MidiConfig, midi: Any) -> None:
        self.ending = threading.Event()
        self._core, self._config, self._midi = core, config, midi
        self._loop = asyncio.get_running_loop()
        self._clocks, self._running = 0, False
        self._beats: deque[float] = deque(maxlen=AVERAGED_BEATS + 1)  # when they came

    def watch(self) -> None:
        """Open the input whenever it is there."""
        name, told = "", ("", "")
        while not self.ending.is_set():
            try:
                there = self._midi.get_ports()
                if name and name not in there:
                    name = ""
                    # One that was closed and opened again hears nothing (JACK); one that was deleted must not be asked.
                    old, self._midi = self._midi, listener(self._config.api)
                    old.delete()
                if not name:
                    name = next((found for found in there if self._config.port.casefold() in found.casefold()), "")
                    if name:
                        self._midi.set_callback(self._came)
                        self._midi.open_port(there.index(name), "pads")
                state = ("open", name) if name else ("waiting", f"{self._config.port!r} is not there; {_listed(there)}")
            except Exception as error:  # noqa: BLE001 - rtmidi's have many bases; it is tried again
                name, state = "", ("unusable", str(error))
            if state != told:
                told = state
                self._on_loop(self._tell, *state)
            self.ending.wait(PORT_POLL_S)
        self._midi.close_port()

    def hear(self, message: Any, at: float) -> None:
        """A message came `at` seconds of time.perf_counter. What cannot be played is logged."""
        try:
            self._do(message, at)
        except ClipbridgeError as error:  # an empty pad
            log.info("midi: %s", error)

    def _do(self, message: Any, at: float) -> None:
        stage = self._core.stage
        if message.type == "note_on" and message.velocity:
            stage.pads.play(message.note, message.velocity / 127, Press(None))
        elif message.type in ("note_on", "note_off"):
            stage.pads.release(message.note)
        elif message.type == "control_change" and message.control == ALL_SOUND_OFF:
            self._core.panic()
        elif message.type == "control_change" and message.control == ALL_NOTES_OFF:
            for pad, *_ in stage.pads.states():
                stage.pads.stop(pad)
        elif message.type in ("start", "continue", "stop", "songpos"):
            self._running = message.type in ("start", "continue") or (self._running and message.type == "songpos")
            self._beats.clear()
            if message.type == "start":
                self._clocks = -1  # the next clock is beat 0
            elif message.type == "songpos":
                self._clocks = message.pos * CLOCKS_PER_BEAT // 4 - 1  # in sixteenths
        elif message.type == "clock" and self._running:
            self._clock(at)

    def _clock(self, at: float) -> None:
        self._clocks += 1
        if self._clocks % CLOCKS_PER_BEAT:
            return
        stage, now = self._core.stage, self._core.stage.tempo
        self._beats.append(at)
        took_s = (self._beats[-1] - self._beats[0]) / max(1, len(self._beats) - 1)
        if 60 / BPM.high <= took_s <= 60 / BPM.low:
            bpm = round(60 / took_s, 1)
            # The first beats only tell roughly.
            if abs(bpm - now.bpm) > (STEADY_BPM if len(self._beats) > AVERAGED_BEATS // 2 else 0.02 * now.bpm):
                stage.set_tempo(bpm, now.beats_per_bar, at)
                last = self._beats[-1]
                if abs(bpm - now.bpm) > 0.02 * now.bpm:  # another tempo: what came before it says nothing
                    self._beats.clear()
                    self._beats.append(last)
        stage.beat(self._clocks / CLOCKS_PER_BEAT, at)

    def _came(self, event: tuple[list[int], float], _data: Any) -> None:
        import mido

        at = time.perf_counter()
        with contextlib.suppress(ValueError):  # a message that is none
            self._on_loop(self.hear, mido.Message.from_bytes(event[0]), at)

    def _on_loop(self, call: Any, *values: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the daemon has ended
            self._loop.call_soon_threadsafe(call, *values)

    def _tell(self, state: str, why: str) -> None:
        log.info("midi %s %s", state, why)
        self._core.publish(MidiChanged(state, why))


def _listed(there: list[str]) -> str:
    return f"there are: {', '.join(there)[:400]}" if there else "there are no MIDI inputs"
