"""Mix voices into the outputs of one device, each starting at its exact frame.

Runs against time: hardly any allocation, no locks, and no exception for any valid request.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable

import numpy as np

from bridge.domain.outputs import CUE, MAIN, WIDTH
from bridge.domain.tempo import Tempo
from bridge.player.grid import Clock, Grid
from bridge.player.layout import MAIN_ALONE, Layout
from bridge.player.limiter import Limiter
from bridge.player.messages import NOW, Change, Stop
from bridge.player.voice import MIN_FADE_MS, Glide, Samples, Voice, clean

MAX_VOICES = 64  # beyond, the oldest one is faded out, one of the cue first
MAX_SCHEDULED = 1_000  # scheduled requests
DUE_MS = 50.0  # tempo messages of a clock come more often, and each moves the grid by less


class Mixer:
    """All voices of one device. Other threads only append to `requests`: a Voice, Stop, Change or Tempo. `began`: numbers of
    scheduled voices that have started; `ended`: of voices that are over. `fade_mixed`: fades out what is mixed and was not played
    yet, within that many frames, and returns how many of them that was."""

    def __init__(self, sample_rate: int, channels: int, layout: Layout = MAIN_ALONE) -> None:
        self.sample_rate, self.channels, self.layout = sample_rate, channels, layout
        self.requests: deque[object] = deque()
        self.began: deque[int] = deque()
        self.ended: deque[int] = deque()
        self.voices: list[Voice] = []
        self.fade_mixed: Callable[[int], int] = lambda _frames: 0
        self.frame = 0  # the next one to render
        self._scheduled: list[tuple[int, int, object]] = []  # a heap by frame, then by order of request
        self._count = 0
        self._clock = Clock(sample_rate)
        self._grid = Grid(sample_rate)
        self._tempo: Tempo | None = None
        pairs = sorted({*layout.firsts.values()})
        self._limiters = [(slice(first, first + WIDTH), Limiter(sample_rate)) for first in pairs]

    def frames(self, milliseconds: float) -> int:
        """Milliseconds in frames of the device."""
        return round(milliseconds / 1000 * self.sample_rate)

    def voice(
        self,
        number: int,
        samples: Samples,
        gain: float = 1.0,
        pan: float = 0.0,
        loop: bool = False,
        output: str = MAIN,
    ) -> Voice:
        """A new voice, not playing yet. `samples`: (frames, channels) at this mixer's rate; NaN and infinity become 0. `output`: one
        of the layout's."""
        return self.cleaned_voice(number, clean(samples), gain, pan, loop, output)

    def cleaned_voice(
        self,
        number: int,
        samples: Samples,
        gain: float = 1.0,
        pan: float = 0.0,
        loop: bool = False,
        output: str = MAIN,
    ) -> Voice:
        """As `voice`, for samples that are already clean: takes no time."""
        voice = Voice(number, samples, Glide(gain), Glide(pan), loop and len(samples) > 0)
        voice.margin = self.frames(MIN_FADE_MS)
        voice.first, voice.is_cue = self.layout.firsts[output], output == CUE
        return voice

    def render(self, mix: Samples, at: float | None = None) -> None:
        """Fill `mix`, (frames, channels). `at`: the time of the request, in seconds of `time.perf_counter`."""
        if at is not None:
            self._clock.tick(self.frame, at)
            # The device's clock differs from the machine's, and the device may have stopped for a while.
            if self._tempo is not None and self._grid.has_drifted(
                frame := self._clock.frame_of(self._tempo.at, self.frame)
            ):
                self._set_grid(self._tempo, frame)
        bus = np.zeros((self.channels, len(mix)), np.float32)  # a row per channel is twice as fast as a row per frame
        while self.requests:
            self._accept(self.requests.popleft())
        done = 0
        while done < len(mix):
            while self._scheduled and self._scheduled[0][0] <= self.frame:
                self._apply(heapq.heappop(self._scheduled)[2])
            until = min(len(mix), done + self._scheduled[0][0] - self.frame) if self._scheduled else len(mix)
            for voice in self.voices:
                if not voice.over:
                    voice.add_to(bus[voice.first : voice.first + WIDTH, done:until])
            self.frame += until - done
            done = until
        if any(voice.over for voice in self.voices):
            self.ended.extend(voice.number for voice in self.voices if voice.over)
            self.voices = [voice for voice in self.voices if not voice.over]
        for rows, limiter in self._limiters:
            limiter.apply(bus[rows])
        mix[:] = bus.T

    def _accept(self, request: object) -> None:
        """Apply a request now, or schedule it for its frame."""
        if isinstance(request, Tempo):
            self._tempo = request
            self._set_grid(request, self._clock.frame_of(request.at, self.frame))
            return
        frame = self._frame_for(request)
        if frame <= self.frame:
            self._apply(request)
        elif len(self._scheduled) < MAX_SCHEDULED or isinstance(request, Stop):
            self._count += 1
            heapq.heappush(self._scheduled, (frame, self._count, request))
        elif isinstance(request, Voice):
            self.ended.append(request.number)

    def _set_grid(self, tempo: Tempo, frame: int) -> None:
        """Move the grid, and with it what waits for a beat or bar. What was due, and is just over on the new grid, comes at once
        instead of a whole bar later."""
        self._grid.set(tempo, frame)
        due = self.frames(DUE_MS)
        for index, (old, count, request) in enumerate(self._scheduled):
            when = getattr(request, "when", NOW)
            if when.quantize:
                since = self.frame if when.at is None else max(self.frame, self._clock.frame_of(when.at, self.frame))
                new = self._grid.next(when.quantize, since)
                if old <= self.frame + due:
                    new = min(self._grid.next(when.quantize, since - due), new, key=lambda frame: abs(frame - old))
                self._scheduled[index] = (new, count, request)
        heapq.heapify(self._scheduled)

    def _frame_for(self, request: object) -> int:
        if isinstance(request, Voice) and request.after is not None:
            starts = [(self.frame - voice.position, voice) for voice in self.voices]
            starts += [(frame, waiting) for frame, _, waiting in self._scheduled if isinstance(waiting, Voice)]
            ends = [start + len(voice.samples) for start, voice in starts if voice.number == request.after]
            return max(ends) - request.overlap if ends else self.frame
        when = getattr(request, "when", NOW)
        if when == NOW:
            return self.frame
        frame = self.frame if when.at is None else max(self.frame, self._clock.frame_of(when.at, self.frame))
        return self._grid.next(when.quantize, frame) if when.quantize else frame

    def _apply(self, request: object) -> None:
        if isinstance(request, Voice):
            if request.when != NOW or request.after is not None:
                self.began.append(request.number)
            self.voices.append(request)
            request.begin()
            if (beyond := len(self.voices) - MAX_VOICES) > 0:
                for voice in sorted(self.voices, key=lambda voice: not voice.is_cue)[:beyond]:
                    voice.stop(self.frames(MIN_FADE_MS))
        elif isinstance(request, Stop):
            fade = self.frames(max(request.fade_ms, MIN_FADE_MS))
            done = self.fade_mixed(fade) if request.voice is None and request.when == NOW else 0
            for voice in self.voices:
                if request.voice in (None, voice.number):
                    voice.stop(fade, done)
            self._forget(request.voice)
        elif isinstance(request, Change):
            for voice in self.voices:
                if voice.number == request.voice:
                    self._change(voice, request)
            for _, _, waiting in self._scheduled:
                if isinstance(waiting, Voice) and waiting.number == request.voice:
                    self._change(waiting, request)

    def _forget(self, number: int | None) -> None:
        """Drop scheduled requests: all of them, or one voice."""
        remaining = []
        for entry in self._scheduled:
            request = entry[2]
            if number is None or (isinstance(request, Voice) and request.number == number):
                if isinstance(request, Voice):
                    self.ended.append(request.number)
            else:
                remaining.append(entry)
        self._scheduled = remaining
        heapq.heapify(self._scheduled)

    def _change(self, voice: Voice, request: Change) -> None:
        glide = self.frames(max(request.glide_ms, MIN_FADE_MS))
        if request.gain is not None:
            voice.gain.to(request.gain, glide)
        if request.pan is not None:
            voice.pan.to(request.pan, glide)
        if request.loop is not None:
            voice.loop = request.loop and len(voice.samples) > 0
