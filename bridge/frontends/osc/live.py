"""The addresses for what sounds: silence, voices, the stream, the tempo. Pads are in pads.py."""

from __future__ import annotations

import asyncio
import time

from bridge.domain.limits import BEATS_PER_BAR, BPM, GAIN, PAN, VOICE_FADE_MS, Range
from bridge.errors import BadArgument
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc.answers import Osc, Request
from bridge.player.messages import When

VOICES = Range(1, 999_999_999)
BEATS = Range(0, 1e7)
BEHIND_S = 1.0  # the time tag of a beat or a tempo counts up to this much late: it still says when the beat fell
STREAM_STOP_FADE_MS = 2_000.0


def stop(osc: Osc, request: Request) -> None:
    """/bridge/stop"""
    if args.press(request.arguments, request.address):
        osc.core.panic()


def tempo(osc: Osc, request: Request) -> None:
    """/bridge/tempo"""
    current, arguments, stage = osc.core.stage.live.tempo, request.arguments, osc.core.stage
    if not arguments:
        beat = round(current.beat_at(time.perf_counter()), 3)
        osc.send(request.sender, request.address, float(current.bpm), current.beats_per_bar, beat)
        return
    if len(arguments) > 2:
        raise BadArgument("/bridge/tempo wants the BPM and, if it changes, how many beats a bar has.")
    bpm = args.number(arguments[0], "bpm", BPM)
    beats = (
        int(args.number(arguments[1], "beats_per_bar", BEATS_PER_BAR, True)) if arguments[1:] else current.beats_per_bar
    )
    at = osc.clock.moment(request.time_tag, BEHIND_S)
    if at is not None and (left_s := at - time.perf_counter()) > 0:  # until then the old one holds
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
    _at_most(request, 1)
    loop = args.number(args.only(request.arguments, "loop"), "loop", Range(0, 1), whole=True) == 1
    osc.core.stage.live.change(request.number, loop=loop, when=when)


def _glide(osc: Osc, request: Request, name: str, allowed: Range) -> None:
    when, arguments = When(osc.clock.moment(request.time_tag)), request.arguments
    _at_most(request, 2)
    glide = {"glide_ms": args.number(arguments[1], "glide_ms", VOICE_FADE_MS)} if len(arguments) > 1 else {}
    value = args.number(args.only(arguments[:1], name), name, allowed)
    osc.core.stage.live.change(request.number, **{name: value}, **glide, when=when)


def _at_most(request: Request, values: int) -> None:
    if len(request.arguments) > values:
        raise BadArgument(f"{request.address} has too many values.")


def _fade_ms(request: Request) -> float:
    """The fade that a stop asks for; 1 if it has none or a button sent it (1: pressed, 0: let go)."""
    _at_most(request, 1)
    arguments = request.arguments
    return args.number(arguments[0], "fade_ms", Range(0, VOICE_FADE_MS.high)) if arguments else 1.0


# ---- the stream ----


def stream(osc: Osc, request: Request) -> None:
    """/bridge/stream"""
    if args.press(request.arguments, request.address):
        _send_stream(osc, request)


def stream_start(osc: Osc, request: Request) -> None:
    """/bridge/stream/start"""
    _start_stream(osc, request, args.pairs(request.arguments))


def stream_start_words(osc: Osc, request: Request) -> None:
    """/bridge/stream/start/words"""
    _start_stream(osc, request, args.words(request.arguments))


def stream_set(osc: Osc, request: Request) -> None:
    """/bridge/stream/set"""
    _set_stream(osc, request, args.pairs(request.arguments))


def stream_set_words(osc: Osc, request: Request) -> None:
    """/bridge/stream/set/words"""
    _set_stream(osc, request, args.words(request.arguments))


def stream_stop(osc: Osc, request: Request) -> None:
    """/bridge/stream/stop"""
    fade_ms = _fade_ms(request)
    if fade_ms > 0:
        osc.core.stage.stream.stop(STREAM_STOP_FADE_MS if fade_ms == 1 else max(fade_ms, VOICE_FADE_MS.low))


def _start_stream(osc: Osc, request: Request, fields: args.Fields) -> None:
    osc.core.start_stream(fields.ask_without_sink("A stream is always heard"))
    _confirm_stream(osc, request)


def _set_stream(osc: Osc, request: Request, fields: args.Fields) -> None:
    osc.core.change_stream(fields.ask_without_sink("A stream is always heard"))
    _confirm_stream(osc, request)


def _confirm_stream(osc: Osc, request: Request) -> None:
    if request.sender not in osc.subscribers.audience():  # subscribers have got it already
        _send_stream(osc, request)


def _send_stream(osc: Osc, request: Request) -> None:
    stream = osc.core.stage.stream
    osc.send(request.sender, "/bridge/stream/state", stream.state, stream.ahead_s)
