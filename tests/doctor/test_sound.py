"""Where doctor and `clipbridge devices` say that pads and the cue are heard, for devices that these settings name."""

from __future__ import annotations

import dataclasses

import pytest

from bridge import cli
from bridge.commands import devices
from bridge.config import AudioConfig
from bridge.doctor import sound
from bridge.player.device import Device

JACK = "JACK Audio Connection Kit"
DEVICES = [Device(0, "system", JACK, 6, 48_000, True), Device(1, "headphones", JACK, 1, 48_000, False)]


@pytest.mark.parametrize(
    ("audio", "findings", "lines"),
    [
        (AudioConfig(), ["system (JACK"], []),
        (
            AudioConfig(cue="5-6", pads="3-4"),
            ["system (JACK", "channels 3-4 of system", "channels 5-6 of system"],
            ["Pads: channels 3-4", "Cue: channels 5-6"],
        ),
        (AudioConfig(cue="headphones"), ["system (JACK", "headphones (JACK"], ["Cue: headphones"]),
        (
            AudioConfig(cue="7-8", pads="9-10"),
            ["system (JACK", "!pads play on 1-2", "!has 6 channels, and no 7-8. What you audition is refused"],
            ["Pads: pads play on 1-2", "Cue: system has 6 channels, and no 7-8"],
        ),
        (
            AudioConfig(device="headphones", cue="3-4"), ["headphones (JACK", "!has 1 channel, and no 3-4"],
            ["through: headphones", "Cue: headphones has 1 channel"],
        ),
    ],
)  # fmt: skip
def test_doctor_and_devices_say_where_pads_and_the_cue_are_heard(
    audio: AudioConfig,
    findings: list[str],
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    says(audio, findings, monkeypatch)
    assert listed(audio, monkeypatch) == 0
    out = capsys.readouterr().out
    assert "* system  (JACK Audio Connection Kit, 48000 Hz, 6 channels)" in out and "48000 Hz, 1 channel)" in out
    assert all(line in out for line in lines) and out.count("Cue:") == bool(audio.cue)


@pytest.mark.parametrize(
    ("audio", "findings"),
    [
        (AudioConfig(cue="system"), ["system (JACK", "!is the main device, which the audience hears"]),
        (AudioConfig(cue="no such thing"), ["system (JACK", "!There is no audio device 'no such thing'"]),
        (AudioConfig(device="nobody", cue="system"), ["!There is no audio device 'nobody'", "system (JACK"]),
    ],
)
def test_doctor_and_devices_say_what_is_missing(
    audio: AudioConfig, findings: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    says(audio, findings, monkeypatch)
    assert listed(audio, monkeypatch) == 9
    missing = next(finding for finding in findings if finding.startswith("!"))
    assert missing[1:] in capsys.readouterr().err


def says(audio: AudioConfig, findings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Assert what doctor finds, with a ! before what is wrong."""
    monkeypatch.setattr(sound, "_devices", lambda: DEVICES)
    for check, finding in zip(sound.check(audio), findings, strict=True):
        assert finding.lstrip("!") in check.what
        assert (check.state, bool(check.fix)) == (("warning", True) if finding.startswith("!") else ("ok", False))


def listed(audio: AudioConfig, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of `clipbridge devices` with these settings."""
    monkeypatch.setattr(devices, "outputs", lambda: DEVICES)
    settings = [f"--set=audio.{name}={value}" for name, value in dataclasses.asdict(audio).items() if value]
    return cli.main(["devices", *settings])
