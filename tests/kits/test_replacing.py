"""A sound of a finished kit is made again: the mappings name the new one, and nothing is lost if that fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.core.core import Core
from bridge.domain.ask import Ask, Request
from bridge.domain.events import KitEvent
from bridge.domain.job import Job
from bridge.domain.kit import KitAsk
from bridge.errors import BadArgument, UnknownJob
from bridge.kits.keymap import lay_out
from tests.core.running import Recorder, play, until

OWNER = "127.0.0.1"


def listen(recorder: Recorder) -> list[KitEvent]:
    events: list[KitEvent] = []
    recorder.on_event = lambda event: events.append(event) if isinstance(event, KitEvent) else None  # type: ignore
    return events


async def made(core: Core, *prompts: str) -> None:
    ask = Ask("", seconds=0.2, steps=2, seed=5)
    core.make_kit(KitAsk("my drums", lay_out(prompts), ask), OWNER, None)
    await until(lambda: core.kits.idle)


def samples(path: str) -> list[str]:
    return [line.removeprefix("sample=") for line in Path(path).read_text().splitlines() if line.startswith("sample=")]


def test_a_replaced_sound_takes_the_place_of_the_old_one_in_the_same_mappings(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        events = listen(recorder)
        await made(core, "kick", "snare", "clap")
        first = events[-1].fields
        before = samples(first["sfz"])
        core.replace_sound("my drums", 38, "tight snare", OWNER, None)
        await until(lambda: core.kits.idle)
        kinds = [event.kind for event in events[-4:]]
        assert kinds == ["queued", "sound", "progress", "done"]
        sound, done = events[-3].fields, events[-1].fields
        assert (sound["key"], sound["prompt"]) == (38, "tight snare")
        assert events[-2].fields == {"done": 3, "total": 3}
        assert {name: done[name] for name in ("folder", "sfz", "hydrogen", "decentsampler", "count", "failed")} == {
            name: first[name] for name in ("folder", "sfz", "hydrogen", "decentsampler", "count", "failed")
        }
        after = samples(done["sfz"])
        assert after == [before[0], Path(sound["path"]).name, before[2]]
        folder = Path(done["folder"])
        assert all((folder / name).is_file() for name in before), "the old sound stays"
        assert sorted(file.suffix for file in folder.iterdir()) == [".dspreset", ".sfz", *[".wav"] * 4, ".xml"]
        core.replace_sound("my drums", 38, "", OWNER, None)  # the same prompt with another seed
        await until(lambda: core.kits.idle)
        assert events[-3].fields["prompt"] == "tight snare" and samples(done["sfz"])[1] not in after

    play(tmp_path, "well", story)


def refuse(core: Core, *texts: str) -> None:
    """Let the core refuse these prompts, as a checkpoint may."""
    generate = core._ahead._generate

    def generate_or_refuse(request: Request) -> Job:
        if request.ask.text in texts:
            raise BadArgument("That has no sound.")
        return generate(request)

    core._ahead._generate = generate_or_refuse


def test_a_sound_that_cannot_be_replaced_stays(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        events = listen(recorder)
        refuse(core, "nothing")
        await made(core, "kick", "snare")
        before = samples(events[-1].fields["sfz"])
        core.replace_sound("my drums", 36, "nothing", OWNER, None)
        await until(lambda: core.kits.idle)
        done = events[-1].fields
        assert events[-1].kind == "done" and (done["count"], done["failed"]) == (2, 1)
        assert done["why"] == "nothing: That has no sound."
        assert (events[-3].fields["path"], events[-3].fields["why"]) == ("", "That has no sound.")
        assert samples(done["sfz"]) == before
        core.replace_sound("my drums", 36, "deep kick", OWNER, None)
        await until(lambda: core.kits.idle)
        assert (events[-1].fields["count"], events[-1].fields["failed"]) == (2, 0)

    play(tmp_path, "well", story)


def test_a_sound_that_failed_is_made_later(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        events = listen(recorder)
        refuse(core, "snare")
        await made(core, "kick", "snare")
        assert (events[-1].fields["count"], events[-1].fields["failed"]) == (1, 1)
        core.replace_sound("my drums", 38, "tight snare", OWNER, None)
        await until(lambda: core.kits.idle)
        assert (events[-1].fields["count"], events[-1].fields["failed"]) == (2, 0)
        assert len(samples(events[-1].fields["sfz"])) == 2

    play(tmp_path, "well", story)


def test_a_cancelled_replacement_leaves_the_kit_as_it_was(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        events = listen(recorder)
        await made(core, "kick", "snare")
        done = events[-1].fields
        before = samples(done["sfz"])
        core.replace_sound("my drums", 36, "", OWNER, None)
        core.cancel_kits(OWNER, "my drums")
        assert events[-1].fields["why"] == "No sound was replaced: the kit is as it was."
        assert samples(done["sfz"]) == before
        core.replace_sound("my drums", 36, "", OWNER, None)
        await until(lambda: core.kits.idle)
        assert events[-1].kind == "done" and samples(done["sfz"]) != before

    play(tmp_path, "slow", story)


@pytest.mark.parametrize(
    ("name", "key", "error", "reason"),
    [
        ("my drums", 40, BadArgument, "no sound for MIDI note 40, but for 36, 38"),
        ("nobody", 36, UnknownJob, "There is no kit 'nobody' that was made since"),
    ],
)
def test_what_is_not_there_cannot_be_replaced(
    tmp_path: Path, name: str, key: int, error: type[Exception], reason: str
) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await made(core, "kick", "snare")
        with pytest.raises(error, match=reason):
            core.replace_sound(name, key, "", OWNER, None)
        with pytest.raises(UnknownJob):
            core.replace_sound("my drums", 36, "", "192.168.1.20", None)

    play(tmp_path, "well", story)
