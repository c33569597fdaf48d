"""`clipbridge pull` with a stand-in hub: its output, the files it fetches, cut connections, refusals."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.checkpoints.find import available, default, facts, find
from bridge.commands.pull import licence_in_words
from bridge.engine.audioldm2 import untrained
from tests.engine.musicgen import small_checkpoint
from tests.stand_in_hub import REVISION, Hub

NAME = "cvssp/audioldm2"
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained.build(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def hub(original: Path, tmp_path: Path) -> Iterator[Hub]:
    """The small checkpoint, with the extra files of a real one on the hub: weights in other formats, samples."""
    folder = shutil.copytree(original, tmp_path / "hub")
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-sa-4.0\n---\n# AudioLDM 2")
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"a pickle" * 1000)
    (folder / "unet" / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"half" * 1000)
    (folder / "samples").mkdir()
    (folder / "samples" / "demo.wav").write_bytes(b"RIFF" * 1000)
    hub = Hub(folder, NAME)
    yield hub
    hub.close()


def start(tmp_path: Path, hub: Hub, *arguments: str, **more: str) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
    environment |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_DISABLE_TELEMETRY": "1", **more}
    return subprocess.Popen(
        [sys.executable, "-m", "bridge", *arguments], env=environment, text=True, stdout=-1, stderr=-1
    )


def pull(tmp_path: Path, hub: Hub, name: str = NAME, *options: str, **more: str) -> tuple[int, str, str]:
    process = start(tmp_path, hub, "pull", name, *options, **more)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def size_of(file: Path) -> int:
    """The size of a file; 0 if the pull has just renamed it."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def snapshot(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "hub" / "models--cvssp--audioldm2" / "snapshots" / REVISION


def test_pull_says_size_and_licence_fetches_safetensors_only_and_the_name_then_works_without_the_hub(
    tmp_path: Path, hub: Hub, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = pull(tmp_path, hub, "audioldm2")
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0].startswith(f"{NAME}, revision {REVISION[:12]}")
    assert (
        lines[1]
        == "Licence of its weights: cc-by-nc-sa-4.0 (not for commercial use, changes only under the same licence)"
    )
    assert "GB to fetch" in lines[2] and lines[-1].endswith(f"clipbridge run --model {NAME}")
    fetched = {p.relative_to(snapshot(tmp_path)).as_posix() for p in snapshot(tmp_path).rglob("*") if p.is_file()}
    ours = {p.relative_to(original).as_posix() for p in original.rglob("*") if p.is_file()}
    assert fetched >= ours and not any(name.endswith((".bin", ".wav", ".fp16.safetensors")) for name in fetched)
    assert (snapshot(tmp_path) / WEIGHTS).read_bytes() == (original / WEIGHTS).read_bytes()
    hub.close()
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    checkpoint = find(NAME)
    assert (checkpoint.revision, checkpoint.folder) == (REVISION, snapshot(tmp_path))
    stated = facts(NAME)
    assert stated.licence == "cc-by-nc-sa-4.0" and stated.sample_rate == 16_000 and stated.size_bytes > 1e6


def test_a_second_pull_fetches_nothing_and_verifies_all(tmp_path: Path, hub: Hub) -> None:
    assert pull(tmp_path, hub)[0] == 0
    hub.requests.clear()
    code, out, _ = pull(tmp_path, hub, NAME, "--json")
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and events[0]["event"] == "offered" and events[0]["missing_bytes"] == 0
    assert events[0]["licence"] == "cc-by-nc-sa-4.0" and events[-1]["event"] == "done"
    sent = [name for method, name, _ in hub.requests if method == "GET"]
    assert sent == ["model_index.json"]  # to check its pipeline
    (snapshot(tmp_path) / WEIGHTS).resolve().write_bytes(b"rotten")
    code, _, err = pull(tmp_path, hub)
    assert code == 7 and WEIGHTS in err and "was deleted" in err
    assert pull(tmp_path, hub)[0] == 0  # fetched again


def test_a_large_file_is_resumed_after_a_cut_connection(tmp_path: Path, hub: Hub) -> None:
    large = "unet/model-00002.safetensors"
    (hub.folder / large).write_bytes(os.urandom(25_000_000))
    hub.cut_after[large] = 22_000_000
    code, _, err = pull(tmp_path, hub)
    assert code == 0, err
    starts = [first for method, name, first in hub.requests if method == "GET" and name == large]
    assert starts[0] == 0 and 0 < starts[1] <= 22_000_000
    assert (snapshot(tmp_path) / large).read_bytes() == (hub.folder / large).read_bytes()


def test_a_killed_pull_is_resumed_and_until_then_the_checkpoint_is_not_available(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = "unet/model-00002.safetensors"
    (hub.folder / large).write_bytes(os.urandom(45_000_000))
    hub.stuck[large] = threading.Event()
    process = start(tmp_path, hub, "pull", NAME, "--json")
    try:
        while not any(size_of(file) > 19_000_000 for file in tmp_path.rglob("*.clipbridge-unfinished")):
            assert process.poll() is None
            threading.Event().wait(0.02)
    finally:
        process.kill()
        process.communicate()
    hub.stuck.pop(large).set()
    before = {name for method, name, _ in hub.requests if method == "GET"} - {large, "model_index.json"}
    assert before
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    assert default(accelerated=True).name == "starter"
    hub.requests.clear()
    code, out, err = pull(tmp_path, hub, NAME, "--json")
    assert code == 0, err
    offered = json.loads(out.splitlines()[0])
    assert offered["missing_bytes"] < offered["size_bytes"] - 19_000_000
    assert not before & {name for method, name, _ in hub.requests if method == "GET"}
    (first,) = [first for method, name, first in hub.requests if method == "GET" and name == large]
    assert first > 19_000_000
    assert (snapshot(tmp_path) / large).read_bytes() == (hub.folder / large).read_bytes()
    assert not [*tmp_path.rglob("*.clipbridge-*")]


def test_a_file_with_another_content_is_refused_and_deleted(tmp_path: Path, hub: Hub) -> None:
    size = (hub.folder / WEIGHTS).stat().st_size
    hub.swapped[WEIGHTS] = bytes(size)
    code, _, err = pull(tmp_path, hub)
    assert code == 7 and f"{WEIGHTS} does not match the hub's checksum" in err
    assert not (snapshot(tmp_path) / WEIGHTS).exists()
    hub.swapped.clear()
    assert pull(tmp_path, hub)[0] == 0


def test_without_room_on_the_disk_nothing_is_fetched(tmp_path: Path, hub: Hub) -> None:
    hub.claimed_bytes[WEIGHTS] = 10**15
    code, out, err = pull(tmp_path, hub)
    assert code == 6 and "No room for 1000000.0 GB" in err and "HF_HOME" in err
    assert not any(name == WEIGHTS for _, name, _ in hub.requests)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda hub: (hub.folder / WEIGHTS).unlink(), "has no .safetensors weights"),
        (lambda hub: shutil.rmtree(hub.folder / "vae"), "part 'vae' is missing"),
        (lambda hub: (hub.folder / "model_index.json").write_text('{"_class_name": "FluxPipeline"}'), "FluxPipeline"),
        (lambda hub: (hub.folder / "model_index.json").write_text("{"), "is invalid"),
        (lambda hub: (hub.folder / "model_index.json").write_text("[" * 100_000), "is invalid"),
        (lambda hub: (hub.folder / "model_index.json").unlink(), "has no model_index.json"),
        (lambda hub: setattr(hub, "portal", b"<html>Welcome to the hotel</html>"), "is invalid"),
        (lambda hub: setattr(hub, "name", "cvssp/other"), "has no model"),
        (lambda hub: hub.close(), "could not be fetched"),
    ],
)
def test_an_unusable_checkpoint_is_refused_before_any_weights_are_fetched(
    tmp_path: Path, hub: Hub, spoil: object, sentence: str
) -> None:
    spoil(hub)  # type: ignore[operator]
    code, _, err = pull(tmp_path, hub, HF_HUB_ETAG_TIMEOUT="2", HF_HUB_DOWNLOAD_TIMEOUT="2")
    assert code == 7 and sentence in err and err.count("\n") == 1
    assert not any(name.endswith(".safetensors") for _, name, _ in hub.requests)


@pytest.mark.parametrize("name", ["../../etc", "a/b/c", "x" * 300, "a\nb/c", "--", "a b/c"])
def test_an_invalid_name_is_refused_with_an_example(tmp_path: Path, hub: Hub, name: str) -> None:
    code, _, err = pull(tmp_path, hub, "--", name) if name.startswith("-") else pull(tmp_path, hub, name)
    assert code in (2, 7) and "Traceback" not in err and hub.requests == []


def test_a_licence_cannot_control_the_terminal_and_an_invalid_address_is_reported(tmp_path: Path, hub: Hub) -> None:
    hub.licence = "mit\x1b[2J\x1b]0;owned\x07"
    code, out, _ = pull(tmp_path, hub)
    assert code == 0 and "\x1b" not in out and "mit\\x1b[2J" in out
    code, _, err = pull(tmp_path, hub, HF_ENDPOINT="http://[::1")
    assert code == 7 and "Traceback" not in err


def test_a_licence_of_the_hub_without_a_tag_is_called_by_its_name(tmp_path: Path, hub: Hub) -> None:
    hub.licence, hub.licence_name = "other", "stability-ai-community"
    _, said, _ = pull(tmp_path, hub)
    assert "Licence of its weights: stability-ai-community" in said


def test_a_cache_that_cannot_be_created_is_reported_as_such(tmp_path: Path, hub: Hub) -> None:
    (tmp_path / "file").write_text("in the way")
    code, _, err = pull(tmp_path, hub, HF_HOME=str(tmp_path / "file"))
    assert code == 6 and "cannot be written" in err


def test_offline_means_offline(tmp_path: Path, hub: Hub) -> None:
    code, _, err = pull(tmp_path, hub, HF_HUB_OFFLINE="1")
    assert code == 7 and "HF_HUB_OFFLINE" in err and hub.requests == []


def test_a_licence_is_shown_with_what_it_forbids() -> None:
    assert licence_in_words("mit") == "mit"
    assert licence_in_words("stability-ai-community").endswith(
        "(free for those with less than 1 million dollars of revenue a year)"
    )
    assert licence_in_words("cc-by-nc-4.0") == "cc-by-nc-4.0 (not for commercial use)"
    assert "none stated" in licence_in_words("")


def test_a_checkpoint_without_parts_is_fetched_from_the_top_of_its_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, name = small_checkpoint.saved(tmp_path / "hub"), "someone/musicgen-tiny"
    (folder / "pytorch_model.bin").write_bytes(b"the same, pickled")
    hub = Hub(folder, name, "cc-by-nc-4.0")
    try:
        code, out, err = pull(tmp_path, hub, name)
    finally:
        hub.close()
    assert code == 0 and "cc-by-nc-4.0 (not for commercial use)" in out, err
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache" / "hub"))
    found = find(name).folder
    assert found is not None and not (found / "pytorch_model.bin").exists()
    assert name in available() and facts(name).licence == "cc-by-nc-4.0"
