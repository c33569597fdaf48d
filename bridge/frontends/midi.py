"""The MIDI frontend: notes play pads, a MIDI clock sets the tempo. The only importer of mido and rtmidi.

An extra: pip install '.[midi]'. An unplugged keyboard is opened again when it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

from bridge.config import MidiConfig
from bridge.core.core import Core
from bridge.domain.events import AudioChanged, Event, MidiChanged
from bridge.domain.nearest import not_one_of
from bridge.errors import ClipbridgeError, ConfigError
from bridge.frontends.midi_clock import MidiClock
from bridge.live.pad import Press
from bridge.system import output

log = logging.getLogger("clipbridge")

PORT_POLL_S = 2.0  # how often ports are listed
ALL_SOUND_OFF, ALL_NOTES_OFF = 120, 123  # controllers; MIDI 1.0 detailed specification, "Channel Mode Messages"


def open_api(api: str = "") -> Any:
    """An rtmidi.MidiIn without an open port. `api`: `alsa`, `jack`, `core` or `winmm`; "" for the system's first, even if
    only another one has ports now: a keyboard that is plugged in later appears in the first. Raises ConfigError."""
    try:
        import rtmidi

        apis = {rtmidi.get_api_name(number): number for number in rtmidi.get_compiled_api()}
        if api not in ("", *apis):
            raise ConfigError(not_one_of("midi.api", api, apis))
        with output.silenced():
            midi = rtmidi.MidiIn(apis[api] if api else next(iter(apis.values())), "Clipbridge")
    except ImportError as error:
        raise ConfigError(
            f"MIDI needs two more packages ({error}). In Clipbridge's folder: pip install '.[midi]'"
        ) from error
    except (OSError, StopIteration) as error:  # rtmidi's errors are OSErrors
        hint = "" if api or "jack" not in apis else " With JACK: --set midi.api=jack"
        raise ConfigError(f"MIDI cannot be used on this machine ({error}).{hint}") from error
    midi.ignore_types(sysex=True, timing=False, active_sense=True)
    return midi


def inputs(api: str = "") -> list[str]:
    """The names of this machine's MIDI inputs. Raises ConfigError."""
    return list(dict.fromkeys(open_api(api).get_ports()))


@contextlib.asynccontextmanager
async def serve_midi(core: Core, config: MidiConfig) -> AsyncIterator[None]:
    """Listen to the first input whose name contains `config.port`, if one is configured, until the context ends. Raises
    ConfigError."""
    if not config.port:
        yield
        return
    midi = Midi(core, config, await asyncio.to_thread(open_api, config.api))
    core.listeners.append(midi)
    threading.Thread(target=midi.watch, name="midi", daemon=True).start()
    try:
        yield
    finally:
        core.listeners.remove(midi)
        midi.ending.set()


class Midi:
    """One input. `watch` runs on a thread of its own, `on_message` on the event loop."""

    def __init__(self, core: Core, config: MidiConfig, midi: Any) -> None:
        self.ending = threading.Event()
        self._core, self._config, self._midi = core, config, midi
        self._is_stale = self._was_lost = False
        self._clock = MidiClock(core.stage)
        self._loop = asyncio.get_running_loop()

    def watch(self) -> None:
        """Open the input whenever it is available."""
        name, reported = "", ("", "")
        while not self.ending.is_set():
            try:
                ports = self._midi.get_ports() if self._midi is not None else []
                if name and name not in ports:
                    self._is_stale = True
                # On JACK, an input that was closed and opened again hears nothing, so a new one is made. The old one is deleted
                # first: with a client of an ended server, JACK's library cannot use a new server.
                if self._is_stale:
                    name = ""
                    old, self._midi = self._midi, None  # a deleted one must not be used any more
                    if old is not None:
                        old.delete()
                    self._midi = open_api(self._config.api)
                    self._is_stale = False
                    ports = self._midi.get_ports()
                if not name:
                    name = next((port for port in ports if self._config.port.casefold() in port.casefold()), "")
                    if name:
                        self._midi.set_callback(self._on_bytes)
                        self._midi.open_port(ports.index(name), "pads")
                available = f"available: {', '.join(ports)[:400]}" if ports else "there are no MIDI inputs"
                state = ("open", name) if name else ("waiting", f"{self._config.port!r} was not found; {available}")
            except Exception as error:  # noqa: BLE001 - rtmidi's errors have many bases; it is tried again
                name, state = "", ("unusable", str(error))
            if state != reported:
                reported = state
                self._on_loop(self._publish, *state)
            self.ending.wait(PORT_POLL_S)
        if self._midi is not None:
            self._midi.close_port()

    def on_event(self, event: Event) -> None:
        """The audio device was lost, perhaps because JACK ended, and is back. An input of a server that ended lists its old ports
        forever; opened before the new server runs, JACK's library fails in this process for good."""
        if isinstance(event, AudioChanged):
            self._was_lost = self._was_lost or event.state == "lost"
            if self._was_lost and event.state == "open":
                self._was_lost, self._is_stale = False, True

    def on_message(self, message: Any, at: float) -> None:
        """Handle a message received at `at` seconds of time.perf_counter. Errors, such as an empty pad, are logged."""
        try:
            if message.type == "clock":
                self._clock.tick(at)
            elif message.type in ("start", "continue", "stop", "songpos"):
                self._clock.move(message)
            else:
                self._play(message)
        except ClipbridgeError as error:
            log.info("midi: %s", error)

    def _play(self, message: Any) -> None:
        pads = self._core.stage.pads
        if message.type == "note_on" and message.velocity:
            try:
                pads.play(message.note, message.velocity / 127, Press(None))
            except ClipbridgeError as error:
                pads.announce_refusal(message.note, error)
                raise
        elif message.type in ("note_on", "note_off"):
            pads.release(message.note)
        elif message.type == "control_change" and message.control == ALL_SOUND_OFF:
            self._core.panic()
        elif message.type == "control_change" and message.control == ALL_NOTES_OFF:
            for pad, *_ in pads.states():
                pads.stop(pad)

    def _on_bytes(self, event: tuple[list[int], float], _data: Any) -> None:
        import mido

        at = time.perf_counter()
        with contextlib.suppress(ValueError):  # malformed
            self._on_loop(self.on_message, mido.Message.from_bytes(event[0]), at)

    def _on_loop(self, call: Any, *values: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the daemon has ended
            self._loop.call_soon_threadsafe(call, *values)

    def _publish(self, state: str, why: str) -> None:
        log.info("midi %s %s", state, why)
        self._core.publish(MidiChanged(state, why))
