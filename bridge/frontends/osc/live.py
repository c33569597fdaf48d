"""The addresses for sound: silence, the tempo, voices and the stream. Pads are in pads.py."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable

from bridge.core import sources
from bridge.domain.ask import Ask
from bridge.domain.limits import BEATS_PER_BAR, BPM, GAIN, PAN, VOICE_FADE_MS, Range
from bridge.errors import BadArgument
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc import asks
from bridge.frontends.osc.answers import Osc, Request
from bridge.live import stream as streams
from bridge.player.messages import When

VOICES = Range(1, 999_999_999)
BEATS = Range(0, 1e7)
BEHIND_S = 1.0  # a beat or tempo this late still counts: its time tag says when it fell
STREAM_STOP_FADE_MS = 2_000.0
STREAM_SOUNDS = "A stream is always heard"


def stop(osc: Osc, request: Request) -> None:
    """/bridge/stop"""
    osc.core.panic()


def tempo(osc: Osc, request: Request) -> None:
    """/bridge/tempo"""
    current, arguments, stage = osc.core.stage.tempo, args.without_press(request.arguments), osc.core.stage
    if arguments is None:  # the release of a button that asks for the tempo
        return
    if not arguments:
        beat = round(current.beat_at(time.perf_counter()), 3)
        osc.send(request.sender, request.address, float(current.bpm), current.beats_per_bar, beat)
        return
    if len(arguments) > 2:
        raise BadArgument("/bridge/tempo wants the BPM, then perhaps the beats in a bar.")
    bpm = args.number(arguments[0], "bpm", BPM)
    beats = current.beats_per_bar
    if arguments[1:]:
        beats = int(args.number(arguments[1], "beats_per_bar", BEATS_PER_BAR, whole=True))
    at = osc.clock.moment(request.time_tag, BEHIND_S)
    if at is not None and (left_s := at - time.perf_counter()) > 0:  # the old tempo holds until then
        asyncio.get_running_loop().call_later(left_s, stage.set_tempo, bpm, beats, at)
    else:
        stage.set_tempo(bpm, beats, at)


def beat(osc: Osc, request: Request) -> None:
    """/bridge/beat"""
    beat = args.number(args.only(request.arguments, request.address), "the beat", BEATS)
    osc.core.stage.beat(beat, osc.clock.moment(request.time_tag, BEHIND_S))


# ---- voices ----


def voice_stop(osc: Osc, request: Request) -> None:
    """/bridge/voice/<n>/stop"""
    when = When(osc.clock.moment(request.time_tag))
    fade_ms = _fade_ms(request)
    if fade_ms > 0:
        osc.core.stage.live.stop(request.number, max(fade_ms, VOICE_FADE_MS.low), when)


def voice_gain(osc: Osc, request: Request) -> None:
    """/bridge/voice/<n>/gain"""
    _glide(osc, request, "gain", GAIN)


def voice_pan(osc: Osc, request: Request) -> None:
    """/bridge/voice/<n>/pan"""
    _glide(osc, request, "pan", PAN)


def voice_loop(osc: Osc, request: Request) -> None:
    """/bridge/voice/<n>/loop"""
    when = When(osc.clock.moment(request.time_tag))
    loop = args.switch(request.arguments, "loop")
    osc.core.stage.live.change(request.number, loop=loop, when=when)


def _glide(osc: Osc, request: Request, name: str, allowed: Range) -> None:
    when, arguments = When(osc.clock.moment(request.time_tag)), request.arguments
    if len(arguments) > 2:
        raise BadArgument(f"{request.address} has too many values.")
    glide = {"glide_ms": args.number(arguments[1], "glide_ms", VOICE_FADE_MS)} if len(arguments) > 1 else {}
    value = args.number(args.only(arguments[:1], request.address), name, allowed)
    osc.core.stage.live.change(request.number, **{name: value}, **glide, when=when)


def _fade_ms(request: Request) -> float:
    """The fade of a stop; 1 without one and from a pressed button, 0 from a released one. Further arguments are ignored."""
    arguments = args.without_press(request.arguments)
    if not arguments:
        return 0.0 if arguments is None else 1.0
    return args.number(arguments[0], "fade_ms", Range(0, VOICE_FADE_MS.high))


# ---- the stream ----


def stream(osc: Osc, request: Request) -> None:
    """/bridge/stream"""
    _send_stream(osc, request)


def stream_start(osc: Osc, request: Request) -> None:
    """/bridge/stream/start"""
    _with_stream(osc, request, osc.core.start_stream)


def stream_set(osc: Osc, request: Request) -> None:
    """/bridge/stream/set"""
    _with_stream(osc, request, osc.core.change_stream)


def stream_stop(osc: Osc, request: Request) -> None:
    """/bridge/stream/stop"""
    fade_ms = _fade_ms(request)
    if fade_ms > 0:
        osc.core.sources.leave(sources.STREAM)
        osc.core.stage.stream.stop(STREAM_STOP_FADE_MS if fade_ms == 1 else max(fade_ms, VOICE_FADE_MS.low))


def _with_stream(osc: Osc, request: Request, change: Callable[[Ask], None]) -> None:
    ask = asks.read(request).ask_without_sink(STREAM_SOUNDS)
    if ask.continue_ == "0":
        ask = dataclasses.replace(ask, continue_=None)
    streams.check_way(ask)  # before its source is looked for

    def answer(ask: Ask) -> None:
        change(ask)
        _confirm_stream(osc, request, ask.unread)

    osc.core.sources.leave(sources.STREAM)  # the last ask counts, however long the source of an earlier one takes
    if streams.continues_itself(ask):
        answer(ask)
    else:
        osc.with_source(ask, request, answer, place=sources.STREAM)


def _confirm_stream(osc: Osc, request: Request, remark: str) -> None:
    if remark or request.sender not in osc.subscribers.audience():  # subscribers have the state already
        _send_stream(osc, request, remark)


def _send_stream(osc: Osc, request: Request, remark: str = "") -> None:
    stream = osc.core.stage.stream
    facts = {"state": stream.state, "ahead_s": stream.ahead_s, "remark": remark}
    osc.reply(request.sender, "/bridge/stream/state", facts)
