"""Abilities: unset settings become usual, a preset's preferences are dropped if unsupported, an ask's are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.checkpoints.audioldm2 import USUAL
from bridge.domain.clip import Prompt
from bridge.domain.limits import Range
from bridge.domain.model import Abilities, Preferences
from bridge.domain.source import Source
from bridge.errors import BadArgument, Unsupported

BARE = Abilities(sample_rate=44_100, channels=2, seconds=Range(0.5, 30.0))
FAST = replace(USUAL, steps=Range(4, 16), usual_steps=8, least_steps=4, guidance=None)
SOURCE = Source("/a.wav", "0" * 64, "vary", 3.0, 0.0, 3.0)


def prompt(**keys: object) -> Prompt:
    return Prompt("rain", "rain", 2.0, 1, **keys)  # type: ignore[arg-type]


def test_what_is_unset_is_as_usual_and_what_was_asked_stays() -> None:
    settled = USUAL.settled(prompt())
    assert (settled.steps, settled.guidance, settled.negative) == (20, 3.5, "Low quality, average quality.")
    asked = prompt(steps=7, guidance=1.0, negative="")
    assert USUAL.settled(asked, Preferences(steps=30, guidance=4.0, negative="hiss")) == asked
    assert USUAL.settled(settled) == settled


def test_effort_is_a_factor_of_the_usual_steps_within_their_range() -> None:
    assert USUAL.settled(prompt(), Preferences(effort=1.25)).steps == 25
    assert FAST.settled(prompt(), Preferences(effort=1.25)).steps == 10
    assert FAST.settled(prompt(), Preferences(effort=10.0)).steps == 16
    assert FAST.settled(prompt(), Preferences(steps=25)).steps == 16


def test_few_steps_are_usual_where_nothing_asks_for_guidance() -> None:
    few = replace(USUAL, few_steps=5, least_steps=5)

    def how(asked: Prompt, preferences: Preferences = Preferences()) -> tuple[int | None, float | None]:  # noqa: B008
        settled = few.settled(asked, preferences)
        assert few.settled(settled) == settled
        return settled.steps, settled.guidance

    assert how(prompt()) == how(prompt(), Preferences(effort=1.25, guidance=4.0)) == (5, 1.0)
    assert how(prompt(steps=20)) == (20, 3.5)
    assert how(prompt(guidance=6.0)) == (20, 6.0)
    assert how(prompt(negative="hiss")) == how(prompt(source=SOURCE)) == (20, 3.5)
    assert how(prompt(), Preferences(steps=12)) == (12, 3.5)


def test_what_only_a_preset_prefers_is_dropped_where_the_checkpoint_has_no_such_setting() -> None:
    wish = Preferences(steps=25, guidance=4.0, negative="hiss", least_steps=12, loop=True)
    settled = BARE.settled(prompt(loop=True), wish)
    assert (settled.steps, settled.guidance, settled.negative, settled.loop) == (None, None, None, False)
    assert BARE.refusal(settled) is None and BARE.fewest_steps(settled, wish) is None
    assert USUAL.settled(prompt(loop=True), wish).loop


def test_the_note_of_a_preset_is_only_for_checkpoints_that_play_it_in_tune() -> None:
    asked, wished = prompt(note="c4"), Preferences(note=True)
    assert replace(USUAL, notes="tuned").settled(asked, wished).note == "c4"
    for notes in ("words", "none"):
        assert replace(USUAL, notes=notes).settled(asked, wished).note == ""
        assert replace(USUAL, notes=notes).settled(asked).note == "c4"


@pytest.mark.parametrize(
    ("abilities", "keys", "error", "sentence"),
    [
        (BARE, {"steps": 8}, Unsupported, "Tiny has no steps: leave steps out."),
        (FAST, {"steps": 25}, BadArgument, "Tiny takes steps from 4 to 16, not 25."),
        (FAST, {"guidance": 4.0}, Unsupported, "Tiny has no guidance: leave guidance out."),
        (
            BARE,
            {"negative": "hiss"},
            Unsupported,
            "Tiny has no negative prompt: leave negative out. Checkpoints that can: Big One, Other.",
        ),
        (
            BARE,
            {"loop": True},
            Unsupported,
            "Tiny cannot make seamless loops: leave loop out. Checkpoints that can: Big One, Other.",
        ),
        (
            BARE,
            {"note": "c4"},
            Unsupported,
            "Tiny cannot make single notes: leave note out. Checkpoints that can: Big One, Other.",
        ),
        (
            USUAL,
            {"lyrics": "la la"},
            Unsupported,
            "Tiny does not sing: leave lyrics out. Checkpoints that can: Big One, Other.",
        ),
        (
            USUAL,
            {"transcript": "hello"},
            Unsupported,
            "Tiny does not speak: leave transcript out, or change to a speech",
        ),
        (replace(USUAL, speech=True), {}, BadArgument, "Tiny is a speech checkpoint: send the words"),
        (replace(BARE, seconds=Range(0.5, 1.0)), {}, BadArgument, "Tiny makes at most 1 seconds, not 2."),
        (replace(BARE, seconds=Range(3.0, 9.0)), {}, BadArgument, "Tiny makes at least 3 seconds, not 2."),
        (BARE, {"source": SOURCE}, Unsupported, "Tiny cannot vary a sound. Checkpoints that can: Big One, Other."),
        (
            replace(BARE, audio=frozenset({"vary"})),
            {"source": replace(SOURCE, how="fill")},
            Unsupported,
            "Tiny cannot fill a gap in a sound. Checkpoints that can: ",
        ),
        (
            replace(BARE, audio=frozenset({"vary"}), seconds=Range(0.5, 2.5)),
            {"source": SOURCE},
            BadArgument,
            "Tiny makes at most 2.5 seconds, and the source has 3: choose a part of it with from and to.",
        ),
    ],
)
def test_what_was_asked_and_the_checkpoint_lacks_is_refused_with_a_sentence(
    abilities: Abilities, keys: dict[str, object], error: type[Exception], sentence: str
) -> None:
    refusal = abilities.refusal(prompt(**keys), "Tiny", lambda _ability: ["Big One", "Other"])
    assert type(refusal) is error and str(refusal).startswith(sentence)
    assert USUAL.refusal(USUAL.settled(prompt(note="c4", loop=True))) is None


def test_a_deadline_leaves_the_steps_of_the_preset_or_of_the_checkpoint_and_never_raises_them() -> None:
    assert USUAL.fewest_steps(USUAL.settled(prompt())) == 10
    assert USUAL.fewest_steps(prompt(steps=4)) == 4
    assert USUAL.fewest_steps(USUAL.settled(prompt()), Preferences(least_steps=15)) == 15
