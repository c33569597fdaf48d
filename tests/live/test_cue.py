"""The cue: on a pair of the main device or on a device of its own, nothing auditioned is heard by the audience."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bridge.config import AudioConfig
from bridge.daemon import live_of
from bridge.doctor import sound
from bridge.domain.tempo import Tempo
from bridge.errors import NoAudio, UnknownVoice
from bridge.live.audition import Audition
from bridge.live.voices import Live
from bridge.player.messages import When
from bridge.system.portable import selector_loop
from bridge.system.supervise import TICK_S, Child
from tests.harness import STAND_IN, Daemon, pairs
from tests.jack_device import RATE, Jack, Recorder, jack
from tests.on_stage import ended, pad_state

BAR = RATE  # frames at 240 BPM


@pytest.fixture
def clip(tmp_path: Path) -> Callable[[float], str]:
    """Audio files of noise."""
    count = iter(range(100))

    def make(seconds: float) -> str:
        file = tmp_path / f"{next(count)}.wav"
        noise = np.random.default_rng(5).uniform(0.05, 0.2, (round(seconds * RATE), 2))
        soundfile.write(file, noise, RATE)
        return str(file)

    return make


class Rig:
    """Live with its players, and everything that it reports."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.voices: list[tuple[int, str, str]] = []
        self.audio: list[tuple[str, str]] = []
        self.cue: list[tuple[str, str]] = []
        live.announce_voice = lambda voice, _owner, state, why: self.voices.append((voice, state, why))
        live.announce_device = lambda state, why: self.audio.append((state, why))
        live.announce_cue = lambda state, why: self.cue.append((state, why))

    def play(self, file: str, output: str, quantize: str = "") -> int:
        return self.live.play_file(Audition(None, file, file=file, when=When(quantize=quantize), output=output))

    async def until(self, holds: Callable[[], Any], what: str) -> Any:
        end = time.monotonic() + 20
        while not (result := holds()):
            assert time.monotonic() < end, f"{what}: {self.voices} {self.audio} {self.cue}"
            await asyncio.sleep(0.01)
        return result

    async def ended(self, voice: int) -> str:
        """The reason why a voice ended."""
        found = await self.until(lambda: [v for v in self.voices if v[:2] == (voice, "ended")], f"voice {voice} ends")
        return str(found[0][2])


def story(server: Jack, audio: AudioConfig, tell: Callable[[Rig], Awaitable[None]]) -> None:
    """Run `tell` with players on that server."""

    @contextlib.asynccontextmanager
    async def rig() -> AsyncIterator[Rig]:
        live = live_of(audio)
        live.scratch = live.scratch / os.urandom(4).hex()

        async def tick() -> None:
            while True:
                live.tick()
                await asyncio.sleep(TICK_S)

        ticking = asyncio.ensure_future(tick())
        try:
            yield Rig(live)
        finally:
            ticking.cancel()
            await live.close()

    async def main() -> None:
        async with rig() as ready:
            await tell(ready)

    with pytest.MonkeyPatch.context() as patch, asyncio.Runner(loop_factory=selector_loop) as runner:
        server.lend(patch)
        runner.run(asyncio.wait_for(main(), 60))


def silent(recorder: Recorder, *pair: int) -> bool:
    return not recorder.heard()[:, list(pair)].any()


MAIN, SECOND, THIRD = (0, 1), (2, 3), (4, 5)


def test_on_a_pair_the_cue_is_heard_alone_and_panic_and_numbers_reach_both_outputs(
    wide: Jack, hall: Recorder, clip: Callable[[float], str]
) -> None:
    async def tell(rig: Rig) -> None:
        first = rig.play(clip(0.2), "cue")
        assert await rig.ended(first) == ""
        await asyncio.sleep(0.1)
        assert silent(hall, *MAIN) and not silent(hall, *SECOND)
        assert rig.cue == [("open", f"channels 3-4 of {rig.audio[0][1]}")] and len(rig.audio) == 1
        held = [rig.play(clip(30.0), output) for output in ("main", "cue")]
        await rig.until(lambda: not silent(hall, *MAIN), "the main output sounds")
        rig.live.change(held[1], gain=0.0, glide_ms=5.0)
        rig.live.stop(held[0])
        assert await rig.ended(held[0]) == ""
        assert rig.live.sounds(held[1])
        await asyncio.sleep(0.2)
        hall.restart()
        await asyncio.sleep(0.2)
        assert not hall.heard().any()
        rig.live.stop()
        assert await rig.ended(held[1]) == ""
        with pytest.raises(UnknownVoice):
            rig.live.stop(held[1])

    story(wide, AudioConfig(cue="3-4"), tell)


def test_a_device_without_the_pair_refuses_the_cue_with_the_number_of_its_channels(
    wide: Jack, hall: Recorder, clip: Callable[[float], str]
) -> None:
    async def tell(rig: Rig) -> None:
        assert await rig.ended(rig.play(clip(0.2), "cue")) == "system has 6 channels, and no 7-8"
        await rig.until(lambda: rig.cue, "the cue is reported")
        assert rig.cue == [("unusable", "system has 6 channels, and no 7-8.")]
        ((state, why),) = rig.audio
        assert state == "open" and why.endswith(
            "; pads play on 1-2 instead of 9-10: system has 6 channels, and no 9-10"
        )
        with pytest.raises(NoAudio, match="must not be heard elsewhere: system has 6 channels"):
            rig.play(clip(0.2), "cue")
        assert not hall.heard().any()
        assert await rig.ended(rig.play(clip(0.2), "main")) == ""
        assert not silent(hall, *MAIN)

    story(wide, AudioConfig(cue="7-8", pads="9-10"), tell)


def test_without_a_cue_auditions_go_to_the_main_output_and_pads_to_their_pair(
    wide: Jack, hall: Recorder, clip: Callable[[float], str]
) -> None:
    async def tell(rig: Rig) -> None:
        assert rig.live.cue.state == ("main", "")
        assert await rig.ended(rig.play(clip(0.2), "cue")) == ""
        await asyncio.sleep(0.1)
        assert not silent(hall, *MAIN) and silent(hall, *SECOND)
        hall.restart()
        np.save(take := clip(0.2) + ".npy", np.full((RATE // 5, 1), 0.1, np.float32))
        rig.live.hold(1, take, RATE)
        assert await rig.ended(rig.live.sound(None, 1, 1.0, 0.0, output="pads")) == ""
        await asyncio.sleep(0.1)
        assert silent(hall, *MAIN) and not silent(hall, *SECOND)
        assert rig.cue == []

    story(wide, AudioConfig(pads="3-4"), tell)


def test_a_cue_device_that_is_lost_and_comes_back_never_touches_the_main_output(
    wide: Jack, headphones: Recorder, clip: Callable[[float], str]
) -> None:
    hall = headphones  # here the main device, while the cue plays on another server

    async def tell(rig: Rig) -> None:
        drone = rig.play(clip(60.0), "main")
        await rig.until(lambda: hall.heard().any(), "the main output sounds")
        assert rig.cue == []  # it is opened when it is needed
        with jack() as other, pytest.MonkeyPatch.context() as patch:
            other.lend(patch)
            audition = rig.play(clip(60.0), "cue")
            await rig.until(lambda: rig.cue, "the cue is open")
            assert rig.cue[0][0] == "open" and rig.cue[0][1].startswith("system, ")
            await asyncio.to_thread(other.stop)
            assert await rig.ended(audition) == "system is gone"
            await asyncio.to_thread(other.start)
            await rig.until(lambda: len(rig.cue) > 1 and rig.cue[-1][0] == "open", "the cue is open again")
            assert rig.cue[1] == ("lost", "system is gone")
            assert await rig.ended(rig.play(clip(0.2), "cue")) == ""
            hall.restart()
            assert rig.live.sounds(drone) and [state for state, _ in rig.audio] == ["open"]
            await rig.until(lambda: hall.heard().any(), "the main output still sounds")
            late = rig.play(clip(60.0), "cue")
            rig.live.stop()
            for voice in (drone, late):
                await rig.ended(voice)

    story(wide, AudioConfig(device="headphones", cue="system"), tell)


def test_a_main_device_that_is_lost_and_comes_back_has_its_pairs_again(clip: Callable[[float], str]) -> None:
    with jack(channels=4) as server:

        async def tell(rig: Rig) -> None:
            audition = rig.play(clip(60.0), "cue")
            await rig.until(lambda: rig.cue, "the cue is open")
            await asyncio.to_thread(server.stop)
            assert await rig.ended(audition) == "system is gone"
            await asyncio.to_thread(server.start)
            await rig.until(lambda: len(rig.cue) > 1 and rig.cue[-1][0] == "open", "the cue is open again")
            assert rig.cue[0] == rig.cue[-1] == ("open", f"channels 3-4 of {rig.audio[-1][1]}")
            assert ", 4 channels, " in rig.audio[-1][1]
            assert await rig.ended(rig.play(clip(0.2), "cue")) == ""

        story(server, AudioConfig(cue="3-4", pads="1-2"), tell)


def test_a_cue_whose_player_cannot_run_is_refused_and_the_main_output_goes_on(tmp_path: Path) -> None:
    async def tell() -> None:
        main, dead = Child("player", "tests.fake_children:player"), Child("cue", "tests.fake_children:dead_at_once")
        rig = Rig(Live(main, tmp_path, cue_child=dead))
        audition = Audition(None, "x.wav", output="cue")
        try:
            for _ in range(2):
                voices = [rig.live.play_file(one) for one in (Audition(None, "x.wav"), audition)]
                await rig.until(lambda: rig.cue and rig.cue[-1][0] == "failed", "the player is given up")
                assert not rig.live.sounds(voices[1]) and rig.live.sounds(voices[0]) and rig.audio == []
                with pytest.raises(NoAudio, match="must not be heard elsewhere: The player stopped five times"):
                    rig.live.play_file(audition)
                rig.live.restart_if_failed()
                assert rig.cue[-1][0] == "closed"
        finally:
            await rig.live.close()

    with asyncio.Runner(loop_factory=selector_loop) as runner:
        runner.run(asyncio.wait_for(tell(), 60))


def test_on_a_device_of_its_own_the_cue_is_heard_alone(
    wide: Jack, hall: Recorder, headphones: Recorder, clip: Callable[[float], str]
) -> None:
    async def tell(rig: Rig) -> None:
        assert await rig.ended(rig.play(clip(0.2), "cue")) == ""
        await asyncio.sleep(0.1)
        assert headphones.heard().any() and not hall.heard().any()
        assert rig.live.cue.state[0] == "open" and rig.live.player.state == "closed" and rig.audio == []

    story(wide, AudioConfig(device="system", cue="headphones"), tell)


def test_both_devices_keep_the_same_bars(
    wide: Jack, hall: Recorder, headphones: Recorder, clip: Callable[[float], str]
) -> None:
    async def tell(rig: Rig) -> None:
        for output in ("main", "cue"):  # opens both
            await rig.ended(rig.play(clip(0.1), output))
        await asyncio.sleep(0.5)
        rig.live.set_tempo(Tempo(240.0, 4, 0.0, time.perf_counter()))
        hall.restart()
        headphones.restart()
        voices = [rig.play(clip(0.1), "main", "bar")]
        await asyncio.sleep(0.3)
        voices.append(rig.play(clip(0.1), "cue", "bar"))
        for voice in voices:
            assert await rig.ended(voice) == ""
        await asyncio.sleep(0.1)
        apart = (hall.onset() - headphones.onset()) % BAR
        assert min(apart, BAR - apart) < 0.05 * RATE, apart

    story(wide, AudioConfig(device="system", cue="headphones"), tell)


def test_the_audience_hears_pads_on_their_pair_and_nothing_that_a_host_auditions(
    wide: Jack, hall: Recorder, start_daemon: Callable[..., Daemon]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        wide.lend(patch)
        options = ("--audio-device", "system", "--set", "audio.pads=3-4", "--set", "audio.cue=5-6")
        daemon = start_daemon(*options, run=STAND_IN)
    client = daemon.client()
    client.send("/bridge/subscribe")
    daemon.wait_for(lambda line: line["event"] == "cue" and line["state"] == "open")
    client.send("/bridge/status")
    assert pairs(client.until("/bridge/status")[1], 1)["cue"] == "open"
    client.send("/bridge/generate", "rain", 0.3, "id", "rain")
    path = client.until("/bridge/done", job="rain")[1][1]
    client.send("/bridge/play", path, "output", "cue")
    ended(client, int(client.until("/bridge/voice")[1][0]))
    time.sleep(0.1)
    assert silent(hall, *MAIN, *SECOND) and not silent(hall, *THIRD)
    client.send("/bridge/pad/1/set", "kick", 0.3)
    pad_state(client, 1, "ready", 2.0)
    hall.restart()
    client.send("/bridge/pad/1/play")
    ended(client, int(client.until("/bridge/voice")[1][0]))
    time.sleep(0.1)
    assert silent(hall, *MAIN, *THIRD) and not silent(hall, *SECOND)
    client.send("/bridge/play", path, "output", "pads")
    assert client.until("/bridge/error")[1][1] == "bad_argument"


def test_doctor_and_devices_see_the_channels_and_the_second_device(wide: Jack, headphones: Recorder) -> None:
    with pytest.MonkeyPatch.context() as patch:
        wide.lend(patch)
        checks = list(sound.check(AudioConfig(cue="headphones", pads="5-6")))
        command = [sys.executable, "-m", "bridge", "devices", "--set=audio.cue=headphones", "--set=audio.pads=5-6"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [(check.name, check.state) for check in checks] == [("audio", "ok"), ("pads", "ok"), ("cue", "ok")]
    assert "system  (JACK Audio Connection Kit, 48000 Hz, 6 channels)" in listed
    assert listed.endswith("The daemon would play through: system\nPads: channels 5-6\nCue: headphones\n")
