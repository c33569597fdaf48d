"""Ableton Live: a clip in a slot, named `cb: vary 0.4`, `cb: continue 2 bars` or `cb: fill 1 to 1.5`, is the source of a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Daemon
from tests.host_scripts import stub_live
from tests.host_scripts.answering import Answering, answering, noise
from tests.host_scripts.test_ableton_live import Live


@pytest.fixture
def stand_in() -> Iterator[Answering]:
    with answering() as stand_in:
        yield stand_in


@pytest.fixture
def opened() -> Iterator[Callable[..., tuple[Live, Any]]]:
    lives: list[Live] = []

    def start(*arguments: Any, **values: Any) -> tuple[Live, Any]:
        lives.append(with_clip(*arguments, **values)[0])
        return lives[-1], lives[-1].clips()[0]

    yield start
    for live in lives:
        live.surface.disconnect()


def with_clip(port: int, file: Path, seconds: float, *, warped: bool = True, **values: Any) -> tuple[Live, Any]:
    """Live with a selected clip in the first slot, warped to 120 BPM from its first sample on or not at all, and the clip."""
    live = Live(port)
    noise(file, seconds)
    clip = stub_live.Clip(live.song, str(file))
    clip._warping = warped
    clip.warp_markers = [stub_live.WarpMarker(0.0, 0.0), stub_live.WarpMarker(seconds, 2 * seconds)]
    clip.loop_start, clip.loop_end = 0.0, 2 * seconds if warped else seconds
    clip.name = "my kick"
    for name, value in values.items():
        setattr(clip, name, value)
    live.song.tracks[0].clip_slots[0].clip = clip
    live.song.view.highlighted_clip_slot = live.song.tracks[0].clip_slots[0]
    live.ticks()
    return live, clip


def made(live: Live) -> Any:
    """The new clip, once it is set up."""
    clip = live.until(lambda: live.clips()[1])
    live.ticks(4)
    return clip


def answers(stand_in: Answering, file: Path, seconds: float) -> None:
    noise(file, seconds, 2)
    stand_in.make = lambda _ask: [file]


def test_vary_sends_the_file_and_the_new_clip_is_warped_and_tuned_like_its_source(
    stand_in: Answering, opened: Callable[..., tuple[Live, Any]], tmp_path: Path
) -> None:
    file = tmp_path / "O'Brien & Söhne 100%.wav"
    live, source = opened(stand_in.port, file, 4.0, pitch_coarse=-5, gain=0.25, looping=True)
    # It drags in its second half: four beats in 1.5 s, then four in 2.5 s.
    source.warp_markers = [stub_live.WarpMarker(*place) for place in ((0.0, 0.0), (1.5, 4.0), (4.0, 8.0))]
    answers(stand_in, tmp_path / "clip.wav", 4.0)
    live.name(source, "cb: vary 0,4 darker kick @takes 1 @seed 7")
    clip = made(live)
    (ask,) = stand_in.asked
    assert (ask.vary, ask.strength, ask.text, ask.seed) == (str(file), 0.4, "darker kick", 7)
    assert (ask.seconds, ask.from_, ask.to) == (None, None, None)
    assert clip.name == "darker kick" and (clip.pitch_coarse, clip.gain) == (-5, 0.25)
    assert [(m.sample_time, m.beat_time) for m in clip.warp_markers[:-1]] == [(0.0, 0.0), (1.5, 4.0), (4.0, 8.0)]
    assert clip.looping and (clip.loop_start, clip.loop_end) == (0.0, 8.0)


def test_the_part_between_start_and_end_is_the_source(
    stand_in: Answering, opened: Callable[..., tuple[Live, Any]], tmp_path: Path
) -> None:
    live, source = opened(stand_in.port, tmp_path / "long.wav", 8.0, loop_start=4.0, loop_end=8.0)
    answers(stand_in, tmp_path / "clip.wav", 2.0)
    live.name(source, "cb: vary")
    clip = made(live)
    (ask,) = stand_in.asked
    assert (ask.from_, ask.to, ask.strength, ask.text) == (2.0, 4.0, None, "")
    assert clip.name == "my kick" and (clip.loop_start, clip.loop_end) == (0.0, 4.0) and not clip.looping
    live, source = opened(stand_in.port, tmp_path / "free.wav", 8.0, warped=False, loop_start=1.5, loop_end=8.0)
    live.name(source, "cb: vary 1")
    clip = made(live)
    assert (stand_in.asked[1].from_, stand_in.asked[1].to, stand_in.asked[1].strength) == (1.5, None, 1)
    assert not clip.warping and not clip.looping


@pytest.mark.parametrize(
    ("name", "more", "beats"),
    [("cb: continue", 2.0, 8.0), ("cb: continue 2 bars", 4.0, 12.0), ("cb: continue rain 0.5 s", 0.5, 5.0)],
)
def test_continue_adds_bars_of_the_clip_or_seconds_or_as_much_as_it_has(
    name: str, more: float, beats: float, stand_in: Answering, opened: Callable[..., tuple[Live, Any]], tmp_path: Path
) -> None:
    live, source = opened(stand_in.port, tmp_path / "source.wav", 2.0)
    live.song.tempo = 90.0  # Live stretches the clip: its own bars have two seconds
    answers(stand_in, tmp_path / "clip.wav", 2.0 + more)
    live.name(source, name)
    clip = made(live)
    (ask,) = stand_in.asked
    assert ask.continue_ == str(tmp_path / "source.wav") and ask.more == pytest.approx(more)
    assert clip.loop_end == pytest.approx(beats)


def test_fill_takes_its_gap_from_the_name_or_from_the_loop(
    stand_in: Answering, opened: Callable[..., tuple[Live, Any]], tmp_path: Path
) -> None:
    live, source = opened(stand_in.port, tmp_path / "source.wav", 4.0, looping=True, loop_start=2.0, loop_end=3.0)
    answers(stand_in, tmp_path / "clip.wav", 4.0)
    live.name(source, "cb: fill rain")
    clip = made(live)
    assert (stand_in.asked[0].from_, stand_in.asked[0].to, stand_in.asked[0].text) == (1.0, 1.5, "rain")
    assert stand_in.asked[0].fill == str(tmp_path / "source.wav") and (clip.loop_start, clip.loop_end) == (0.0, 8.0)
    for name, words in (("cb: fill 1.0 to 1,6 rain", "rain"), ("cb: fill 1 s 1.6 s", "")):
        live, source = opened(stand_in.port, tmp_path / "source.wav", 4.0, loop_start=1.0)
        live.name(source, name)
        clip = made(live)
        ask = stand_in.asked[-1]
        assert (ask.from_, ask.to, ask.text) == (1.0, 1.6, words) and (clip.loop_start, clip.loop_end) == (1.0, 8.0)


def test_what_is_missing_is_said_in_the_status_bar(
    stand_in: Answering, opened: Callable[..., tuple[Live, Any]], tmp_path: Path
) -> None:
    live, source = opened(stand_in.port, tmp_path / "source.wav", 4.0)
    for name, words in (("cb: fill", "needs the gap"), ("cb: fill 1 to 2 rain 2 bars", "keeps its length")):
        live.name(source, name)
        assert words in live.instance.messages[-1]
    source.is_audio_clip = False
    live.name(source, "cb: vary 0.5")
    assert "only an audio clip" in live.instance.messages[-1] and stand_in.asked == []
    source.is_audio_clip = True
    live.name(source, "cb: vary 0.5")
    live.until(live.said("The file is not audio."))
    # Words that only begin alike, and the names of tracks, are prompts.
    for thing, name in ((source, "cb: filler noise 1 s"), (live.song.tracks[0], "cb: vary the mood 1 s @vary last")):
        live.name(thing, name)
    live.until(lambda: len(stand_in.asked) == 3)
    _, second, third = stand_in.asked
    assert (second.text, second.vary) == ("filler noise", None) and (third.text, third.vary) == (
        "vary the mood",
        "last",
    )


def test_the_real_daemon_varies_continues_and_fills_a_clip(
    daemon: Daemon, opened: Callable[..., tuple[Live, Any]], tmp_path: Path
) -> None:
    live, source = opened(daemon.port, tmp_path / "source.wav", 1.0)
    names = ("cb: vary 0.4 rain @steps 3", "cb: continue rain 1 beat @steps 3", "cb: fill 0.4 to 0.6 rain @steps 3")
    for place, name in enumerate(names, 1):
        live.name(source, name)
        live.until(lambda: len(live.clips()) > place and live.clips()[place])  # noqa: B023 - called at once
    _, varied, continued, filled = live.clips()
    assert [clip.sample_length for clip in (varied, continued, filled)] == [48_000, 72_000, 48_000]
    assert all(Path(clip.file_path).is_relative_to(daemon.folder) for clip in (varied, continued, filled))
