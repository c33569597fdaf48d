"""The abilities of a checkpoint are read from its JSON files, and its family from its index."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.checkpoints import audioldm2
from bridge.checkpoints.families import FAMILIES, able, family_of
from bridge.checkpoints.find import STARTER_FOLDER, facts, licence
from bridge.engine.families import ENGINES
from bridge.errors import NoModel


def test_the_starter_makes_tuned_notes_at_44_1_khz_and_ranks_nothing() -> None:
    abilities = family_of(STARTER_FOLDER).abilities(STARTER_FOLDER)
    assert (abilities.sample_rate, abilities.channels, abilities.notes) == (44_100, 1, "tuned")
    assert (
        not abilities.ranked
        and not abilities.speech
        and abilities.loops
        and abilities.audio == {"vary", "continue", "fill"}
    )


def test_a_folder_of_another_pipeline_has_no_family(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "OtherPipeline"}))
    with pytest.raises(
        NoModel, match="holds a 'OtherPipeline', which is of no family that can be loaded: AudioLDM 2, Stable Audio 3"
    ):
        family_of(tmp_path)


def test_a_licence_without_a_tag_is_called_by_its_name(tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text("---\nlicense: other\nlicense_name: stability-ai-community\nlicense_link: LICENSE\n---\n")
    assert licence(tmp_path) == "stability-ai-community"
    card.write_text("---\nlicense: other\n---\n")
    assert licence(tmp_path) == "other"
    card.write_text("---\nlicense: mit\nlicense_name: mine\n---\n")
    assert licence(tmp_path) == "mit"


def test_the_details_of_a_checkpoint_state_its_abilities() -> None:
    starter, untrained = facts("starter"), facts("untrained")
    assert (starter.channels, starter.max_seconds) == (1, 150.0)
    assert starter.can == "steps guidance negative notes loops early continue fill vary"
    assert (untrained.sample_rate, untrained.can) == (
        16_000,
        "steps guidance negative notes loops early ranked continue fill vary",
    )


def test_a_checkpoint_whose_spectrogram_is_unknown_cannot_use_a_source(tmp_path: Path) -> None:
    for name, value in (
        ("vary", {}),
        ("", {"sampling_rate": 24_000}),
        ("", {"model_in_dim": 80}),
        ("", {"upsample_rates": "5"}),
    ):
        folder = tmp_path / (name or str(next(iter(value))))
        (folder / "vocoder").mkdir(parents=True)
        config = {"sampling_rate": 16_000, "model_in_dim": 64, "upsample_rates": [5, 4, 2, 2, 2], **value}
        (folder / "vocoder" / "config.json").write_text(json.dumps(config), "utf-8")
        assert audioldm2.abilities(folder).audio == ({"vary", "continue", "fill"} if name else set())
    assert able("vary")[0] == "AudioLDM 2" and "AudioLDM 2" in able("loops")


def test_each_family_has_an_engine() -> None:
    assert set(ENGINES) == set(FAMILIES)
