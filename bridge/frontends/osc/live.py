"""The part of the OSC frontend for what sounds: voices, pads, the stream, the tempo; and panic."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from bridge.domain.ask import Ask
from bridge.domain.events import PadChanged
from bridge.domain.limits import BEATS_PER_BAR, BPM, GAIN, PADS, PAN, QUANTIZE, VOICE_FADE_MS, Range
from bridge.errors import BadArgument
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc.answers import Answers, Target
from bridge.live.pads import Press
from bridge.player.messages import When

VOICES = Range(1, 999_999_999)
BEATS = Range(0, 1e7)
AHEAD_S = 10.0  # time tags further ahead are refused: most come from a clock that is wrong
CLOCK_STEP_S = 0.05
BEHIND_S = 1.0  # a beat that is told so late says still when it fell
STREAM_STOP_FADE_MS = 2_000.0


class LiveMethods(Answers):
    """Methods of the OSC frontend; the names stand in METHODS."""

    _time_tag: float
    _clocks_apart_s: float = 0.0

    def _moment(self, behind_s: float = 0.0) -> float | None:
        """When the message that is handled is to be done, in seconds of time.perf_counter; None: at once.
        Raises BadArgument."""
        if not self._time_tag:
            return None
        # The two clocks side by side, smoothed: on Windows time.time() moves in steps of 15.6 ms.
        apart_s = time.perf_counter() - time.time()
        steps = abs(apart_s - self._clocks_apart_s) < CLOCK_STEP_S
        self._clocks_apart_s += (0.02 if steps else 1.0) * (apart_s - self._clocks_apart_s)
        at = self._time_tag + self._clocks_apart_s
        left_s = at - time.perf_counter()
        if left_s > AHEAD_S:
            raise BadArgument(
                f"This is for {left_s:.4g} seconds from now; {AHEAD_S:g} at most. Is the clock of this machine right?"
            )
        return at if left_s > -behind_s else None

    def stop(self, given: list[Any], _sender: Target, _message: Any) -> None:
        if args.press(given, "/bridge/stop"):
            self.core.panic()

    def tempo(self, given: list[Any], sender: Target, _message: Any) -> None:
        now = self.core.stage.live.tempo
        if not given:
            beat = round(now.beat_at(time.perf_counter()), 3)
            self._send(sender, "/bridge/tempo", float(now.bpm), now.beats_per_bar, beat)
            return
        if len(given) > 2:
            raise BadArgument("/bridge/tempo wants the BPM and, if it changes, how many beats a bar has.")
        bpm = args.number(given[0], "bpm", BPM)
        beats = int(args.number(given[1], "beats_per_bar", BEATS_PER_BAR, True)) if given[1:] else now.beats_per_bar
        at = self._moment(BEHIND_S)
        if at is not None and (left_s := at - time.perf_counter()) > 0:  # until then the old one holds
            asyncio.get_running_loop().call_later(left_s, self.core.stage.set_tempo, bpm, beats, at)
        else:
            self.core.stage.set_tempo(bpm, beats, at)

    def beat(self, given: list[Any], _sender: Target, _message: Any) -> None:
        beat = args.number(args.only(given, "/bridge/beat"), "the beat", BEATS)
        self.core.stage.beat(beat, self._moment(BEHIND_S))

    def voice(self, given: list[Any], _sender: Target, message: Any) -> None:
        _, _, _, number, what = message.address.split("/")
        live, when = self.core.stage.live, When(self._moment())
        voice = int(args.number(number, "the number of the voice", VOICES, whole=True))
        if len(given) > (1 if what in ("stop", "loop") else 2):
            raise BadArgument(f"{message.address} has too many values.")
        if what == "stop":
            fade_ms = args.number(given[0], "fade_ms", Range(0, VOICE_FADE_MS.high)) if given else 1.0
            if fade_ms > 0:  # 0: a button was let go; 1: it was pressed
                live.stop(voice, max(fade_ms, VOICE_FADE_MS.low), when)
        elif what == "loop":
            loop = args.number(args.only(given, what), what, Range(0, 1), whole=True) == 1
            live.change(voice, loop=loop, when=when)
        else:
            glide = {"glide_ms": args.number(given[1], "glide_ms", VOICE_FADE_MS)} if len(given) > 1 else {}
            value = args.number(args.only(given[:1], what), what, GAIN if what == "gain" else PAN)
            live.change(voice, **{what: value}, **glide, when=when)

    def pad(self, given: list[Any], sender: Target, message: Any) -> None:
        _, _, _, number, what, *words = message.address.split("/")
        pad, pads = int(args.number(number, "the number of the pad", PADS, whole=True)), self.core.stage.pads
        if what == "set":
            pads.set(pad, _sounding(given, bool(words), "A pad sounds when it is played"))
            self._send_pads(sender, pad)
        elif what == "lock":
            pads.lock(pad, args.number(args.only(given, what), what, Range(0, 1), whole=True) == 1)
        elif what == "play":
            self._play(pad, given, sender)
        elif args.press(given, message.address):
            if what == "save":
                self.core.save_pad(pad, Press(sender))
            elif what == "clear":
                pads.clear(pad)
                self._send_pads(sender, pad)
            else:
                pads.stop(pad, self._moment())

    def _play(self, pad: int, given: list[Any], sender: Target) -> None:
        quantize, at = "", self._moment()
        if len(given) >= 2 and given[-2] == "quantize":
            quantize = given[-1]
            given = given[:-2]
            if quantize not in QUANTIZE:
                raise BadArgument(f"quantize is one of {', '.join(QUANTIZE)}, not {str(quantize)[:40]!r}.")
        velocity = args.number(args.only(given, "play"), "velocity", Range(0, 127)) if given else 1.0
        if velocity > 0:
            velocity = velocity if velocity <= 1 else velocity / 127
            self.core.stage.pads.play(pad, velocity, Press(sender), at, quantize)
        else:
            self.core.stage.pads.release(pad, at)

    def pads(self, given: list[Any], sender: Target, _message: Any) -> None:
        if args.press(given, "/bridge/pads"):
            self._send_pads(sender)

    def stream(self, given: list[Any], sender: Target, message: Any) -> None:
        whole, _, _ = message.address.partition("/words")
        stream, what = self.core.stage.stream, whole.rpartition("/")[2]
        if what == "stop":
            fade_ms = args.number(given[0], "fade_ms", Range(0, VOICE_FADE_MS.high)) if given else 1.0
            if len(given) > 1:
                raise BadArgument("/bridge/stream/stop has too many values.")
            if fade_ms > 0:
                stream.stop(STREAM_STOP_FADE_MS if fade_ms == 1 else max(fade_ms, VOICE_FADE_MS.low))
        elif what == "stream":
            if args.press(given, "/bridge/stream"):
                self._send(sender, "/bridge/stream/state", stream.state, stream.ahead_s)
        else:
            ask = _sounding(given, whole != message.address, "A stream is always heard")
            (self.core.start_stream if what == "start" else self.core.change_stream)(ask)
            if sender not in self._audience():
                self._send(sender, "/bridge/stream/state", stream.state, stream.ahead_s)

    def _send_pads(self, target: Target, only: int | None = None) -> None:
        states = {pad: rest for pad, *rest in self.core.stage.pads.states()}
        for pad in states if only is None else (only,):
            self._send_pad(target, pad, *states.get(pad, ("empty", 0.0, "")))

    def _send_pad(self, target: Target, pad: int, state: str, value: float, why: str) -> None:
        self._reply(target, "/bridge/pad/<n>/state", PadChanged(pad, state, value, why).facts())


def _sounding(given: list[Any], words: bool, why: str) -> Ask:
    """The ask of something that has a sink of its own."""
    ask = (args.words if words else args.pairs)(given).ask()
    if ask.sink is not None or ask.then is not None:
        raise BadArgument(f"{why}: leave sink and then out.")
    return ask
