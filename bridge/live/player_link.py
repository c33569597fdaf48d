"""The link to a player process, which holds an audio device open. Runs on the event loop and never blocks."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Protocol

from bridge.domain.tempo import Tempo
from bridge.errors import NoAudio
from bridge.player import messages
from bridge.system.supervise import Worker

log = logging.getLogger("clipbridge")

PLAYER_BUDGET_S = 15.0  # some systems take seconds to open a device; a player that is silent for longer hangs
MAX_PAUSE_S = 30.0  # before a device that opens but plays nothing is opened again


class PlayerListener(Protocol):
    """What the link reports."""

    def on_began(self, voice: int) -> None: ...
    def on_ended(self, voice: int, why: str) -> None: ...
    def on_held(self, slot: int, why: str) -> None: ...
    def on_lost(self, link: PlayerLink, why: str) -> None: ...
    def on_device(self, link: PlayerLink) -> None: ...
    def on_empty(self, link: PlayerLink) -> None: ...


class PlayerLink:
    """Sends requests to `child`, and opens the audio device again when it is lost. `name`: what the device is, in the log.

    `state`: closed, open, lost, unusable or failed (the player was given up); `why`: a sentence about it. Reports to `listener`:
    voices that began or ended, all voices lost, a new `state`, and a new player that holds no takes."""

    def __init__(self, child: Worker, listener: PlayerListener, name: str = "audio") -> None:
        self.name, self.state, self.why = name, "closed", ""
        self.sample_rate = 0  # of the device, while it is open
        self.no_cue = ""  # why the cue has no pair of the open device
        self.underflows = 0
        self.tempo = Tempo(at=time.perf_counter())
        self._child, self._listener = child, listener
        child.on_message, child.on_death = self._on_message, self._on_death
        self._spawned = self._watched = False
        self._silent_openings = 0  # in a row: the device opened and played nothing

    def spawn(self) -> None:
        """Spawn the player, unless it runs. Before the engine is ready do so only for sound that is due: the player's imports
        would delay the engine's by half a second."""
        if not self._spawned:
            self._spawned = True
            self._child.start()
            self._child.send(self.tempo)

    def tick(self) -> None:
        """Supervise the player."""
        self._child.tick()

    async def close(self) -> None:
        """End the player and all sound."""
        await self._child.close()

    def check(self, advice: str = "clipbridge doctor says what is missing.") -> None:
        """Raises NoAudio, with this advice, if nothing can be played now."""
        if self.state in ("unusable", "failed"):
            raise NoAudio(f"Nothing can be played now: {self.why} {advice}")

    def open(self) -> None:
        """Open the audio device, unless it is open: something will be played soon."""
        if self.state == "closed":
            self.spawn()
            self._watch()
            self._child.send(messages.Open())

    def send(self, message: Any) -> None:
        """Send a request; dropped while there is no player."""
        if self._spawned and self.state != "failed":
            self._child.send(message)

    def set_tempo(self, tempo: Tempo) -> None:
        """Set the tempo, and where beats and bars fall, from now on."""
        self.tempo = tempo
        self.send(tempo)

    def restart_if_failed(self) -> None:
        """Start the player again if it was given up."""
        if self.state == "failed":
            self._set_state("closed", "")
            self._reopen()

    def _on_message(self, message: Any) -> None:
        match message:
            case messages.Ended():
                self._listener.on_ended(message.voice, message.why)
            case messages.Held():
                self._listener.on_held(message.slot, message.why)
            case messages.Began():
                self._listener.on_began(message.voice)
            case messages.Alive():
                self.underflows = message.underflows
                self._silent_openings = 0
            case messages.Opened():
                self._child.settled()
                self.sample_rate, self.no_cue = message.sample_rate, message.no_cue
                rate, latency = f"{message.sample_rate} Hz", f"{message.latency_ms:g} ms"
                if message.remark:
                    log.warning("%s", message.remark)
                what = f"{message.device}, {rate}, {message.channels} channels, {latency}"
                self._set_state("open", "; ".join(filter(None, (what, message.remark))))
            case messages.Unusable():
                self._watch()
                self._set_state("unusable", message.why)
            case messages.Lost():
                self._lose(message.why)
                self._watched = False
                self._child.watch(None)  # it waits for its end
                self._silent_openings = 0 if message.sounded else self._silent_openings + 1
                pause_s = min(2.0**self._silent_openings, MAX_PAUSE_S) if self._silent_openings else 0.0
                asyncio.get_running_loop().call_later(pause_s, self._reopen_if_lost)

    def _lose(self, why: str) -> None:
        self._set_state("lost", why)
        self._listener.on_lost(self, why)

    def _reopen_if_lost(self) -> None:
        if self.state == "lost":
            self._reopen()

    def _reopen(self) -> None:
        # A new process opens the device: closing the stream of a dead audio server hangs.
        self._listener.on_lost(
            self, "the player was started again"
        )  # voices requested of the old player in the meantime
        self._child.restart()
        self._watch()
        self._child.send(messages.Open())
        self._child.send(self.tempo)
        self._listener.on_empty(self)

    def _watch(self) -> None:
        """Watch the player from the first request on: later ones must not give a hanging player more time."""
        if not self._watched:
            self._watched = True
            self._child.watch(PLAYER_BUDGET_S, "opening the audio device, or playing")

    def _on_death(self, reason: str, given_up: bool) -> None:
        opening, self._watched = self._watched, False
        if given_up:
            self._lose(f"the player stopped ({reason})")
            self._set_state(
                "failed", f"The player stopped five times in a row ({reason}); /bridge/restart tries again."
            )
            return
        if self.state != "closed" or opening:
            self._lose(f"the player stopped ({reason})")
        # The player is started when this returns; messages sent before that are lost.
        asyncio.get_running_loop().call_soon(self._on_started_again)

    def _on_started_again(self) -> None:
        if self.state != "closed":
            self._watch()
            self._child.send(messages.Open())
        self._child.send(self.tempo)
        self._listener.on_empty(self)

    def _set_state(self, state: str, why: str) -> None:
        if (state, why) != (self.state, self.why):
            self.state, self.why = state, why
            log.info("%s %s %s", self.name, state, why)
            self._listener.on_device(self)
