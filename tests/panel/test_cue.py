"""What is auditioned in the panel is heard on the cue."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from tests.harness import STAND_IN, Daemon
from tests.jack_device import RATE, Jack, Recorder
from tests.panel.conftest import Wait
from tests.panel.fake_daemon import FakeDaemon


def test_an_audition_in_the_panel_is_not_heard_by_the_audience(
    wide: Jack, hall: Recorder, start_daemon: Callable[..., Daemon], wait: Wait
) -> None:
    from bridge.panel.audition import Audition
    from bridge.panel.clips import Clip
    from bridge.panel.link import Link

    with pytest.MonkeyPatch.context() as patch:
        wide.lend(patch)
        daemon = start_daemon("--set", "audio.cue=5-6", run=STAND_IN)
    file = daemon.folder / "noise.wav"
    soundfile.write(file, np.random.default_rng(1).uniform(-0.2, 0.2, RATE // 4), RATE)
    link = Link("127.0.0.1", daemon.port)
    audition, ended = Audition(link), list[str]()
    audition.ended.connect(ended.append)
    link.start()
    wait(lambda: link.state == "ready")
    audition.play(Clip(file.as_posix(), seconds=0.25))
    wait(lambda: ended)
    time.sleep(0.1)
    recording = hall.heard()
    assert recording[:, 4:].any() and not recording[:, :4].any()
    link.close()


def test_an_audition_ends_with_a_sentence_if_the_cue_and_not_if_the_main_output_is_unusable(wait: Wait) -> None:
    from bridge.panel.audition import Audition
    from bridge.panel.clips import Clip
    from bridge.panel.link import Link

    with FakeDaemon() as fake:
        link = Link("127.0.0.1", fake.port)
        audition, said, messages = Audition(link), list[str](), list[str]()
        cues = list[str]()
        audition.said.connect(said.append)
        audition.cue_changed.connect(cues.append)
        link.received.connect(lambda address, _: messages.append(address))
        link.start()
        wait(lambda: fake.heard == [("/bridge/status", [])] and link.state == "ready")
        fake.say("/bridge/status", "ready", "cue", "main")
        wait(lambda: cues == ["", ""])
        audition.play(Clip("/a.wav", seconds=1.0))
        wait(lambda: fake.heard and fake.heard[-1] == ("/bridge/play", ["/a.wav", "output", "cue", "gain", 1.0]))
        fake.say("/bridge/cue", "open", "headphones")
        fake.say("/bridge/audio", "unusable", "no interface")
        wait(lambda: "/bridge/audio" in messages)
        assert audition.playing and not said
        fake.say("/bridge/cue", "unusable", "no headphones")
        wait(lambda: not audition.playing)
        assert said == ["This cannot be heard: no headphones"]
        assert cues == ["", "", "open", "unusable"]
        link.close()
