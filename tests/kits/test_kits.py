"""Kits: prompts become a folder of one-shots that samplers open, with any names and through every failure."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import soundfile
from lxml import etree

from bridge.checkpoints.find import STARTER_FOLDER
from bridge.core.core import Core
from bridge.domain.ask import Ask
from bridge.domain.events import KitEvent
from bridge.domain.kit import Kit, KitAsk, Sound, Zone
from bridge.engine.audioldm2.hearing import Vocabulary
from bridge.errors import BadArgument, ConfigError, QueueFull
from bridge.files import mappings
from bridge.files.folder import FolderSink
from bridge.kits import presets as kit_presets
from bridge.kits.keymap import lay_out, parse
from bridge.kits.making import MAX_KITS
from bridge.kits.zones import Sample, reach, zones
from bridge.presets.files import Presets, shipped_folder
from bridge.shaper import kit_folder
from bridge.shaper.messages import Claim, Claimed, Leave, Map, Mapped
from tests.core.running import Recorder, child_of, play, until
from tests.harness import Client, Daemon, called, need, pairs, skip_or_fail

SCHEMA = Path("/usr/share/hydrogen/data/xsd/drumkit.xsd")
HYDROGEN = {"h2": mappings.HYDROGEN_SPACE}
HOSTILE = (
    "<b>&amp; \"quotes\" 'and' ]]> more",
    "../../etc/passwd",
    "日本の太鼓",
    "kick\u202ekcik\u2066",
    "emoji 🥁 \ufffe end",
    'sample=evil.wav <region> key=1 // #include "x" $VAR /* ',
    "é" * 300,
    "CON",
)


def keys(*prompts: str, notes: str = "") -> list[int]:
    return [sound.key for sound in lay_out(prompts, notes)]


# ---- the keys of sounds ----


def test_drums_get_their_general_midi_keys() -> None:
    expected = {
        "deep warm kick": 36, "tight snare": 38, "hand clap": 39, "closed hi-hat": 42, "open hihat": 46, "a hat, half open": 46,
        "pedal hat": 44, "rimshot": 37, "floor tom": 41, "high tom": 50, "crash cymbal": 49, "ride": 51, "cowbell": 56,
        "808": 36, "punchy 808 snare": 38, "Tambourine": 54, "shaker": 82, "clave": 75,
    }  # fmt: skip
    assert {prompt: keys(prompt)[0] for prompt in expected} == expected


def test_a_second_kick_gets_the_second_kick_key_and_unknown_sounds_keys_from_60_up() -> None:
    assert keys("kick", "another kick", "third kick", "door slam", "thunder") == [36, 35, 60, 61, 62]


def test_a_number_sets_the_key_of_a_sound_and_a_note_its_pitch_too() -> None:
    assert lay_out(["40:kick", "c#4 : glassy bell", "Eb2:bass"]) == (
        Sound(40, "kick", "", 0), Sound(61, "glassy bell", "c#4", 1), Sound(39, "bass", "d#2", 2),
    )  # fmt: skip
    assert parse("re: the rain") == (None, "", "re: the rain") and parse("808") == (None, "", "808")


def test_an_explicit_key_takes_precedence_over_the_words() -> None:
    assert keys("kick", "36:door slam") == [35, 36]


def test_each_prompt_becomes_one_tone_per_note() -> None:
    sounds = lay_out(["bell", "36:kick"], "c4..e4")
    assert [(sound.key, sound.note) for sound in sounds] == [
        (60, "c4"), (61, "c#4"), (62, "d4"), (63, "d#4"), (64, "e4"), (36, ""),
    ]  # fmt: skip
    assert len({sound.variant for sound in sounds[:5]}) == 1, "the tones of one prompt share a seed"
    assert keys("bell", notes="c4, e4 67") == [60, 64, 67]


@pytest.mark.parametrize(
    ("prompts", "notes", "reason"),
    [
        ([], "", "at least one sound"),
        (["36:kick", "36:snare"], "", "MIDI note 36"),
        (["c4:bell", "60:kick"], "", "MIDI note 60"),
        (["200:kick"], "", "0 to 127"),
        (["36: "], "", "names a key and no sound"),
        (["bell", "pad"], "c4..e4", "MIDI note 60"),
        (["bell"], "e4..c4", "lower note comes first"),
        (["bell"], "c4..z9", "not a note"),
        (["bell"], " , ", "empty"),
        (["bell"], "c4 " * 5_000, "128 sounds"),
        ([f"sound {n}" for n in range(129)], "", "128 sounds"),
    ],
)
def test_an_impossible_kit_is_refused_with_a_reason(prompts: list[str], notes: str, reason: str) -> None:
    with pytest.raises(BadArgument, match=re.escape(reason)):
        lay_out(prompts, notes)


@pytest.mark.timeout(20)  # a quadratic search takes minutes here
def test_128_sounds_have_a_key_each_and_long_prompts_delay_nobody() -> None:
    assert sorted(keys(*["open hat muted conga " * 190] * 128)) == list(range(128))


def test_tones_reach_half_way_to_their_neighbours_and_never_overlap() -> None:
    assert reach([60, 64, 72]) == {60: (48, 62), 64: (63, 68), 72: (69, 84)}
    assert reach([0, 127]) == {0: (0, 63), 127: (64, 127)} and reach([]) == {}
    one_beside_the_other = reach(range(128))
    assert all(span == (key, key) for key, span in one_beside_the_other.items())


def test_a_drum_in_a_kit_keeps_tones_to_their_own_keys() -> None:
    samples = [
        Sample(sound, f"{sound.key}.wav", 1.0) for sound in lay_out(["c4:bell", "kick", "open hat", "closed hat"])
    ]
    zone_of = {zone.key: zone for zone in zones(samples)}
    assert list(zone_of) == [36, 42, 46, 60] and (zone_of[60].low, zone_of[60].high, zone_of[60].tone) == (60, 60, True)
    assert [zone_of[key].choke for key in (36, 42, 46, 60)] == [0, 1, 1, 0]


def test_a_tone_that_could_not_be_tuned_is_played_by_its_neighbours_or_as_an_untuned_sound() -> None:
    def laid(tuned: tuple[bool, ...], *prompts: str, notes: str = "") -> dict[int, Zone]:
        sounds = lay_out(prompts, notes)
        samples = [Sample(sound, f"{sound.key}.wav", 1.0, fine) for sound, fine in zip(sounds, tuned, strict=True)]
        return {zone.key: zone for zone in zones(samples)}

    some = laid((False, True, True), "pluck", notes="c2 c4 c5")
    assert {key: (zone.low, zone.high) for key, zone in some.items()} == {60: (48, 66), 72: (67, 84)}
    for zone_of in (laid((False, False), "kick", notes="c2 c4"), laid((False, True), "c4:kick", "snare")):
        zone = zone_of[60]
        assert (zone.title, zone.low, zone.high, zone.tone) == ("kick", 60, 60, False)


# ---- the mappings as text ----


def kit(*prompts: str, name: str = "My kit", notes: str = "") -> Kit:
    sounds = lay_out(prompts, notes)
    samples = [Sample(sound, f"sound-{number}_s1_00ff.wav", 0.5) for number, sound in enumerate(sounds)]
    return Kit(name, "my-kit", "Made by a test", zones(samples))


def opcodes(text: str) -> list[dict[str, str]]:
    """The regions of an SFZ text, read the simplest way."""
    regions = text.split("<region>")[1:]
    return [dict(line.split("=", 1) for line in region.splitlines() if "=" in line) for region in regions]


def test_sfz_states_files_keys_and_what_chokes_what() -> None:
    kick, closed, opened = opcodes(mappings.sfz(kit("kick", "closed hat", "open hat")))
    assert kick == {"sample": "sound-0_s1_00ff.wav", "key": "36", "loop_mode": "one_shot"}
    assert closed["group"] == closed["off_by"] == opened["group"] == opened["off_by"] == "1"


def test_tones_have_their_root_keys_and_reach_beyond_them() -> None:
    first, *_, last = opcodes(mappings.sfz(kit("bell", notes="c4..g4")))
    assert (first["pitch_keycenter"], first["lokey"], first["hikey"]) == ("60", "48", "60")
    assert (last["pitch_keycenter"], last["lokey"], last["hikey"]) == ("67", "67", "79")
    samples = ElementTree.fromstring(mappings.decent_sampler(kit("bell", notes="c4..g4")).encode()).findall(".//sample")
    assert [sample.get("rootNote") for sample in samples] == [str(note) for note in range(60, 68)]


def test_no_name_and_no_prompt_can_break_a_mapping() -> None:
    hostile = kit(*HOSTILE, name=HOSTILE[0] + "\x00\x1b\n<region>\nsample=x")
    assert [region["sample"] for region in opcodes(mappings.sfz(hostile))] == [zone.file for zone in hostile.zones]
    for text in (mappings.decent_sampler(hostile), mappings.hydrogen(hostile)):
        root = ElementTree.fromstring(text.encode())  # expat takes no forbidden character
        assert "日本の太鼓" in text and "\u202e" not in text
        assert len(root.findall(".//sample") or root.findall(".//h2:layer", HYDROGEN)) == len(HOSTILE)
    assert ElementTree.fromstring(mappings.hydrogen(kit("\ufffe\u202e"))).findtext(
        ".//h2:instrument/h2:name", "", HYDROGEN
    )


# ---- kit presets ----


@pytest.mark.parametrize("file", sorted((shipped_folder() / "kits").glob("*.toml")), ids=lambda file: file.stem)
def test_each_shipped_kit_has_sounds_that_the_starter_knows(file: Path) -> None:
    preset, starter = kit_presets.read(file), Vocabulary.read(STARTER_FOLDER)
    assert preset.description and len(preset.sounds) >= 8 and starter is not None
    assert all(starter.hear(sound.text).words == sound.text.replace("-", " ") for sound in preset.sounds)
    Presets(shipped_folder()).get(preset.settings["preset"])


def test_three_kits_ship_and_a_users_own_takes_precedence(tmp_path: Path) -> None:
    (tmp_path / "kits").mkdir()
    (tmp_path / "kits" / "drums-808.toml").write_text('sounds = ["36:mine"]', "utf-8")
    folders = (shipped_folder(), tmp_path)
    assert set(kit_presets.files(folders)) >= {"drums-808", "foley-basics", "bells-chromatic"}
    assert kit_presets.find(folders, "Drums-808").sounds == (Sound(36, "mine"),)
    assert "drums-808" not in Presets(*folders).all(), "a kit is no preset of a sound"
    with pytest.raises(BadArgument, match="did you mean drums-808"):
        kit_presets.find(folders, "drums-809")


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "is empty"),
        ("sounds = []", 1, "list of 1 to 128"),
        ("seconds = 1\nsounds = ['kick', 7]", 2, "must be text"),
        ("sounds = ['kick', '']", 1, "no empty text"),
        ("sounds = ['36:kick', '36:snare']", 1, "MIDI note 36"),
        ("sound = ['kick']", 1, "did you mean sounds"),
        ("sounds = ['kick']\nseconds = 'long'", 2, "must be a number"),
        ("sounds = ['kick']\npreset = '../../x'", 2, "name of a preset"),
        ("sounds = ['kick']\nnotes = 'x..y'", 1, "not a note"),
        ("sounds = [", 1, "Invalid value"),
        ("sounds = '" + "x" * 9_000 + "'", 0, "larger than"),
    ],
)
def test_a_broken_kit_preset_is_reported_with_its_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=re.escape(reason)) as error:
        kit_presets.read(file)
    assert str(error.value).startswith(f"{file}:{line}:" if line else f"{file}:")


# ---- the folder ----


@pytest.fixture
def sink(tmp_path: Path) -> Any:
    sink = FolderSink(tmp_path / "clips")
    sink.open()
    yield sink
    sink.close()


def claimed(sink: FolderSink, slug: str = "my-kit") -> Path:
    answer = kit_folder.answer(Claim(1, slug), sink)
    assert isinstance(answer, Claimed) and not answer.why
    assert Path(answer.path) == sink.folder / answer.folder
    return Path(answer.path)


def test_a_folder_is_claimed_once_and_removed_only_if_empty(sink: FolderSink) -> None:
    first, second = claimed(sink), claimed(sink)
    assert [first.name, second.name] == ["my-kit", "my-kit-2"] and first.parent == sink.folder / "kits"
    (second / "mine.txt").write_text("x")
    for folder in (first, second):
        assert kit_folder.answer(Leave(f"kits/{folder.name}"), sink) is None
    assert not first.exists() and second.is_dir()


def test_mappings_overwrite_nothing_and_name_only_existing_samples(sink: FolderSink) -> None:
    folder, contents = claimed(sink), kit("kick", "snare")
    (folder / contents.zones[0].file).write_bytes(b"RIFF")
    (folder / "drumkit.xml").write_text("mine")
    answer = kit_folder.answer(Map(1, "kits/my-kit", contents), sink)
    assert isinstance(answer, Mapped) and not answer.why
    assert {kind: Path(path).name for kind, path in answer.files.items()} == {
        "sfz": "my-kit.sfz", "decentsampler": "my-kit.dspreset", "hydrogen": "drumkit-2.xml",
    }  # fmt: skip
    assert (folder / "drumkit.xml").read_text() == "mine"
    assert [region["key"] for region in opcodes((folder / "my-kit.sfz").read_text("utf-8"))] == ["36"]


def test_a_missing_folder_is_reported_with_a_sentence(sink: FolderSink) -> None:
    claimed(sink)
    answer = kit_folder.answer(Map(1, "kits/my-kit", kit("kick")), sink)
    assert isinstance(answer, Mapped) and "no longer" in answer.why and not answer.files
    shutil.rmtree(sink.folder)
    answers = [kit_folder.answer(Claim(1, "x"), sink), kit_folder.answer(Map(1, "kits/x", kit("kick")), sink)]
    assert all(isinstance(answer, Claimed | Mapped) and answer.why for answer in answers)
    assert not sink.folder.exists()


# ---- through the core, with a stand-in engine ----


def kit_ask(*prompts: str, name: str = "kit", **more: Any) -> KitAsk:
    return KitAsk(name, lay_out(prompts), Ask("", seconds=0.2, steps=2, **more))


def kinds(events: list[KitEvent]) -> list[str]:
    return [event.kind for event in events if event.kind != "sound"]


def listen(recorder: Recorder) -> list[KitEvent]:
    events: list[KitEvent] = []
    recorder.on_event = lambda event: events.append(event) if isinstance(event, KitEvent) else None  # type: ignore
    return events


def test_an_engine_that_dies_at_every_sound_fails_the_kit_and_leaves_no_folder(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        events = listen(recorder)
        core.make_kit(kit_ask("kick", "snare", "clap"), "127.0.0.1", None)
        await until(lambda: core.kits.idle)
        assert kinds(events) == ["queued", "progress", "progress", "progress", "failed"]
        assert events[-1].fields["code"] == "engine_lost"

    play(tmp_path, "dies at job", story)
    assert not any((tmp_path / "clips" / "kits").iterdir())


def test_a_shaper_that_dies_before_the_folder_exists_fails_the_kit_and_the_next_is_made(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        events = listen(recorder)
        core.make_kit(kit_ask("kick"), "127.0.0.1", None)
        child_of(core.shaper).kill("a test")
        await until(lambda: core.kits.idle)
        assert kinds(events) == ["queued", "failed"] and "a test" in events[-1].fields["why"]
        core.make_kit(kit_ask("kick"), "127.0.0.1", None)
        await until(lambda: core.kits.idle)
        assert events[-1].kind == "done" and events[-1].fields["count"] == 1

    play(tmp_path, "well", story)


def test_a_kit_has_at_most_two_jobs_and_kits_wait_for_each_other(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        events, most = listen(recorder), 0
        for number in range(3):
            core.make_kit(kit_ask("kick", "snare", "clap", "tom", name=f"kit {number}"), "127.0.0.1", None)

        def over() -> bool:
            nonlocal most
            most = max(most, len(core.jobs.unfinished))
            return core.kits.idle

        await until(over)
        assert most == 2
        assert [event.name for event in events if event.kind == "done"] == ["kit 0", "kit 1", "kit 2"]

    play(tmp_path, "slow", story)


def test_a_kit_waits_while_the_queue_is_full_and_a_seventeenth_kit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.core.jobs.QUEUE_LIMIT", 3)

    async def story(core: Core, recorder: Recorder) -> None:
        events = listen(recorder)
        for _ in range(3):
            core.generate(Ask("x", seconds=0.2), "127.0.0.1")
        for number in range(MAX_KITS):
            core.make_kit(kit_ask("kick", name=str(number)), "127.0.0.1", None)
        with pytest.raises(QueueFull, match="16 kits are waiting"):
            core.make_kit(kit_ask("kick", name="one more"), "127.0.0.1", None)
        await until(lambda: any(event.kind == "done" for event in events))
        core.cancel_kits("127.0.0.1")
        assert core.kits.idle and kinds(events).count("failed") + kinds(events).count("done") == MAX_KITS

    play(tmp_path, "slow to load", story)


def test_stopping_maps_the_finished_sounds_of_a_kit(tmp_path: Path) -> None:
    events: list[KitEvent] = []

    async def story(core: Core, recorder: Recorder) -> None:
        recorder.on_event = lambda event: events.append(event) if isinstance(event, KitEvent) else None  # type: ignore
        core.make_kit(kit_ask(*[f"sound {n}" for n in range(20)]), "127.0.0.1", None)
        core.make_kit(kit_ask("kick", name="not begun"), "127.0.0.1", None)
        await until(lambda: any(event.kind == "progress" for event in events))
        await core.stop(asyncio.Event())

    play(tmp_path, "slow", story)
    ends = {event.name: event for event in events if event.kind in ("done", "failed")}
    assert ends["not begun"].fields["code"] == "stopping"
    assert ends["kit"].kind == "done" and ends["kit"].fields["count"] + ends["kit"].fields["failed"] == 20
    assert Path(ends["kit"].fields["sfz"]).is_file()


def test_no_clip_can_be_put_outside_the_sample_folder(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        for folder in ("..", "../x", "/etc", "kits/../..", "kits\\..", "kits/con", "a/b/c/d"):
            with pytest.raises(BadArgument):
                core.generate(Ask("x"), "127.0.0.1", into=folder)

    play(tmp_path, "well", story)


# ---- through OSC: a real daemon, real samplers ----


def make_kit(client: Client, name: str, *values: Any) -> tuple[str, list[Any]]:
    client.send("/bridge/kit", name, *values)
    return client.until("/bridge/kit/done", "/bridge/kit/failed", job=name)


QUICK = ("@steps", 2, "@seconds", 0.4)


@pytest.fixture(scope="module")
def drums(shared_daemon: Daemon) -> dict[str, Any]:
    """A kit of four sounds: its folder, and the replies."""
    client = shared_daemon.client()
    client.send(
        "/bridge/kit", "Früh <&> drums", "deep kick", "snare", "closed hi-hat", "open hi-hat", *QUICK, "@seed", 7
    )
    replies: list[tuple[str, list[Any]]] = []
    while not replies or replies[-1][0] not in ("/bridge/kit/done", "/bridge/kit/failed"):
        replies.append(client.receive())
    client.close()
    _, (name, folder, count, failed, *rest) = replies[-1]
    return {
        "replies": replies,
        "name": name,
        "folder": Path(folder),
        "count": count,
        "failed": failed,
        **pairs(rest, 0),
    }


def test_four_prompts_become_a_folder_with_samples_and_three_mappings(daemon: Daemon, drums: dict[str, Any]) -> None:
    replies = [(address.removeprefix("/bridge/kit/"), values[1:]) for address, values in drums["replies"]]
    assert replies[0] == ("queued", [4, "seed", 7])
    assert replies[2:-1:2] == [("progress", [done, 4]) for done in range(1, 5)]
    sounds = [values for kind, values in replies[1:-1:2] if kind == "sound"]
    assert [(key, why, *more[:4]) for key, _, why, *more in sounds] == [
        (36, "", "prompt", "deep kick", "note", ""), (38, "", "prompt", "snare", "note", ""),
        (42, "", "prompt", "closed hi-hat", "note", ""), (46, "", "prompt", "open hi-hat", "note", ""),
    ]  # fmt: skip
    assert all(Path(path).parent == drums["folder"] for _, path, *_ in sounds)
    assert (drums["name"], drums["count"], drums["failed"], drums["seed"]) == ("Früh <&> drums", 4, 0, 7)
    assert drums["folder"] == daemon.folder / "kits" / "fruh-drums"
    written = sorted(path.name for path in drums["folder"].iterdir())
    assert [name for name in written if not name.endswith(".wav")] == [
        "drumkit.xml", "fruh-drums.dspreset", "fruh-drums.sfz",
    ]  # fmt: skip
    clips = [name for name in written if name.endswith(".wav")]
    assert len(clips) == 4 and any(re.fullmatch(r"deep-kick_s7_[0-9a-f]{4}\.wav", name) for name in clips)
    for name in clips:
        assert 0 < soundfile.info(drums["folder"] / name).frames <= 19_200


def test_the_mappings_come_after_all_samples(drums: dict[str, Any]) -> None:
    times = {path: path.stat().st_mtime_ns for path in drums["folder"].iterdir()}
    samples = [at for path, at in times.items() if path.suffix == ".wav"]
    assert max(samples) <= min(at for path, at in times.items() if path.suffix != ".wav")


def test_decent_sampler_finds_every_sample_beside_its_preset(drums: dict[str, Any]) -> None:
    root = ElementTree.parse(drums["decentsampler"]).getroot()
    assert root.tag == "DecentSampler" and len(root.findall("groups")) == 1
    choke_of = {}
    for group in root.findall("groups/group"):
        (sample,) = group.findall("sample")
        assert (drums["folder"] / sample.attrib["path"]).is_file()
        assert sample.get("rootNote") == sample.get("loNote") == sample.get("hiNote")
        choke_of[int(sample.attrib["rootNote"])] = group.get("silencedByTags")
    assert choke_of == {36: None, 38: None, 42: "choke1", 46: "choke1"}


def test_the_kit_is_valid_by_hydrogens_own_schema(drums: dict[str, Any]) -> None:
    if not SCHEMA.is_file():
        skip_or_fail("Hydrogen is not installed (see .ci/run for the Debian package)")
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    assert schema.validate(etree.parse(drums["hydrogen"])), schema.error_log


def test_a_clip_requested_while_a_kit_is_made_waits_for_two_sounds_at_most(client: Client) -> None:
    client.send("/bridge/kit", "long", *[f"{key}:kick" for key in range(36, 52)], "@seconds", 0.5)
    client.until("/bridge/kit/progress")
    client.send("/bridge/generate", "live", 0.2, "id", "live", "steps", 2)
    assert client.until("/bridge/queued", job="live")[1][1] <= 2
    assert client.end_of("live")[0] == "/bridge/done"
    client.send("/bridge/kit/cancel", "long")
    name, code, why = client.until("/bridge/kit/failed")[1]
    assert (name, code) == ("long", "cancelled") and "without a mapping" in why


def test_a_failed_sound_is_left_out_and_reported(daemon: Daemon, client: Client) -> None:
    client.send("/bridge/subscribe")
    client.until("/bridge/state")
    client.send("/bridge/kit", "three", "kick", "snare", "clap", "@seconds", 0.5)
    client.until("/bridge/queued")
    second = client.until("/bridge/queued")[1][0]
    client.send("/bridge/cancel", second)
    _, folder, count, failed, *rest = client.until("/bridge/kit/done")[1]
    client.send("/bridge/unsubscribe")
    assert (count, failed) == (2, 1) and pairs(rest, 0)["why"].startswith("snare: ")
    assert [region["key"] for region in opcodes(Path(pairs(rest, 0)["sfz"]).read_text("utf-8"))] == ["36", "39"]
    assert len(list(Path(folder).glob("*.wav"))) == 2


def test_sounds_that_the_checkpoint_guessed_are_named(daemon: Daemon, client: Client) -> None:
    port = ("--osc-port", str(daemon.port))
    words = ("deep kick", "c4:zorblax", "zorblax", "qwertz thing")
    run = called(daemon.home, "kit", "guesses", *words, "--steps", "1", "--seconds", "0.1", "--preset", "note", *port)
    assert run.returncode == 0 and "guessed, because it knows no such sound: zorblax, qwertz thing\n" in run.stderr
    assert "could not be tuned: zorblax c4\n" in run.stderr
    assert "clipbridge sounds" in run.stderr and len(run.stdout.splitlines()) == 1
    client.send("/bridge/kit", "known", "deep kick", "@steps", 1, "@seconds", 0.1)
    assert "guessed" not in pairs(client.until("/bridge/kit/done")[1], 4)


def test_a_length_inside_a_text_is_remarked_unless_all_sounds_have_a_length(client: Client) -> None:
    sounds = ("36:snare 0.3", "kick", "c4:bell 2 s")
    for keys, remark in (((), "is not read (snare 0.3, bell 2 s): the key seconds"), (("@seconds", 0.5), "")):
        client.send("/bridge/kit", "lengths", *sounds, *keys)
        said = pairs(client.until("/bridge/kit/queued")[1], 2).get("remark", "")
        assert remark in said and bool(said) == bool(remark)
        client.send("/bridge/kit/cancel", "lengths")
        client.until("/bridge/kit/failed")


def test_a_cancel_without_an_id_ends_kits_too(daemon: Daemon, client: Client) -> None:
    for name in ("one", "two"):
        client.send("/bridge/kit", name, *[f"{key}:kick" for key in range(36, 46)], "@seconds", 0.5)
    client.until("/bridge/kit/queued", job="two")
    client.send("/bridge/cancel")
    assert {client.until("/bridge/kit/failed")[1][0] for _ in range(2)} == {"one", "two"}
    client.send("/bridge/kit/cancel", "one")
    assert client.until("/bridge/error")[1][:2] == ["/bridge/kit/cancel", "unknown_job"]
    assert not (daemon.folder / "kits" / "two").exists(), "it had not started"


def test_the_same_name_makes_another_kit_but_a_repeated_packet_does_not(daemon: Daemon, client: Client) -> None:
    for _ in range(2):  # as a host does that lost the answer
        client.send("/bridge/kit", "again", "kick", "snare", "@seconds", 0.5, "@steps", 20)
    client.send("/bridge/kit", "again", "another kick")
    addresses = []
    while "/bridge/kit/done" not in addresses:
        address, values = client.receive()
        addresses.append(address)
        if address == "/bridge/kit/failed":
            assert values[:2] == ["again", "bad_argument"] and "other sounds" in values[2]
    assert addresses.count("/bridge/kit/failed") == 1 and values[1] == f"{daemon.folder.as_posix()}/kits/again"
    client.silence()
    assert make_kit(client, "again", "kick", "snare", *QUICK)[1][1].endswith("/kits/again-2")
    client.send("/bridge/kits")
    address, values = client.until("/bridge/kit/done", job="again")
    assert values[1].endswith("/kits/again-2")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (("kit",), "Name the sounds"),
        (("kit", "@preset"), "has no value"),
        (("kit", "@preset", "drums-809"), "did you mean drums-808"),
        (("kit", "@preset", "../../etc/passwd"), "no kit preset"),
        (("kit", "kick", "@preset", "nonsense"), "no preset"),
        (("kit", "kick", "@folder", "/etc"), "no key @folder"),
        (("kit", "kick", "@steps", 2, "@steps", 3), "twice"),
        (("kit", "kick", "@seconds", 9_999), "seconds must be"),
        (("kit", "kick", "@notes", 7), "must be text"),
        (("kit", "36:a", "36:b"), "MIDI note 36"),
        (("kit", "kick", ""), "must be the prompt"),
        (("kit", "kick", b"blob"), "must be the prompt"),
        (("kit", "x" * 4_001), "4,000 characters"),
        (("kit", *["kick"] * 129), "128 sounds"),
        (("kit", "@preset", "drums-808", "@notes", "c4"), "has its own"),
    ],
)
def test_a_refused_kit_fails_with_a_sentence(client: Client, values: tuple[Any, ...], reason: str) -> None:
    address, answer = make_kit(client, *values)
    assert address == "/bridge/kit/failed" and answer[0] == "kit" and answer[1] == "bad_argument"
    assert reason in answer[2], answer


@pytest.mark.parametrize(
    "values", [(), ("",), (True,), ("@preset", "drums-808"), ("x" * 81, "kick"), ("a\x01b", "kick"), (b"x",)]
)
def test_a_kit_without_a_name_is_an_error(client: Client, values: tuple[Any, ...]) -> None:
    assert client.ask("/bridge/kit", *values)[1][:2] == ["/bridge/kit", "bad_argument"]


@pytest.mark.parametrize("name", ["CON", "日本", "../../up", "a/b", "x" * 80, "808", "trailing. "])
def test_every_kit_name_becomes_a_folder_beside_the_others(daemon: Daemon, client: Client, name: str) -> None:
    client.send("/bridge/kit", name, "kick", *QUICK)
    address, values = client.until("/bridge/kit/done", "/bridge/kit/failed")
    folder = Path(values[1])
    assert address == "/bridge/kit/done" and values[0] == name.strip() and folder.parent == daemon.folder / "kits"
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", folder.name) and folder.name != "con"
    clips = list(folder.glob("*.wav"))
    assert len(clips) == 1 and all(len(path.name.encode()) <= 120 for path in folder.iterdir())


def test_the_command_makes_a_kit_of_a_preset_and_prints_its_folder(daemon: Daemon) -> None:
    port = ("--osc-port", str(daemon.port))
    result = called(
        daemon.home, "kit", "my bells", "--preset", "bells-chromatic", "--seconds", "0.3", "--steps", "2", *port
    )
    assert result.returncode == 0, result.stderr
    folder = Path(result.stdout.strip())
    assert folder.name == "my-bells" and len(list(folder.glob("*.wav"))) == 8
    regions = opcodes((folder / "my-bells.sfz").read_text("utf-8"))
    assert [region["pitch_keycenter"] for region in regions] == [str(key) for key in range(60, 68)]
    seeds = {re.search(r"_s(\d+)_", region["sample"])[1] for region in regions}  # type: ignore[index]
    assert len(seeds) == 1, "the tones of one prompt share a seed"
    refused = called(daemon.home, "kit", "x", "--preset", "nonsense", *port)
    assert refused.returncode == 2 and "no kit preset" in refused.stderr


def test_the_command_lists_the_kits_and_reports_a_broken_one(home: Path, tmp_path: Path) -> None:
    listed = called(home, "kit", "--list", "--json")
    assert listed.returncode == 0
    assert {kit["name"] for kit in json.loads(listed.stdout)["kits"]} >= {
        "drums-808",
        "foley-basics",
        "bells-chromatic",
    }
    broken = tmp_path / "config" / "clipbridge" / "presets" / "kits"
    broken.mkdir(parents=True)
    (broken / "mine.toml").write_text("sounds = 1", "utf-8")
    listed = called(tmp_path, "kit", "--list")
    assert listed.returncode == 8 and "drums-808" in listed.stdout and "mine.toml:1" in listed.stderr


PATCH = r"""#N canvas 0 0 400 300 10;
#X obj 10 10 loadbang;
#X obj 10 40 del 200;
#X obj 10 70 t b b;
#X msg 100 100 connect 127.0.0.1 PORT;
#X msg 10 130 list pd\ drums deep\ kick 40:low\ snare @steps 2 @seconds 0.3;
#X obj 10 160 oscformat /bridge/kit;
#X obj 10 190 list prepend send;
#X obj 10 220 list trim;
#X obj 10 250 netsend -u -b;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 2 1 3 0;
#X connect 3 0 8 0;
#X connect 2 0 4 0;
#X connect 4 0 5 0;
#X connect 5 0 6 0;
#X connect 6 0 7 0;
#X connect 7 0 8 0;
"""


@pytest.mark.host
def test_pure_data_requests_a_kit_with_one_message_box(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    (tmp_path / "kit.pd").write_text(PATCH.replace("PORT", str(daemon.port)), "utf-8")
    client.send("/bridge/subscribe")
    client.until("/bridge/state")
    pd = subprocess.Popen(
        [need("pd"), "-nogui", "-noaudio", "-stderr", "kit.pd"], cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    try:
        _, folder, count, failed, *rest = client.until("/bridge/kit/done", job="pd drums")[1]
    finally:
        pd.terminate()
        pd.wait(10)
        client.send("/bridge/unsubscribe")
    regions = opcodes(Path(pairs(rest, 0)["sfz"]).read_text("utf-8"))
    assert (count, failed, [region["key"] for region in regions]) == (2, 0, ["36", "40"])


def test_an_independent_parser_accepts_the_sfz(drums: dict[str, Any], tmp_path: Path) -> None:
    # As a program: what it parses with warns that it is old.
    lint = [sys.executable, "-W", "ignore", "-c", "from sfzlint.cli import sfzlint; sfzlint()"]
    checked = subprocess.run([*lint, drums["sfz"]], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    away = shutil.copy(drums["sfz"], tmp_path)  # from its samples: they are looked for beside it
    assert "file not found" in subprocess.run([*lint, away], capture_output=True, text=True, check=False).stdout


def song(drumkit: Path) -> str:
    """A Hydrogen song of one bar, with a note for each instrument of a kit, on the beats."""
    kit = ElementTree.parse(drumkit / "drumkit.xml").getroot()
    for element in kit.iter():
        element.tag = element.tag.rpartition("}")[2]
    instruments = kit.findall(".//instrument")
    for instrument in instruments:
        ElementTree.SubElement(instrument, "drumkit").text = drumkit.name
        ElementTree.SubElement(instrument, "drumkitLookup").text = "1"  # the user's own
    notes = "".join(
        f"<note><position>{48 * n}</position><velocity>0.8</velocity><pan>0</pan><key>C0</key><length>-1</length>"
        f"<instrument>{n}</instrument></note>"
        for n in range(len(instruments))
    )
    components, listed = (
        ElementTree.tostring(kit.findall(name)[0], "unicode") for name in ("componentList", "instrumentList")
    )
    return (
        f"<song><version>1.2.0</version><bpm>120</bpm><volume>0.8</volume><mode>song</mode>{components}{listed}"
        f"<patternList><pattern><name>one</name><size>192</size><noteList>{notes}</noteList></pattern></patternList>"
        "<patternSequence><group><patternID>one</patternID></group></patternSequence></song>"
    )


@pytest.mark.host
def test_hydrogen_itself_loads_and_plays_the_kit(drums: dict[str, Any], tmp_path: Path) -> None:
    h2cli = need("h2cli")
    folder = tmp_path / ".hydrogen" / "data" / "drumkits" / "fruh-drums"
    shutil.copytree(drums["folder"], folder)
    (tmp_path / "song.h2song").write_text(song(folder), "utf-8")
    plain = {**os.environ, "HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen", "JACK_NO_START_SERVER": "1"}

    def run(*arguments: str) -> str:
        ran = subprocess.run([h2cli, *arguments], cwd=tmp_path, env=plain, capture_output=True, timeout=60, check=False)
        return (ran.stdout + ran.stderr).decode("utf-8", "replace")

    assert f"[{folder}] is valid" in run("-c", str(folder))
    said = run("-d", "jack", "-s", "song.h2song", "-o", "out.wav", "-r", "48000", "-b", "16")
    samples, rate = soundfile.read(tmp_path / "out.wav", always_2d=True)
    beats = [abs(samples[rate // 2 * beat : rate // 2 * beat + rate // 4]).max() for beat in range(4)]
    assert all(peak > 0.1 for peak in beats), (beats, said[-2000:])
