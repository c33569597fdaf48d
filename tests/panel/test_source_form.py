"""A source in the form becomes the keys of an ask that the daemon takes; the recipe of its clip fills the form again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.domain import source_keys
from bridge.domain.ask import FIELDS, Ask
from bridge.domain.clip import Prompt
from bridge.domain.recipe import Recipe
from bridge.domain.source import HOWS, How, Source
from bridge.domain.tempo import Tempo
from bridge.errors import BadArgument
from bridge.panel.clips import Clip, clip_of
from bridge.panel.form import AUTO, BARS, SECONDS, BadField, Form, arguments, from_recipe, keys_of
from bridge.panel.results import title_of
from bridge.panel.source import NO_PART, FormSource, of_file
from tests.fake_engine import MODEL

TEMPO = Tempo(120.0)
BEAT = FormSource("/s/beat.wav", seconds=2.0, words="beat")
FILLED = replace(BEAT, how="fill", part=(0.5, 1.0))


@pytest.mark.parametrize(
    ("filled", "expected"),
    [
        (Form(source=BEAT), ["", "vary", "/s/beat.wav"]),
        (
            Form("dirtier", "lofi", takes=4, source=replace(BEAT, strength=0.7, part=(0.25, 1.0))),
            ["dirtier", "preset", "lofi", "takes", 4, "vary", "/s/beat.wav", "strength", 0.7, "from", 0.25, "to", 1.0],
        ),
        (Form(unit=SECONDS, length=1.5, source=BEAT), ["", 1.5, "vary", "/s/beat.wav"]),
        (Form(unit=BARS, length=2.0, source=BEAT), ["", "bars", 2.0, "vary", "/s/beat.wav"]),
        (Form(source=replace(BEAT, how="continue")), ["", "continue", "/s/beat.wav"]),
        (
            Form(unit=SECONDS, length=3.0, source=replace(BEAT, how="continue")),
            ["", "continue", "/s/beat.wav", "more", 3.0],
        ),
        (
            Form(unit=BARS, length=4.0, source=replace(BEAT, how="continue", strength=0.2)),
            ["", "continue", "/s/beat.wav", "more_bars", 4.0],
        ),
        (
            Form("x", unit=SECONDS, length=9.0, source=FILLED),
            ["x", "fill", "/s/beat.wav", "from", 0.5, "to", 1.0],
        ),
    ],
)
def test_a_source_becomes_the_arguments_of_generate(filled: Form, expected: list[Any]) -> None:
    assert arguments(filled.ask(TEMPO)) == expected


EVERYTHING = {
    "seed": 7, "key": "c", "trim": "onset", "reverse": 1, "fade_in_ms": 5.0, "fade_out_ms": 5.0, "lufs": -14.0, "steps": 5, "bits": 16,
}  # fmt: skip


@pytest.mark.parametrize("how", HOWS)
def test_what_does_not_go_with_a_source_is_kept_and_not_sent(how: How) -> None:
    source = replace(FILLED, how=how, strength=0.5)
    filled = Form("x", note="c3", loop=True, unit=BARS, length=2.0, extras=EVERYTHING, source=source)
    sent = filled.ask(TEMPO).values
    assert not sent.keys() & source_keys.excluded(how)
    assert {"seed", "steps", "bits"} <= sent.keys() and (filled.note, filled.loop) == ("c3", True)
    assert ("trim" in sent) == (how == "vary") and ("fade_out_ms" in sent) == (how != "fill")


@pytest.mark.parametrize("how", HOWS)
def test_exactly_the_excluded_keys_are_refused_with_a_source(how: How) -> None:
    gap = {"from": 0.5, "to": 1.0}
    values = {**EVERYTHING, "note": "c3", "loop": 1, "bars": 1.0, "seconds": 1.0, "more": 1.0, "more_bars": 1.0,
              "strength": 0.5, "parts": "hits", "preset": "x", "takes": 2, "channels": 1, "negative": "y"}  # fmt: skip
    for name, value in values.items():
        ask = Ask.of("x", {how: "/s/beat.wav", **gap, name: value})
        if name in source_keys.excluded(how):
            with pytest.raises(BadArgument):
                ask.check()
        else:
            ask.check()
    assert source_keys.excluded(how) <= FIELDS.keys()


@pytest.mark.parametrize(
    ("filled", "name", "said"),
    [
        (Form(source=replace(BEAT, how="fill")), "source", "Mark the gap first"),
        (Form(source=replace(FILLED, part=(0.5, 0.52))), "source", "at least 50 milliseconds"),
        (Form(source=replace(BEAT, seconds=600.0)), "source", "mark a shorter part"),
        (Form(source=replace(FILLED, seconds=600.0)), "source", "cut it first"),
        (Form(source=replace(BEAT, part=(0.5, 0.52))), "source", "mark a longer part"),
        (Form(unit=SECONDS, length=2.5, source=BEAT), "length", "has only 2 seconds"),
        (Form(unit=SECONDS, length=149.0, source=replace(BEAT, how="continue")), "length", "this one would have 151"),
        (Form(unit=BARS, length=200.0, source=replace(BEAT, how="continue")), "length", "200 bars"),
    ],
)
def test_a_source_that_cannot_be_used_so_gets_a_sentence_at_its_field(filled: Form, name: str, said: str) -> None:
    with pytest.raises(BadField) as raised:
        filled.ask(TEMPO)
    assert raised.value.name == name and said in str(raised.value)


def test_a_part_of_a_long_file_can_be_used() -> None:
    part = replace(BEAT, seconds=600.0, part=(300.0, 304.0))
    assert Form(source=part).ask(TEMPO).values["from"] == 300.0
    bars = Form(unit=BARS, length=2.0, source=replace(part, how="continue", bpm=60.0))
    assert bars.ask(TEMPO).values["more_bars"] == 2.0


@pytest.mark.parametrize(
    ("how", "seconds", "unit", "length"), [("vary", 2.0, AUTO, 4.0), ("continue", 5.5, SECONDS, 3.5), ("fill", 2.0, AUTO, 4.0)]
)  # fmt: skip
def test_the_recipe_of_a_clip_and_the_library_fill_in_its_source(
    how: How, seconds: float, unit: str, length: float
) -> None:
    source = Source(
        "/s/beat.wav", "0" * 64, how, 2.0, 0.5 if how == "fill" else 0.0, 1.0 if how == "fill" else 2.0, 0.7
    )
    prompt = MODEL.abilities.settled(Prompt("beat", "beat", seconds, 7, source=source))
    facts = ["/c/a.wav", "prompt", "beat", "seconds", seconds, "seed", 7, "how", how, "source", "/s/beat.wav",
             "from", source.from_s, "to", source.to_s, "strength", 0.7]  # fmt: skip
    clip = clip_of(facts)
    assert clip is not None
    for filled in (from_recipe(keys_of(Recipe(prompt, 1, {}))), from_recipe(clip.recipe)):
        assert filled.source is not None
        assert (filled.text, filled.unit, filled.length, filled.extras["seed"]) == ("beat", unit, length, 7)
        assert (filled.source.path, filled.source.how) == ("/s/beat.wav", how)
        assert filled.source.strength == (0.7 if how == "vary" else None)
        known = filled.source.with_seconds(2.0)
        assert known.part == ((0.5, 1.0) if how == "fill" else NO_PART)
        sent = replace(filled, source=known).ask(TEMPO)
        assert sent.how == how and sent.more == (3.5 if how == "continue" else None)


@pytest.mark.parametrize(
    "facts",
    [
        ["how", "steal", "source", "/s/a.wav", "to", 1.0],
        ["how", "vary", "source", "a.wav", "to", 1.0],
        ["how", "vary", "source", "/s/\0a.wav", "to", 1.0],
        ["how", "vary", "source", "/" + "x" * 9_000, "to", 1.0],
        ["how", "vary", "source", "/s/a.wav"],
        ["how", "vary", "source", "/s/a.wav", "to", float("nan")],
        ["how", 5, "source", 7, "from", "x", "to", []],
    ],
)
def test_a_source_that_makes_no_sense_is_none(facts: list[Any]) -> None:
    assert clip_of(["/a/b.wav", *facts]) == Clip("/a/b.wav")


@pytest.mark.parametrize(
    ("ask", "title"),
    [
        (Ask("deep kick"), "deep kick"),
        (Ask("", vary="/s/Amen break.wav"), "Amen break, varied"),
        (Ask("", continue_="/c/deep-kick_s4711_1a2b.wav"), "deep kick, continued"),
        (Ask("dirtier", fill="/s/Amen break.wav"), "dirtier, from Amen break"),
        (Ask("", vary="/s/_.wav"), "_, varied"),
    ],
)
def test_a_job_is_called_by_its_words_and_its_source(ask: Ask, title: str) -> None:
    assert title_of(ask) == title


def test_a_file_is_called_by_its_prompt_or_its_name() -> None:
    assert of_file("/s/Amen break.wav", {"seconds": 2.0, "bpm": 137.0}) == FormSource(
        "/s/Amen break.wav", seconds=2.0, words="Amen break", bpm=137.0
    )
    assert of_file("/s/a.wav", {"prompt": "deep kick", "seconds": "x", "bpm": float("-inf")}).words == "deep kick"
    assert of_file("/s/a.wav", {"seconds": float("nan"), "bpm": None}) == FormSource("/s/a.wav", words="a")
