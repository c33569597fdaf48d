"""How long a clip with a source becomes, and in which tempo."""

from __future__ import annotations

from bridge.domain.ask import FIELDS, Ask
from bridge.domain.limits import SECONDS
from bridge.domain.source import Source
from bridge.domain.tempo import Tempo
from bridge.errors import BadArgument
from bridge.presets.files import Preset

MIN_MORE_S = 0.05
WHOLE_BARS = 0.01  # of a bar: what a length may be off a quarter of a bar


def length(ask: Ask, source: Source, preset: Preset | None, tempo: Tempo) -> tuple[float, float, float]:
    """The seconds, the bars and the BPM of the clip; no bars and no BPM if it has none. Raises BadArgument."""
    bpm = ask.bpm or source.bpm or tempo.bpm
    if source.how == "fill":
        return source.seconds, *_bars(source.seconds, source.bpm, tempo)
    if source.how == "vary":
        if ask.bars is not None:
            bpm = ask.bpm or tempo.bpm
            return tempo.seconds(ask.bars, bpm), ask.bars, bpm
        if ask.seconds is None:
            return source.seconds, *_bars(source.seconds, source.bpm, tempo)
        if ask.seconds > source.seconds + MIN_MORE_S:
            raise BadArgument(
                f"vary makes a clip as long as its source, which has {source.seconds:.4g} seconds: leave seconds out, or send "
                "continue to go on after it."
            )
        return min(ask.seconds, source.seconds), 0.0, 0.0
    seconds = _continued(ask, source, preset, tempo, bpm)
    if seconds < source.seconds + MIN_MORE_S:
        raise BadArgument(
            f"The source has {source.seconds:.4g} seconds already, and a continued clip begins with it: ask for more than that, or "
            "say how much is added with more or more_bars."
        )
    if seconds > SECONDS.high:
        raise BadArgument(f"A clip has at most {SECONDS.high:g} seconds, and this one would have {seconds:.4g}.")
    return seconds, *_bars(seconds, bpm if source.bpm or ask.bpm else 0.0, tempo)


def _continued(ask: Ask, source: Source, preset: Preset | None, tempo: Tempo, bpm: float) -> float:
    if ask.seconds is not None:
        return ask.seconds
    if ask.bars is not None:
        return tempo.seconds(ask.bars, bpm)
    more, more_bars = ask.more, ask.more_bars
    if more is None and more_bars is None and preset is not None:
        more, more_bars = preset.more, preset.more_bars
    if more_bars is not None:
        return source.seconds + tempo.seconds(more_bars, bpm)
    if more is not None:
        return source.seconds + more
    bars, _ = _bars(source.seconds, source.bpm, tempo)
    return source.seconds + (source.seconds if bars else float(FIELDS["seconds"].default))


def _bars(seconds: float, bpm: float, tempo: Tempo) -> tuple[float, float]:
    """The bars of a clip and its tempo, if it has a whole number of quarters of a bar; else neither."""
    bars = seconds * bpm / 60 / tempo.beats_per_bar
    quarters = round(4 * bars)
    if not quarters or abs(4 * bars - quarters) > 4 * WHOLE_BARS:
        return 0.0, 0.0
    return quarters / 4, bpm
