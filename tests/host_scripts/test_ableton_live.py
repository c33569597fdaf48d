"""Ableton Live's control surface with a stand-in for Live's API and a real daemon: a name becomes a clip in a slot."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from pythonosc.osc_message import OscMessage

from bridge.client import encode
from tests.harness import Client, Daemon
from tests.host_scripts import stub_live


class Live:
    """Live with the script as a control surface, and its user."""

    def __init__(self, port: int) -> None:
        self.instance = stub_live.Instance()
        self.song = self.instance.song
        self.surface = stub_live.load(self.instance, port)
        self.longest_s = 0.0
        self.ticks(2)

    def ticks(self, count: int = 1) -> None:
        for _ in range(count):
            began = time.thread_time()
            self.instance.tick()
            self.longest_s = max(self.longest_s, time.thread_time() - began)

    def until(self, condition: Callable[[], Any], timeout_s: float = 40.0) -> Any:
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            self.ticks()
            if result := condition():
                return result
            time.sleep(0.02)
        raise AssertionError(self.instance.messages[-8:])

    def said(self, words: str) -> Callable[[], bool]:
        return lambda: any(words in message for message in self.instance.messages)

    def clips(self, track: int = 0) -> list[Any]:
        return [slot.clip for slot in self.song.tracks[track].clip_slots]

    def name(self, thing: Any, name: str) -> None:
        """Rename the selected thing, as the user does."""
        before = thing.name
        thing.name = name
        self.ticks()
        assert thing.name == before  # put back at once


@pytest.fixture
def live(daemon: Daemon) -> Iterator[Live]:
    live = Live(daemon.port)
    yield live
    live.surface.disconnect()
    assert live.instance.disconnected


def test_a_track_named_cb_gets_a_clip_of_whole_bars_in_its_next_empty_slot(live: Live, daemon: Daemon) -> None:
    live.song.tempo, live.song.signature_numerator = 300.0, 3
    live.song.view.selected_scene = live.song.scenes[1]
    live.name(live.song.tracks[0], "CB: deep warm kick 2 bars @preset drum @steps 4 @seed 11")
    live.until(lambda: live.said("slot 2")() and live.clips()[1].looping)
    first, clip, last = live.clips()
    assert first is last is None and clip.name == "deep warm kick"
    path = Path(clip.file_path)
    assert path.is_relative_to(daemon.folder / "drums") and "_s11_" in path.name
    assert soundfile.info(path).frames == 57_600  # 6 beats at 300 BPM: 1.2 s
    assert clip.warping and (clip.loop_start, clip.loop_end, clip.end_marker) == (0.0, 6.0, 6.0)
    assert clip.sample_to_beat_time(57_600) == pytest.approx(6.0)
    assert [(marker.sample_time, marker.beat_time) for marker in clip.warp_markers[:-1]] == [(0.0, 0.0), (1.2, 6.0)]
    assert live.song.undo_steps == 1 and live.longest_s < 0.5


def test_a_scene_named_cb_gets_its_clip_on_the_selected_track_unwarped_when_the_length_is_in_seconds(
    live: Live,
) -> None:
    live.song.view.selected_track = live.song.tracks[1]
    live.ticks()
    live.song.view.selected_scene = live.song.scenes[2]
    live.ticks()
    live.name(live.song.scenes[2], 'cb:glassy "bell" & Müller, 0,25 s @steps 2')
    live.until(lambda: live.clips(1)[2])
    live.ticks(3)
    clip = live.clips(1)[2]
    assert clip.name == 'glassy "bell" & Müller,' and soundfile.info(clip.file_path).frames == 12_000
    assert not clip.warping and not clip.looping and live.clips(0) == [None] * 3


def test_a_clip_named_cb_gets_variations_below_it_and_scenes_are_added_as_necessary(live: Live) -> None:
    live.song.view.selected_scene = live.song.scenes[1]
    live.name(live.song.tracks[0], "cb: kick 0.2 s @steps 2")
    live.until(lambda: live.clips()[1])
    live.song.view.selected_scene = live.song.scenes[0]
    live.song.view.highlighted_clip_slot = live.song.tracks[0].clip_slots[1]
    live.ticks()
    live.name(live.clips()[1], "cb: kick 0.2 s @steps 2 @takes 3")
    live.until(live.said("3 takes"))
    assert len(live.song.scenes) == 5 and live.clips(1) == [None] * 5
    first, *others = live.clips()
    assert first is None and len({clip.file_path for clip in others}) == 4


def test_several_asks_at_once_never_overwrite_a_clip(live: Live) -> None:
    for number in range(4):
        live.name(live.song.tracks[0], f"cb: kick {number} 0.2 s @steps 2")
    live.until(lambda: len([clip for clip in live.clips() if clip]) == 4)
    assert {clip.name for clip in live.clips()} == {f"kick {number}" for number in range(4)}


def test_old_names_and_other_names_ask_for_nothing(live: Live, daemon: Daemon) -> None:
    live.song.scenes[1].name = "cb: old 1 s"
    live.song.view.selected_scene = live.song.scenes[1]
    live.song.tracks[0].name = "CBD beats"
    live.ticks(5)
    assert live.song.scenes[1].name == "cb: old 1 s" and live.song.tracks[0].name == "CBD beats"
    assert live.instance.messages == []


def test_errors_are_shown_in_the_status_bar(live: Live) -> None:
    live.song.view.selected_track = live.song.tracks[2]
    live.ticks()
    live.name(live.song.tracks[2], "cb: kick")
    assert "Keys takes no audio clips" in live.instance.messages[-1]
    live.song.view.selected_track = live.song.tracks[0]
    live.ticks()
    live.name(live.song.tracks[0], "cb: kick 4000 s")
    live.until(live.said("150"))
    live.name(live.song.tracks[0], "cb: kick 0.2 s @stepps 2")
    live.until(live.said("did you mean steps"))
    live.song.tracks[0].is_frozen = True
    live.name(live.song.tracks[0], "cb: kick 0.2 s @steps 2")
    live.until(live.said("Live does not take the clip"))
    assert Path(live.instance.messages[-1].split("here: ")[1]).is_file() and live.clips() == [None] * 3


def test_live_older_than_12_0_5_shows_that_it_is_too_old(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(stub_live.ClipSlot, "create_audio_clip")
    live.name(live.song.tracks[0], "cb: kick")
    assert "12.0.5" in live.instance.messages[-1]


def test_a_clip_that_live_does_not_warp_correctly_stays_unwarped(live: Live) -> None:
    live.song.first_guess = 0.5  # the start of the file is not on beat 0
    live.name(live.song.tracks[0], "cb: kick 1 beat @steps 2")
    live.until(live.said("could not be warped"))
    live.ticks(2)
    assert not live.clips()[0].warping and not live.clips()[0].looping


def test_a_track_that_was_deleted_meanwhile_loses_no_clip(live: Live) -> None:
    live.name(live.song.tracks[0], "cb: kick 0.2 s @steps 2")
    live.song.tracks = live.song.tracks[1:]
    live.song.view.selected_track = live.song.tracks[0]
    live.until(live.said("the track is gone"))
    assert Path(live.instance.messages[-1].split("here: ")[1]).is_file()


@pytest.mark.parametrize("way", ["cb: stop", "another control surface is chosen"])
def test_stopping_cancels_unfinished_jobs(daemon: Daemon, client: Client, way: str) -> None:
    live = Live(daemon.port)
    live.name(live.song.tracks[0], "cb: endless drone 30 s")
    live.until(live.said("%"))
    client.ask("/bridge/subscribe")
    if way == "cb: stop":
        live.name(live.song.tracks[0], way)
        live.until(live.said("is cancelled"))
    live.surface.disconnect()
    live.ticks(3)
    assert client.until("/bridge/cancelled") and live.clips() == [None] * 3
    client.send("/bridge/unsubscribe")


# ---- without a daemon, and with lost answers ----


@pytest.fixture
def deaf() -> Iterator[socket.socket]:
    """A socket that answers nothing by itself."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(5)
        yield udp


def test_without_a_daemon_it_says_how_to_start_one(deaf: socket.socket) -> None:
    silent = deaf.getsockname()[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        free = udp.getsockname()[1]
    for port in (silent, free):
        live = Live(port)
        live.name(live.song.tracks[0], "cb: kick 1 bar")
        live.until(live.said(f"Clipbridge does not answer on port {port}: start it with: clipbridge run"), 10)
        live.surface.disconnect()


def test_lost_messages_are_requested_again_and_those_of_strangers_are_ignored(
    deaf: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live(deaf.getsockname()[1])
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, [0.0] * 4_800, 48_000)
    live.name(live.song.tracks[0], "cb: kick 0.1 s")
    first, sender = deaf.recvfrom(65_536)  # lost
    second = live.until(lambda: _waiting(deaf))
    assert second == first  # the same ask, the same id: still one job
    job = list(OscMessage(first))[3]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(encode("/bridge/failed", job, "internal", "a lie"), sender)
    for rubbish in (b"", b"\0", b"/bridge/done\0\0\0\0,s", b"\xff" * 40, encode("/bridge/done"), encode("/other", job)):
        deaf.sendto(rubbish, sender)
    deaf.sendto(encode("/bridge/queued", job, 0, 0.5, "seed", 1), sender)
    live.until(live.said("..."))
    again = live.until(lambda: _waiting(deaf))  # done was lost: five seconds of silence
    assert OscMessage(again).address == "/bridge/job" and list(OscMessage(again)) == [job]
    deaf.sendto(encode("/bridge/done", job, clip.as_posix(), 0.1, "seed", 1), sender)
    live.until(lambda: live.clips()[0])
    live.surface.disconnect()
    assert not live.said("a lie")()


def _waiting(udp: socket.socket) -> bytes:
    udp.setblocking(False)
    try:
        return udp.recvfrom(65_536)[0]
    except BlockingIOError:
        return b""
