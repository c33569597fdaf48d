"""Drum patterns by style: sixteenths of a bar for each part, of which one variant is drawn, and the kit that plays them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bridge.starter.rhythms.pattern import (
    BEATS_PER_BAR,
    BUSY,
    KEEP_TIME,
    SPARSE,
    SWINGS,
    Hit,
    eighths_swing,
    form,
    hits_of_bar,
    with_fill,
)
from bridge.starter.sounds.parts import Attributes

Variants = Mapping[str, tuple[str, ...]]
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Style:
    """`parts`: variants of the pattern of each part; `kit`: ranges of the attributes of its sounds (each −1 to 1); `fill`: the part
    that plays the fill and the soft hits; `back`: the part on beats 2 and 4, which half-time puts on 3, empty where half-time means
    nothing; `rolls`: hats in thirty-seconds now and then; `shuffles`: its eighths swing rather than its sixteenths."""

    parts: Variants
    kit: Mapping[str, Mapping[str, Range]] = field(default_factory=dict)
    fill: str = "snare"
    back: str = ""
    rolls: bool = False
    shuffles: bool = False


FOUR = ("X...X...X...X...",)
BACK = ("....X.......X...",)
EIGHTHS = ("o.o.o.o.o.o.o.o.", "X.-.X.-.X.-.X.-.")
SIXTEENTHS = ("ogogogogogogogog", "o-o-o-o-o-o-o-o-", "X-o-X-o-X-o-X-o-")
OFF = ("..X...X...X...X.",)
TIGHT: Mapping[str, Range] = {"length": (-1.0, -0.2)}
DEEP: Mapping[str, Range] = {"pitch": (-1.0, -0.2), "length": (0.0, 0.8)}

DRUMS: dict[str, Style] = {
    "four_on_the_floor_loop": Style(
        {"kick": FOUR, "snare": BACK, "closed_hat": (*EIGHTHS, *SIXTEENTHS)}, {"kick": {"length": (-0.5, 0.5)}},
        back="snare", shuffles=True,
    ),
    "house_loop": Style(
        {"kick": FOUR, "clap": BACK, "open_hat": OFF, "closed_hat": ("ggogggogggogggog", "-.......-.......", "o-.-o-.-o-.-o-.-"), "shaker": ("................", "-g-g-g-g-g-g-g-g")},
        {"kick": {"length": (0.0, 0.8)}, "open_hat": {"length": (-1.0, -0.3)}},
        fill="clap",
        back="clap",
    ),
    "techno_loop": Style(
        {"kick": FOUR, "closed_hat": ("..o...o...o...o.", "-go--go--go--go-"), "rim": ("...-..-.....-...", "......o.....-..o", "................"), "ride": ("................", "o.o.o.o.o.o.o.o.")},
        {"kick": {"pitch": (-0.8, 0.0), "length": (0.0, 0.9)}, "rim": {"brightness": (-0.5, 1.0)}},
        fill="rim",
    ),
    "breakbeat_loop": Style(
        {"kick": ("X.o.......o.-...", "X..o......oo....", "X.....o...o....."), "snare": ("....X..g.g..X..g", "....X..-.-..X...", "....X.....g.X.-."), "closed_hat": EIGHTHS, "ride": ("................", "................", "o.o.o.o.o.o.o.o.")},
        {"snare": {"force": (0.2, 1.0)}},
        back="snare",
    ),
    "hip_hop_loop": Style(
        {"kick": ("X.....o.-.o.....", "X..o....-.o..-..", "X......o..o....."), "snare": BACK, "closed_hat": ("o.o.o.o.o.o.o.o.", "o.o.o.ogo.o.o.o.", "o.-.o.-.o.-.o.-g")},
        {"kick": DEEP, "snare": {"pitch": (-1.0, 0.0), "length": (0.0, 0.9)}},
        back="snare",
    ),
    "trap_loop": Style(
        {"808": ("X.....o...-.....", "X..o......o.....", "X.........o..-.."), "snare": ("........X.......",), "closed_hat": ("o.o.o.o.o.o.o.o.", "o-o.o-o.o.o-o.o-")},
        {"808": {"length": (-0.4, 0.6)}, "snare": {"pitch": (0.0, 1.0)}, "closed_hat": TIGHT},
        rolls=True,
    ),
    "drum_and_bass_loop": Style(
        {"kick": ("X.........o.....", "X.o.......o.....", "X.........o..-.."), "snare": ("....X..g.g..X...", "....X.......X..g", "....X..-....X.g."), "closed_hat": (*EIGHTHS, "o-o-o-o-o-o-o-o-"), "ride": ("................", "................", "o.o.o.o.o.o.o.o.")},
        {"snare": {"pitch": (0.2, 1.0), "force": (0.3, 1.0), "length": (-0.6, 0.2)}, "kick": TIGHT},
        back="snare",
    ),
    "dub_loop": Style(
        {"kick": ("........X.......", "X.......X......."), "rim": ("........X.......", "....o.......o..."), "closed_hat": ("o..oo..oo..oo..o", "..o...o...o...o.", "o.-.o.-.o.-.o.-.")},
        {"kick": DEEP, "closed_hat": {"brightness": (-1.0, 0.0)}},
        fill="rim",
        shuffles=True,
    ),
    "rock_loop": Style(
        {"kick": ("X.......X.-.....", "X.......X.o.....", "X.o.....X.o....."), "snare": BACK, "closed_hat": ("X.o.X.o.X.o.X.o.", "o.o.o.o.o.o.o.o."), "ride": ("................", "................", "o...o...o...o...")},
        {"snare": {"length": (0.0, 1.0), "force": (0.2, 1.0)}},
        fill="tom",
        back="snare", shuffles=True,
    ),
    "latin_loop": Style(
        {"kick": ("X..o....X..o....", "X..o..o.X..o..o."), "clave": ("o..o..o...o.o...", "..o.o...o..o..o."), "conga": ("..o...oo..o...oo", "--o---oo--o---oo"), "shaker": ("o-o-o-o-o-o-o-o-", "................"), "cowbell": ("................", "o...o...o...o...")},
        fill="conga",
    ),
    "reggaeton_loop": Style(
        {"kick": FOUR, "snare": ("...X..X....X..X.",), "closed_hat": ("o.o.o.o.o.o.o.o.", "................")},
        {"snare": TIGHT},
    ),
    "garage_loop": Style(
        {"kick": ("X.........o.....", "X......o..o.....", "X..-......o....."), "clap": BACK, "closed_hat": ("..o..o....o..o.-", "o.og..o.o.og..o."), "open_hat": ("..............o.", "......o.......o."), "rim": ("................", ".......-.......-")},
        {"open_hat": {"length": (-1.0, -0.4)}},
        fill="clap",
        back="clap",
    ),
    "disco_loop": Style(
        {"kick": FOUR, "snare": BACK, "open_hat": OFF, "closed_hat": ("oo.ooo.ooo.ooo.o", "o-.-o-.-o-.-o-.-"), "tambourine": ("................", "..o...o...o...o.")},
        {"open_hat": {"length": (-0.6, 0.2)}},
        back="snare",
    ),
    "hat_loop": Style(
        {"closed_hat": (*EIGHTHS, *SIXTEENTHS, "o-go-go-o-go-go-"), "open_hat": ("................", "..............X.", "......X.......X.", "..X...X...X...X.")},
        {"open_hat": {"length": (-1.0, 0.0)}},
        fill="closed_hat",
    ),
    "shaker_loop": Style({"shaker": ("X-o-X-o-X-o-X-o-", "o-X-o-X-o-X-o-X-", "X-oX-oX-oX-oX-o-")}, {"shaker": TIGHT}, fill="shaker"),
    "percussion_loop": Style(
        {"conga": ("o..oo.o.o..oo.o.", "..o...oo..o...oo", "o.-.o.oo..o.-.o."), "cowbell": ("....o.......o...", "................", "o..o..o.o..o..o."), "tambourine": ("..-...-...-...-.", "................"), "clave": ("o..o..o...o.o...", "................"), "rim": ("................", "......o......o..")},
        fill="conga",
    ),
}  # fmt: skip


HALF_KICKS = ("X.........o.....", "X.....o.........", "X...............")
SOFT = 0.45


def hits(rng: np.random.Generator, a: Attributes, style: Style) -> list[Hit]:
    """Four bars: three alike, and a fourth that may end with a fill."""
    steps = {part: str(rng.choice(variants)) for part, variants in style.parts.items()}
    if a.half and style.back:
        steps |= {style.back: "........X.......", "kick": str(rng.choice(HALF_KICKS))}
    bar = hits_of_bar(rng, steps, a, style.fill)
    if a.swing > SWINGS and not style.shuffles and eighths_swing(bar):
        bar = _with_soft_hits(bar, steps, 0.75)
    elif a.swing > SWINGS and all(hit.beat % 1 == 0 for hit in bar):
        bar = _with_soft_hits(bar, steps, 0.5)
    if style.rolls and a.density > SPARSE:
        bar = _with_roll(rng, bar)
    last = with_fill(bar, style.fill) if a.density > BUSY and rng.random() < 0.5 else bar
    return form([bar, bar, bar, last], a.swing)


def _with_soft_hits(bar: list[Hit], steps: Mapping[str, str], after: float) -> list[Hit]:
    """The bar with a soft hit of a timekeeping part this many beats after each beat, so that the swing is heard."""
    part = next((part for part in KEEP_TIME if part in steps), "closed_hat")
    taken = {hit.beat for hit in bar if hit.part == part}
    beats = [beat + after for beat in range(BEATS_PER_BAR)]
    return bar + [Hit(beat, part, SOFT) for beat in beats if beat not in taken]


def _with_roll(rng: np.random.Generator, bar: list[Hit]) -> list[Hit]:
    """The bar with half a beat of hats in thirty-seconds, or in triplets of sixteenths."""
    start, count = float(rng.choice([1.5, 2.5, 3.0, 3.5])), int(rng.choice([4, 6]))
    kept = [hit for hit in bar if hit.part != "closed_hat" or not start <= hit.beat < start + 0.5]
    return kept + [
        Hit(start + number * 0.5 / count, "closed_hat", 0.4 + 0.5 * number / count) for number in range(count)
    ]
