"""Outputs of one device: what is on which channels, and what happens if a pair or a device is missing."""

from __future__ import annotations

import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from bridge.domain.outputs import CUE, MAIN, PADS, Pairs
from bridge.errors import NoAudio
from bridge.player import opening
from bridge.player.device import Device, choose
from bridge.player.layout import layout
from bridge.player.limiter import CEILING
from bridge.player.messages import Ended, Hold, Opened, Play, Sound, Unusable
from bridge.player.mixer import MAX_VOICES, Mixer
from tests.jack_device import RATE, Jack, Recorder
from tests.player.test_player import playing, until

JACK = "JACK Audio Connection Kit"
LENGTH = 24_000
PAIRS = Pairs(pads=2, cue=4)


def device(channels: int, system: str = "Core Audio", name: str = "Interface") -> Device:
    return Device(0, name, system, channels, RATE, False)


def test_a_device_is_opened_with_the_channels_that_its_pairs_need_and_no_more() -> None:
    assert layout(device(18), Pairs()).channels == 2
    assert layout(device(1), Pairs()).channels == 1
    assert layout(device(18), Pairs(pads=2)).channels == 4
    plan = layout(device(18), Pairs(pads=2, cue=6))
    assert (plan.channels, plan.firsts, plan.remark) == (8, {MAIN: 0, PADS: 2, CUE: 6}, "")


def test_pads_play_on_the_main_output_if_their_pair_is_missing_and_the_cue_plays_nowhere() -> None:
    for channels, count in ((1, "1 channel"), (2, "2 channels"), (3, "3 channels")):
        plan = layout(device(channels), Pairs(pads=2, cue=4))
        assert plan.firsts == {MAIN: 0, PADS: 0} and plan.channels == min(2, channels)
        assert plan.no_cue == f"Interface has {count}, and no 5-6"
        assert plan.remark == f"pads play on 1-2 instead of 3-4: Interface has {count}, and no 3-4"


def test_another_device_than_the_requested_one_has_no_pairs() -> None:
    plan = layout(device(18), PAIRS, missing="Interface plays instead of 'Scarlett'")
    assert plan.firsts == {MAIN: 0, PADS: 0} and plan.channels == 2
    assert plan.no_cue == "Interface plays instead of 'Scarlett'"


@pytest.mark.parametrize(
    ("system", "name", "has_cue"),
    [
        ("Core Audio", "Interface", True), (JACK, "system", True), ("Windows WASAPI", "Interface", True),
        ("ALSA", "Scarlett 18i20: USB Audio (hw:1,0)", True), ("ALSA", "pulse", False), ("ALSA", "default", False),
        ("MME", "Interface", False), ("Windows DirectSound", "Interface", False),
    ],
)  # fmt: skip
def test_no_cue_is_on_a_system_that_may_mix_it_into_the_main_output(system: str, name: str, has_cue: bool) -> None:
    plan = layout(device(32, system, name), PAIRS)
    assert (CUE in plan.firsts) == has_cue == (not plan.no_cue)
    assert plan.firsts[PADS] == 2


def test_a_device_that_opens_only_with_two_channels_still_plays_the_main_output(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = []

    def open_output(_device: Device, mixer: Mixer) -> None:
        opened.append(mixer.channels)
        if mixer.channels > 2:
            raise NoAudio("Invalid number of channels.")

    monkeypatch.setattr(opening, "Output", open_output)
    monkeypatch.setattr(opening, "outputs", lambda refresh: [device(8)])
    _, mixer, _ = opening.Opening("Interface", PAIRS).open(lambda why: pytest.fail(why))
    assert opened == [6, 2] and mixer.channels == 2 and mixer.layout.firsts == {MAIN: 0, PADS: 0}
    assert "Interface does not open with 6 channels" in mixer.layout.no_cue


def test_of_several_ways_to_a_device_one_is_chosen_that_has_the_pair() -> None:
    name = "Speakers (Scarlett 18i20 USB Audio)"
    mme = Device(0, name[:31], "MME", 8, 44_100, True)
    direct = Device(1, name, "Windows DirectSound", 8, 44_100, False)
    wasapi = Device(2, name, "Windows WASAPI", 4, 48_000, False)
    other = Device(3, "Monitor", "Windows WASAPI", 8, 48_000, False)
    every = [mme, direct, wasapi, other]
    assert choose("scarlett", every) is choose("", every) is mme
    assert choose("scarlett", every, 4) is choose("", every, 4) is wasapi
    assert choose("scarlett", every, 8) is choose("", every, 8) is mme
    assert wasapi.is_same_as(mme) and not wasapi.is_same_as(direct.__class__(3, name + " 2", "ASIO", 2, RATE, False))


def test_choosing_a_device_by_name_still_reports_a_missing_one() -> None:
    with pytest.raises(NoAudio, match="Interface"):
        choose("other", [device(2)], 4)


def tone(level: float, frames: int = LENGTH) -> np.ndarray:
    return (level * np.sin(np.arange(frames) * 0.05)).astype(np.float32)[:, None]


def rendered(mixer: Mixer, frames: int = 1_024) -> np.ndarray:
    mix = np.ones((frames, mixer.channels), np.float32)
    mixer.render(mix)
    return mix


def six_channels() -> Mixer:
    return Mixer(RATE, 6, layout(device(8), PAIRS))


def test_a_voice_is_on_its_pair_alone() -> None:
    for output, first in ((MAIN, 0), (PADS, 2), (CUE, 4)):
        mixer = six_channels()
        mixer.requests.append(mixer.voice(1, tone(0.5), output=output))
        mix = rendered(mixer)
        assert np.array_equal(mix[:, first : first + 2], np.repeat(tone(0.5)[:1_024], 2, axis=1))
        assert not np.delete(mix, [first, first + 1], axis=1).any()


def test_a_loud_cue_lowers_nothing_that_the_audience_hears() -> None:
    mixer, alone = six_channels(), Mixer(RATE, 2)
    for each in (mixer, alone):
        each.requests.append(each.voice(1, tone(0.7)))
    mixer.requests.append(mixer.voice(2, tone(4.0), output=CUE))
    mix = rendered(mixer)
    assert np.array_equal(mix[:, :2], rendered(alone)) and np.abs(mix[:, 4:]).max() <= CEILING


def test_one_voice_too_many_fades_the_oldest_of_the_cue_out_before_any_that_the_audience_hears() -> None:
    mixer = six_channels()
    for number in range(MAX_VOICES - 1):
        mixer.requests.append(mixer.voice(number, tone(0.001), loop=True))
    for number in (101, 102):
        mixer.requests.append(mixer.voice(number, tone(0.001), loop=True, output=CUE))
    rendered(mixer)
    assert list(mixer.ended) == [101]
    mixer.requests.append(mixer.voice(103, tone(0.001), loop=True, output=PADS))
    rendered(mixer)
    assert list(mixer.ended) == [101, 102]
    mixer.requests.append(mixer.voice(104, tone(0.001), loop=True, output=CUE))
    rendered(mixer)
    assert list(mixer.ended) == [101, 102, 104] and len(mixer.voices) == MAX_VOICES


# ---- real players ----


@pytest.fixture
def clip(tmp_path: Path) -> str:
    file = tmp_path / "clip.npy"
    np.save(file, np.random.default_rng(3).uniform(-0.3, 0.3, (LENGTH, 2)).astype(np.float32))
    return str(file)


def heard(recorder: Recorder, clip: str) -> list[bool]:
    """For each pair whether it played exactly the clip, once; the others must be exactly silent."""
    time.sleep(0.1)
    recording, samples = recorder.heard(), np.load(clip)
    result = []
    for first in range(0, recorder.channels, 2):
        pair = recording[:, first : first + 2]
        result.append(bool(pair.any()))
        if result[-1]:
            start = int(np.nonzero(pair.any(axis=1))[0][0]) - int(np.nonzero(samples.any(axis=1))[0][0])
            assert np.array_equal(pair[start : start + LENGTH], samples)
            assert not pair[:start].any() and not pair[start + LENGTH :].any()
    return result


def finish(player: Connection, voice: int) -> str:
    return str(until(player, Ended, voice).why)


def test_each_output_is_heard_on_its_own_channels_of_a_device_and_on_no_other(
    wide: Jack, hall: Recorder, clip: str
) -> None:
    with playing(wide, "system", PAIRS) as player:
        opened = until(player, Opened)
        assert (opened.channels, opened.remark, opened.no_cue) == (6, "", "")
        player.send(Hold(1, clip, RATE))
        for voice, message, pairs in (
            (1, Play(1, clip, RATE, output=CUE), [False, False, True]),
            (2, Play(2, clip, RATE), [True, False, False]),
            (3, Sound(3, 1, output=PADS), [False, True, False]),
        ):
            hall.restart()
            player.send(message)
            assert finish(player, voice) == ""
            assert heard(hall, clip) == pairs


def test_without_its_pair_the_cue_is_silent_everywhere_and_says_why_while_pads_go_on(
    server: Jack, recorder: Recorder, clip: str
) -> None:
    with playing(server, "system", PAIRS) as player:
        player.send(Play(1, clip, RATE, output=CUE))
        assert finish(player, 1) == "system has 2 channels, and no 5-6"
        assert not recorder.heard().any()
        player.send(Hold(1, clip, RATE))
        player.send(Sound(2, 1, output=PADS))
        assert finish(player, 2) == "" and heard(recorder, clip) == [True]


def test_without_settings_only_two_channels_are_opened_and_a_cue_is_refused(
    wide: Jack, hall: Recorder, clip: str
) -> None:
    with playing(wide) as player:
        assert until(player, Opened).channels == 2
        player.send(Play(1, clip, RATE, output=CUE))
        assert finish(player, 1) == "there is no output for the cue"
        player.send(Play(2, clip, RATE))
        assert finish(player, 2) == "" and heard(hall, clip) == [True, False, False]


def test_a_second_device_plays_the_cue_alone(wide: Jack, hall: Recorder, headphones: Recorder, clip: str) -> None:
    with playing(wide) as main, playing(wide, "headphones", Pairs(), "system") as cue:
        until(main, Opened)
        assert until(cue, Opened).device == "headphones"
        headphones.restart()
        cue.send(Play(1, clip, RATE))
        assert finish(cue, 1) == "" and heard(headphones, clip) == [True]
        assert not hall.heard().any()
        names = {port.name.split(":")[0] for port in hall.client.get_ports(is_output=True)}
        assert {"Clipbridge", "Clipbridge cue"} <= names


def test_a_cue_is_never_on_the_main_device_nor_on_another_than_its_own(wide: Jack, hall: Recorder, clip: str) -> None:
    with playing(wide, "system", Pairs(), "") as same, playing(wide, "no such thing", Pairs(), "system") as missing:
        for player in (same, missing):
            player.send(Play(1, clip, RATE))
        for player, why in (
            (same, "is the main device, which the audience"),
            (missing, "There is no audio device 'no"),
        ):
            message = player.recv()
            while not isinstance(message, Ended):  # after longer than the main device waits for another one
                assert isinstance(message, Unusable) and why in message.why
                message = player.recv()
            assert message.why == "there is no audio device"
    assert not hall.heard().any()


def test_on_the_device_that_stands_in_for_a_missing_main_one_there_is_no_cue(
    wide: Jack, hall: Recorder, clip: str
) -> None:
    with playing(wide, "no such thing", PAIRS) as player:
        opened = until(player, Opened)
        assert (opened.device, opened.channels) == ("system", 2)
        assert opened.no_cue.startswith("system plays instead of 'no such thing'")
        player.send(Play(1, clip, RATE, output=CUE))
        assert finish(player, 1) == opened.no_cue and not hall.heard().any()
