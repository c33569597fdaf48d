"""Plays clips through the daemon's player, one at a time, and knows where in the clip it is."""

from __future__ import annotations

from collections import deque
from typing import Any

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from bridge.client import pairs
from bridge.errors import BadArgument
from bridge.panel.clips import Clip
from bridge.panel.link import ABSENT, Link

TICK_MS = 33
STOP_FADE_MS = 15.0
MAX_ASKED = 64
LATE_S = 2.0
MAIN = "main"  # how /bridge/status says that no cue is set
ON_CUE = ("output", "cue")  # keys of /bridge/play: the main output, if there is no cue


class Audition(QObject):
    """`playing`: the path of the clip that sounds or waits for its moment, "" if none does. `gain`: a factor. `in_tempo`: begin at
    the next bar.

    `moved(path, seconds)`: where the clip is now. `ended(path)`. `said(sentence)`. `cue_changed(state)`: the cue's state, or ""
    without a cue."""

    moved = Signal(str, float)
    ended = Signal(str)
    said = Signal(str)
    cue_changed = Signal(str)

    def __init__(self, link: Link, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self.gain, self.in_tempo, self.playing = 1.0, False, ""
        self._clip = Clip("")
        self._from, self._to = 0.0, 0.0
        self._voice = 0  # of the daemon; 0 until it has told
        self._asked: deque[str] = deque(
            maxlen=MAX_ASKED
        )  # paths whose voices the daemon has not told yet, the last asked last
        self._dismissed: deque[int] = deque(maxlen=MAX_ASKED)
        self._clock, self._timer = QElapsedTimer(), QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._has_cue = False
        link.received.connect(self._on_message)
        link.state_changed.connect(lambda state, _why: self._forget() if state == ABSENT else None)
        link.connected.connect(self._on_connected)

    @property
    def position(self) -> float:
        """Seconds from the beginning of the clip; -1 if it does not sound."""
        if not self._timer.isActive():
            return -1.0
        seconds, length = self._clock.nsecsElapsed() / 1e9, self._to - self._from
        return self._from + (seconds % length if self._clip.loop and length > 0 else min(seconds, length))

    def play(self, clip: Clip, from_s: float = 0.0, to_s: float = 0.0) -> None:
        """Play a clip, or a part of it; `to_s` 0: to its end. What sounded before stops."""
        self.stop()
        if self._link.state == ABSENT:
            self.said.emit("Clipbridge is not running, so nothing can be played.")
            return
        end = to_s if to_s > from_s else clip.seconds
        keys: list[Any] = [*ON_CUE, "gain", self.gain]
        if clip.loop:
            keys += ["loop", 1]
        if self.in_tempo:
            keys += ["quantize", "bar"]
        if from_s > 0:
            keys += ["from", float(from_s)]
        if to_s > from_s:
            keys += ["to", float(to_s)]
        try:
            self._link.send("/bridge/play", clip.path, *keys)
        except BadArgument as error:
            self.said.emit(str(error))
            return
        self._clip, self.playing, self._from, self._to = clip, clip.path, from_s, end
        self._asked.append(clip.path)

    def stop(self) -> None:
        """Fade out what plays here; other voices go on."""
        if not self.playing:
            return
        if self._voice:
            self._stop_voice(self._voice)
        self._end()

    def set_gain(self, gain: float) -> None:
        """Change the gain, also of what sounds now."""
        self.gain = gain
        if self._voice:
            self._link.send(f"/bridge/voice/{self._voice}/gain", float(gain))

    def _on_message(self, address: str, arguments: list[Any]) -> None:
        match address, arguments:
            case "/bridge/voice", [int(voice), "ended", *_] if voice == self._voice:
                self._end()
            case "/bridge/voice", [int(voice), "began" | "waiting" as state, *_]:
                self._on_voice(voice, state, pairs(arguments, 3).get("path"))
            case "/bridge/error", ["/bridge/play", *_] if self._asked:
                if len(self._asked) == 1 and not self._voice:  # it is the last one; the window says why
                    self._end()
                self._asked.popleft()
            case "/bridge/cue", [str(state), str(why), *_]:
                self._set_cue(state)
                self._on_device(state, why)
            case "/bridge/status", [str(), *_] if isinstance(cue := pairs(arguments, 1).get("cue"), str):
                self._set_cue("" if cue == MAIN else cue)
            case "/bridge/audio", [str(state), str(why), *_] if not self._has_cue:
                self._on_device(state, why)
            case "/bridge/state", ["stopping", *_]:
                self._forget()

    def _on_connected(self) -> None:
        self._set_cue("")  # the daemon may be another one
        self._link.send("/bridge/status")

    def _set_cue(self, state: str) -> None:
        self._has_cue = bool(state)
        self.cue_changed.emit(state)

    def _on_device(self, state: str, why: str) -> None:
        if state in ("unusable", "failed") and self.playing:
            self.said.emit(f"This cannot be heard: {why}")
            self._forget()

    def _on_voice(self, voice: int, state: str, path: Any) -> None:
        if voice != self._voice:
            if path not in self._asked or voice in self._dismissed:
                return  # somebody else's, or one that is fading out
            self._asked.remove(path)  # the daemon reads files side by side, so a later one may be the first to begin
            if (
                self.playing != path or path in self._asked
            ):  # stopped, or followed by another, before we knew its number
                self._dismissed.append(voice)
                self._stop_voice(voice)
                return
            self._voice = voice
        if state == "began":
            self._clock.start()
            self._timer.start()
            self._tick()

    def _stop_voice(self, voice: int) -> None:
        self._link.send(f"/bridge/voice/{voice}/stop", STOP_FADE_MS)

    def _tick(self) -> None:
        self.moved.emit(self.playing, self.position)
        if not self._clip.loop and self._clock.elapsed() / 1000 > self._to - self._from + LATE_S:
            self._end()  # the message that it ended was lost

    def _forget(self) -> None:
        self._asked.clear()
        self._end()

    def _end(self) -> None:
        path, self.playing, self._voice = self.playing, "", 0
        self._timer.stop()
        if path:
            self.ended.emit(path)
