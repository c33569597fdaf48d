"""The lines of `clipbridge run`: what happened, once, and nothing that a library prints."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.commands import terminal
from bridge.commands.json_lines import JsonLines
from bridge.commands.terminal import Terminal
from bridge.domain import events
from bridge.domain.events import Event, JobEvent
from bridge.system import output
from tests.harness import environment
from tests.library.test_library import job_of


def said(capsys: pytest.CaptureFixture[str], *happened: Event) -> list[str]:
    """The lines after the start of a daemon with the folder /music."""
    shown = Terminal()
    shown.on_event(events.Started("1", 57200, Path("/music"), "ready"))
    for event in happened:
        shown.on_event(event)
    return capsys.readouterr().out.splitlines()[1:]


def done(path: str) -> JobEvent:
    job = job_of(1)
    fields = {"path": path, "seconds": 2.0, "seed": 1}
    return JobEvent("done", job.id, fields, 1, job.owner, job.ask, job.prompt)


def test_paths_in_the_folder_are_short_and_others_whole(capsys: pytest.CaptureFixture[str]) -> None:
    kit = events.KitEvent("done", "k", {"folder": "/music/kits/k", "count": 2, "failed": 0})
    lines = said(
        capsys, done("/music/drums/a.wav"), done("/elsewhere/b.wav"), done(""), kit, events.PadSaved(3, "/music/c.wav")
    )
    assert [line.rpartition("-> ")[2] for line in lines] == [
        "drums/a.wav", "/elsewhere/b.wav", "not played", "kits/k", "c.wav",
    ]  # fmt: skip


def test_what_is_learned_has_a_line_for_each_clip_and_one_for_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    facts: dict[str, dict[str, object]] = {
        "read": {"files": 8, "seconds": 3.0, "left_out": 1},
        "progress": {"fraction": 0.5},
        "clip": {"path": "/music/d/kick.wav", "prompt": "kick"},
        "done": {"folder": "/models/d", "held_out": 1.8, "base": 2.3},
        "failed": {"code": "disk", "why": "The disk is full."},
    }
    lines = said(capsys, *(events.LearnEvent(kind, "d", fields) for kind, fields in facts.items()))
    assert lines == [
        "Learning d from 8 sounds, 1 left out",
        "Learning d  kick  -> d/kick.wav",
        "Learned d  loss 1.80, was 2.30  -> /models/d",
        "Learning d  failed (disk): The disk is full.",
    ]


def test_a_stream_that_changes_with_every_clip_says_so_once_a_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    shown = Terminal()
    for state, why in [
        ("filling", ""),
        *[("playing", ""), ("thin", "")] * 20,
        ("thin", "no_model"),
        ("thin", "no_model"),
    ]:
        shown.on_event(events.StreamChanged(state, 1.0, why))
        now[0] += 5.0
    shown.on_event(events.StreamChanged("off", 0.0))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["Stream filling", "Stream playing"] and lines[-1] == "Stream off"
    assert len(lines) <= 8 and sum("no_model" in line for line in lines) == 1


def test_the_cue_is_not_taken_for_the_main_output(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, events.AudioChanged("open", "Scarlett"), events.CueChanged("lost", "Headphones is gone"))
    assert lines == ["Playing through Scarlett", "Cue: Audio device lost: Headphones is gone"]


def test_fills_and_failures_of_pads_are_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    def pad(state: str, value: float, why: str = "") -> Event:
        return events.PadChanged(7, state=state, value=value, why=why)

    fill = [pad("filling", 0.0), pad("filling", 0.5), pad("ready", 1.0), pad("ready", 2.0)]
    presses = [pad("ready", 1.0), pad("ready", 2.0)] * 8
    broken = [pad("filling", 0.0), *[pad("filling", 0.2, "There is no preset 'x'.")] * 3]
    assert said(capsys, *fill, *presses, *broken, pad("empty", 0.0)) == [
        "Pad 7 is ready", "Pad 7: There is no preset 'x'.", "Pad 7 is empty",
    ]  # fmt: skip


def test_json_lines_leave_pads_to_hosts(capsys: pytest.CaptureFixture[str]) -> None:
    JsonLines().on_event(events.PadChanged(7, state="ready", value=1.0))
    assert capsys.readouterr().out == ""


def test_what_a_library_prints_in_a_child_goes_to_a_file(tmp_path: Path) -> None:
    code = (
        "import ctypes, os, sys, warnings; from bridge.system import output; output.to_file('clipbridge-test')\n"
        "os.write(2, b'ALSA lib\\n'); warnings.warn('old'); print('banner', flush=True); os.write(1, b'JACK\\n')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    assert (run.stdout, run.stderr) == ("", "")
    (file,) = tmp_path.rglob("clipbridge-test.log")
    assert all(word in file.read_text("utf-8") for word in ("ALSA lib", "old", "banner", "JACK"))


@pytest.mark.skipif(sys.platform == "win32", reason="calls the C library of a POSIX system")
def test_what_a_library_prints_while_it_is_silenced_is_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    with output.silenced():
        os.write(2, b"noise")
        ctypes.CDLL(None).perror(b"noise")
    os.write(2, b"sound")
    assert capfd.readouterr().err == "sound"


def test_a_line_is_written_at_once_with_its_end() -> None:
    class Unbuffered(io.StringIO):
        writes: list[str] = []  # noqa: RUF012

        def write(self, text: str) -> int:
            self.writes.append(text)
            return len(text)

    with contextlib.redirect_stdout(Unbuffered()) as written:
        terminal.emit("Ready")
    assert [text for text in written.writes if text] == ["Ready\n"]


def test_the_link_of_the_touch_page_is_a_code_only_where_a_tablet_can_use_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    link = f"http://192.168.1.7:57201/touch#{'a' * 43}"
    Terminal().on_event(events.WebOpened("", link, elsewhere=True))
    first, *rows = capsys.readouterr().out.splitlines()
    assert first.endswith(link)
    assert len(rows) > 15 and {len(row) for row in rows} == {len(rows[0])} and len(rows[0]) <= 80
    assert set("".join(rows)) == set(" ▀▄█")
    Terminal().on_event(events.WebOpened("http://127.0.0.1:57201/", "http://127.0.0.1:57201/touch#a"))
    output = capsys.readouterr().out
    assert "OSCQuery: http://127.0.0.1:57201/\n" in output and "this machine only" in output and "█" not in output
