"""The starter's sounds, captions and training; and the shipped checkpoint through the engine."""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from diffusers import AudioLDM2UNet2DConditionModel
from safetensors.torch import load_file

from bridge.audio.seam import DEEPEST_HOLE_DB, hole_db
from bridge.checkpoints.find import STARTER_FOLDER, licence, starter_revision
from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.domain.notes import midi_of
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.families import open_engine
from bridge.starter import assemble, dataset, measures, text_stack, train, train_few, train_text, train_unet, train_vae
from bridge.starter.captions import as_typed, caption
from bridge.starter.catalogue import BY_NAME, LEAD_IN, NAMES, SINGLES, SOUNDS, Sound, draw, render
from bridge.starter.resume import Resumable
from bridge.starter.sounds.parts import SAMPLE_RATE, Attributes
from bridge.starter.train_unet import Course
from tests import prepared

IDS = list(NAMES)


@pytest.mark.parametrize("sound", SOUNDS, ids=IDS)
def test_every_sound_starts_after_20_ms_peaks_alike_and_ends_quietly_at_any_length(sound: Sound) -> None:
    for rows in (8, 24, 88):
        rng = np.random.default_rng(rows)
        wave = render(rng, sound, draw(rng, sound), rows * dataset.ROW_SAMPLES)
        assert wave.shape == (rows * dataset.ROW_SAMPLES,) and wave.dtype == np.float32
        assert np.isfinite(wave).all() and np.abs(wave).max() == pytest.approx(0.89, abs=0.01)
        assert not wave[:LEAD_IN].any() and abs(float(wave[-1])) < 0.01


def test_the_same_seed_synthesises_the_same_clip() -> None:
    clips = [render(rng, SOUNDS[5], draw(rng, SOUNDS[5]), 20_000) for rng in map(np.random.default_rng, (3, 3, 4))]
    assert np.array_equal(clips[0], clips[1]) and not np.array_equal(clips[0], clips[2])


def test_a_drum_machine_a_synth_and_a_foley_drawer_are_there() -> None:
    assert len(SINGLES) >= 60
    assert {"house_loop", "bass_line", "piano", "door"} <= {*NAMES}
    assert {"kick", "808", "snare", "closed_hat", "open_hat", "bass", "pad", "bell", "riser", "rain", "glitch"} <= {
        *NAMES
    }


def test_no_name_means_two_sounds() -> None:
    assert [
        noun for noun, times in Counter(noun for sound in SOUNDS for noun in sound.nouns).items() if times > 1
    ] == []


@pytest.mark.parametrize(
    ("name", "attribute", "measure"),
    [
        ("kick", "pitch", measures.centroid_octaves),
        ("snare", "brightness", measures.centroid_octaves),
        ("crash", "length", measures.sounding_seconds),
        ("pluck", "length", measures.sounding_seconds),
        ("bass", "brightness", measures.centroid_octaves),
        ("laser", "pitch", measures.centroid_octaves),
    ],
)
def test_an_attribute_changes_what_its_adjective_says(
    name: str, attribute: str, measure: Callable[[np.ndarray], float]
) -> None:
    sound = BY_NAME[name]
    base = Attributes(octave=(sound.octaves or (0,))[0])

    def measured(value: float) -> list[float]:
        attributes = replace(base, **{attribute: value})  # type: ignore[arg-type]
        return [measure(render(np.random.default_rng(k), sound, attributes, 200_000)) for k in range(5)]

    low, high = measured(-0.8), measured(0.8)
    assert max(low) < min(high)


@pytest.mark.parametrize("name", ["pluck", "pad", "lead", "organ", "mallet", "sub", "bass"])
def test_tones_are_at_the_c_of_their_octave(name: str) -> None:
    sound = BY_NAME[name]
    for octave in sound.octaves:
        wave = render(np.random.default_rng(1), sound, Attributes(octave=octave, wave="saw"), 90_000)
        off = measures.pitch_midi(wave[LEAD_IN:]) - 12 * (octave + 1)
        assert abs((off + 6) % 12 - 6) < 0.3


def test_captions_name_the_sound_and_say_only_what_is_true() -> None:
    rng = np.random.default_rng(0)
    for sound in SOUNDS:
        for _ in range(20):
            a = draw(rng, sound)
            text, meaning = caption(rng, sound, a)
            assert any(noun in text for noun in sound.nouns) and NAMES[meaning.sound] == sound.name
            said = dict(zip(("pitch", "brightness", "length"), meaning.adjectives, strict=False))
            for key, sign in said.items():
                if sign and key in sound.fits:
                    assert np.sign(getattr(a, key)) == sign, text
            assert meaning.octave in (0, a.octave)
            assert as_typed(rng, text)


@pytest.fixture(scope="module")
def pooled() -> list[dataset.Group]:
    return dataset.make(5, 2)


def test_clips_are_the_same_whichever_process_makes_them(pooled: list[dataset.Group]) -> None:
    alone = dataset.make_chunk((5, 1))
    assert sum(len(group.labels) for group in pooled) == 2 * dataset.CHUNK
    rows, label, mel = alone[7]
    group = next(group for group in pooled if (group.rows, group.ring) == (rows, label.ring))
    at = next(i for i, other in enumerate(group.labels) if other == label)
    assert np.array_equal(group.mels[at], mel)


@pytest.fixture(scope="module")
def work(pooled: list[dataset.Group], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of a few steps; each stage is stopped once and resumed."""
    torch.set_num_threads(1)  # see conftest
    folder = tmp_path_factory.mktemp("work")
    groups = [
        replace(group, mels=group.mels[:40], labels=group.labels[:40]) for group in pooled if group.rows in (8, 16, 44)
    ]
    for steps in (2, 4):
        vae = train_vae.train(groups, steps, folder, Accelerator(cpu=True))
    latents = train_unet.labelled(groups, train_vae.whiten(vae, train_vae.encode(vae, groups)))
    vae.save_pretrained(folder / "parts" / "vae")
    for steps in (1, 3):
        train_text.train(steps, folder, Accelerator(cpu=True))
    for steps in (2, 4):
        train_unet.train(latents, Course("unet", steps, 1e-3), folder, Accelerator(cpu=True))
    first = AudioLDM2UNet2DConditionModel.from_pretrained(folder / "parts" / "unet")
    train_unet.train(
        latents, Course("second", train_unet.EVERY, 1e-3, folder / "parts" / "unet"), folder, Accelerator(cpu=True)
    )
    shutil.copytree(folder / "parts" / "unet", folder / "unet-second")
    first.save_pretrained(folder / "unet-first")
    for steps in (1, 2):
        train_few.train(latents, steps, folder, Accelerator(cpu=True), bfloat16=True)
    return folder


def test_a_stage_goes_on_at_the_step_where_it_was_stopped(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    accelerator = Accelerator(cpu=True)
    accelerator.prepare(train_vae.make_vae())
    assert Resumable(work / "vae", accelerator).step == 4
    assert "going on from step 4" in capsys.readouterr().out


def test_the_second_course_begins_with_the_unet_of_the_first(work: Path) -> None:
    first, second = (load_file(work / f"unet-{n}" / "diffusion_pytorch_model.safetensors") for n in ("first", "second"))
    moved = [float((first[key] - second[key]).abs().max()) for key in first]
    assert 0 < max(moved) < 0.05  # four steps; another random start would be further away


@pytest.mark.train
def test_weak_sounds_get_more_turns_and_ringing_ones_lengths_that_show_it() -> None:
    clips = dataset.make_chunk((5, 0), ("crash", "crash", "clave"))
    names = Counter(SOUNDS[label.sound].name for _, label, _ in clips)
    assert (names["crash"], names["clave"]) == (names["snare"] + 2, names["snare"] + 1)
    assert min(rows for rows, label, _ in clips if SOUNDS[label.sound].name == "crash") >= 24


def test_a_training_that_was_stopped_goes_on_and_ends_in_a_checkpoint_that_the_engine_plays(work: Path) -> None:
    assert (work / "unet" / "step-4").is_dir() and not (work / "unet" / "step-2").exists()
    folder = assemble.assemble(work)
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 45e6
    text = "".join(file.read_text("utf-8") for file in folder.rglob("*.json"))
    assert str(work) not in text and "/tmp" not in text
    engine = open_engine(EngineConfig(model=str(folder), compute="cpu", compile="off"))
    model = engine.load(lambda *stage: None)
    assert model.abilities.sample_rate == 44_100
    assert model.abilities.few_steps == train_few.STEPS
    again, trained = (train_unet.begun(place / "unet").state_dict() for place in (folder, work / "parts"))
    assert all(torch.allclose(again[name], trained[name], atol=2e-3) for name in trained)
    assert train.knows_the_same_words(folder)
    (folder / "heard.json").write_text(json.dumps({"nouns": {}, "words": []}), "utf-8")
    assert not train.knows_the_same_words(folder)
    pieces = [
        next(iter(engine.generate(Prompt(text, text, 0.5, 1, steps=steps, guidance=1.0), lambda *step: None)))
        for text, steps in (("kick", 2), ("kick", train_few.STEPS), ("house loop", 2), ("sub", 2))
    ]
    assert [len(piece.samples) for piece in pieces] == [4 * 22_050] * 4
    looped = next(iter(engine.generate(Prompt("house loop", "", 2.0, 1, steps=2, loop=True), lambda *step: None)))
    assert len(looped.samples) > 4 * 80_000


def test_latents_are_whitened_and_decode_to_what_they_did_before() -> None:
    torch.manual_seed(0)
    vae = train_vae.make_vae().eval()
    mels = np.random.default_rng(0).normal(size=(6, 64, 128)).astype(np.float16)
    groups = [dataset.Group(8, False, mels, (dataset.Labelled(0, Attributes()),) * 6)]
    x = torch.from_numpy(groups[0].mels.astype(np.float32))[:, None]
    with torch.no_grad():
        before = vae.decode(vae.encode(x).latent_dist.mode()).sample
        (latents,) = train_vae.whiten(vae, train_vae.encode(vae, groups))
        after = vae.decode(vae.encode(x).latent_dist.mode()).sample
        from_latents = vae.decode(torch.from_numpy(latents.astype(np.float32))).sample
    assert latents.shape == (6, 16, 8, 16) and vae.config.scaling_factor == 1.0
    np.testing.assert_allclose(latents.astype(np.float32).mean((0, 2, 3)), 0, atol=2e-3)
    np.testing.assert_allclose(latents.astype(np.float32).std((0, 2, 3)), 1, atol=5e-3)
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(from_latents, before, atol=2e-2, rtol=2e-2)


def test_texts_are_encoded_in_a_batch_as_each_is_alone(work: Path) -> None:
    stack = text_stack.load(work / "parts")
    texts = ["kick", "deep kick", "a very long bright and shiny closed hi hat", "kick"]
    together = train_unet.encode_texts(stack, texts)
    alone = [train_unet.encode_texts(stack, [text])[0] for text in texts]
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one.t5, other.t5, atol=2e-3, rtol=1e-2)
        torch.testing.assert_close(one.gpt2, other.gpt2, atol=2e-3, rtol=1e-2)


@pytest.fixture(scope="module")
def starter() -> AudioLDM2:
    """The shipped checkpoint, with converted networks."""
    engine = open_engine(EngineConfig(model="starter", compute="cpu"), prepared.starter())
    engine.load(lambda *stage: None)
    return engine  # type: ignore[return-value]


def sound(engine: AudioLDM2, text: str, seconds: float = 1.0, **more: object) -> np.ndarray:
    prompt = Prompt(text, text, seconds, **{"seed": 1, **more})  # type: ignore[arg-type]
    return np.frombuffer(next(iter(engine.generate(prompt, lambda *step: None))).samples, "<f4")


def test_the_shipped_starter_is_small_states_its_licence_and_names_no_machine() -> None:
    files = [file for file in STARTER_FOLDER.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 25e6
    assert licence(STARTER_FOLDER) == "mit" and starter_revision()
    assert b"FIGURE_" not in (STARTER_FOLDER / "README.md").read_bytes()
    for file in files:
        assert file.suffix in {".json", ".safetensors", ".md", ".txt"}
        assert b"/root" not in file.read_bytes() and b"/home" not in file.read_bytes()


def test_the_shipped_starter_knows_no_word_that_the_catalogue_does_not() -> None:
    shipped, catalogue = json.loads((STARTER_FOLDER / "heard.json").read_text("utf-8")), assemble.vocabulary()
    nouns, words = catalogue["nouns"], catalogue["words"]
    assert isinstance(nouns, dict) and isinstance(words, list)
    assert {*shipped["nouns"]} <= {*nouns} and {*shipped["words"]} <= {*words}
    assert {*shipped["nouns"].values()} <= {*NAMES}


def test_the_shipped_starter_loads_in_the_stock_pipeline_with_our_vocoder() -> None:
    from diffusers import AudioLDM2Pipeline

    from bridge.engine.audioldm2.mel_vocoder import MelVocoder

    vocoder = MelVocoder.from_pretrained(STARTER_FOLDER, subfolder="vocoder", dtype=torch.float32)
    pipe = AudioLDM2Pipeline.from_pretrained(STARTER_FOLDER, vocoder=vocoder, dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    audio = pipe(
        "kick", num_inference_steps=2, audio_length_in_s=1.5, generator=torch.Generator().manual_seed(0)
    ).audios
    assert np.isfinite(audio).all() and np.abs(audio).max() > 0.01


def test_the_starter_makes_the_same_clip_bit_for_bit_and_another_seed_another(starter: AudioLDM2) -> None:
    def snare(text: str = "snare", seed: int = 1) -> np.ndarray:
        return sound(starter, text, 0.5, steps=5, seed=seed)

    first = snare()
    assert np.array_equal(first, snare()) and not np.array_equal(first, snare(seed=2))
    assert np.array_equal(first, snare("Snaer!!"))  # what is heard is the same


def test_the_starter_encodes_a_text_to_the_same_bits_on_any_number_of_threads(starter: AudioLDM2) -> None:
    encoded = []
    for number in (1, 2):
        torch.set_num_threads(number)
        encoded.append(starter.texts._encode("deep warm kick"))
        assert torch.get_num_threads() == number
    torch.set_num_threads(1)
    assert torch.equal(encoded[0].t5, encoded[1].t5) and torch.equal(encoded[0].gpt2, encoded[1].gpt2)


def test_a_kick_ends_a_pad_fills_and_a_short_hat_is_short(starter: AudioLDM2) -> None:
    kick, pad, hat = sound(starter, "kick", 4.0), sound(starter, "pad", 4.0), sound(starter, "short closed hi hat", 4.0)
    assert measures.sounding_seconds(kick) < 1.5 and measures.sounding_seconds(hat) < 0.6
    assert measures.sounding_seconds(pad) > 3.0
    assert np.abs(kick[3 * SAMPLE_RATE :]).max() < 0.01 * np.abs(kick).max()


@pytest.mark.parametrize(
    ("text", "seed"), [("warm pad", 1), ("dark strings", 3), ("howling wind", 6), ("lead", 9), ("sub", 2)]
)
def test_a_loop_of_a_sustained_sound_has_no_hole_at_its_seam(starter: AudioLDM2, text: str, seed: int) -> None:
    loop = sound(starter, text, 2.0, seed=seed, loop=True)
    assert hole_db(loop, SAMPLE_RATE) < DEEPEST_HOLE_DB and np.abs(loop).max() > 0.1


@pytest.mark.parametrize("text", ["kick", "snare", "closed hi hat", "bell", "short organ", "soft strings"])
def test_a_loop_of_a_single_hit_begins_with_its_attack_as_the_plain_clip_does(starter: AudioLDM2, text: str) -> None:
    loop, plain = sound(starter, text, 1.0, loop=True), sound(starter, text)
    head = SAMPLE_RATE // 10
    assert np.abs(loop[:head]).max() > 0.5 * np.abs(loop).max()
    assert np.abs(loop).max() == pytest.approx(np.abs(plain).max(), rel=0.6)


def test_a_hat_is_bright_a_sub_is_low(starter: AudioLDM2) -> None:
    assert measures.share_above(sound(starter, "closed hi hat"), 4_000) > 0.7
    assert measures.share_above(sound(starter, "sub bass"), 300) < 0.1


@pytest.mark.parametrize("note", ["c4", "e4", "a3"])
def test_an_organ_plays_the_note_that_is_asked_for(starter: AudioLDM2, note: str) -> None:
    # An organ sounds its 16-foot bar an octave below the note: the octave is for the ear to tell.
    off = measures.pitch_midi(sound(starter, f"organ {note}", 1.5)) - midi_of(note)
    assert abs((off + 6) % 12 - 6) < 0.5


@pytest.mark.parametrize("seconds", [0.1, 0.37, 1.0, 2.56, 8.0])
@pytest.mark.parametrize("text", ["kick", "bell b3", "bell f#6"])
def test_the_starter_makes_exactly_as_many_samples_as_asked(starter: AudioLDM2, text: str, seconds: float) -> None:
    wave = sound(starter, text, seconds, steps=2)
    assert len(wave) == int(np.ceil(seconds * SAMPLE_RATE)) and np.isfinite(wave).all()


def test_the_reply_says_what_was_heard(starter: AudioLDM2) -> None:
    def remarks(text: str) -> dict[str, str]:
        return starter.remarks(Prompt(text, text, 1.0, 1))

    assert remarks("a dusty deep KICK for my beat") == {"heard": "deep kick"}
    assert remarks("my grandmother's piano")["heard"] == "" and "guessed" in remarks("my grandmother's piano")["remark"]
    assert "cannot be tuned" in remarks("snare c3")["remark"]


def test_a_note_that_cannot_be_tuned_is_unmet_and_not_in_what_the_encoders_get(starter: AudioLDM2) -> None:
    def prompt(text: str, note: str) -> Prompt:
        return Prompt(text, f"{text}, {note.upper()}", 1.0, 1, note=note)

    for text, note in (
        ("snare", "c3"),
        ("organ", "c9"),
        ("my zorblax", "c2"),
        ("my zorblax a4", "c2"),
        ("snare a4", "c2"),
    ):
        asked = prompt(text, note)
        heard = starter.texts.hears(asked)
        assert starter.unmet(asked) == ("note",) and f"the note {note} was left out" in starter.remarks(asked)["remark"]
        assert not {note, "a4"} & set(heard.text.split()) and heard.text
    assert starter.unmet(prompt("organ", "d4")) == () == starter.unmet(Prompt("snare", "snare", 1.0, 1))


def test_a_preset_that_names_a_sound_helps_where_the_prompt_does_not(starter: AudioLDM2) -> None:
    wrapped = Prompt("tense", "A tense riser, rising pitch", 1.0, 1)
    assert starter.remarks(wrapped)["heard"].split()[-1] == "riser"
    assert starter.remarks(Prompt("deep kick", "A deep kick riser", 1.0, 1))["heard"] == "deep kick"


def test_a_starter_without_its_weights_is_refused_by_name(tmp_path: Path) -> None:
    copy = shutil.copytree(STARTER_FOLDER, tmp_path / "starter")
    (copy / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    from bridge.errors import NoModel

    with pytest.raises(NoModel, match="unet"):
        open_engine(EngineConfig(model=str(copy), compute="cpu", compile="off"))


def test_the_training_command_says_what_it_wants(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["train", "--help"])
    with pytest.raises(SystemExit) as ended:
        train.main()
    assert ended.value.code == 0 and "--unet-steps" in capsys.readouterr().out
