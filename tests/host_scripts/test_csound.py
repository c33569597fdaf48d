"""Csound with the opcodes that we ship: asks, loads, plays; the sound equals the file."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path

import numpy as np
import soundfile

from bridge.domain import recipe
from bridge.files.tags import recipe_in
from tests.harness import Daemon, free_port, need
from tests.lossy import first_of_each, lossy

SCRIPTS = Path(__file__).parents[2] / "host_scripts" / "csound"
SILENT = "Clipbridge does not answer on port {}: start it with: clipbridge run"

# Runs in real time without a sound card. Instrument End usually ends the run, at the latest the score.
FRAME = """<CsoundSynthesizer>
<CsOptions>
-+rtaudio=null -odac -m0 -d
</CsOptions>
<CsInstruments>
sr = 48000
ksmps = 64
nchnls = 2
0dbfs = 1
#include "{include}"
{instruments}
instr End
  event_i "e", 0
endin
schedule "Ask", 0, 60
</CsInstruments>
<CsScore>
e 60
</CsScore>
</CsoundSynthesizer>
"""
# Prints each change of a clip's state with the time in seconds; `tell_to_end` also ends the run with the clip.
TELL = """
opcode tell, 0, i
  iclip xin
  kstate, kpart clip_state iclip
  know rtclock
  if changed2(kstate) == 1 then
    printf "STATE %d %d %.2f\\n", timek(), iclip, kstate, know
  endif
endop
opcode tell_to_end, 0, i
  iclip xin
  tell iclip
  kstate, kpart clip_state iclip
  if changed2(kstate) == 1 && (kstate == 2 || kstate < 0) then
    schedulek "End", 0.3, 1
  endif
endop
"""


def csound(instruments: str, place: Path, port: int, reply_port: int, allowed_errors: bool = False) -> str:
    """Run instruments; returns what they print."""
    score = place / "test.csd"
    score.write_text(FRAME.format(include=(SCRIPTS / "clipbridge.udo").as_posix(), instruments=instruments), "utf-8")
    macros = [f"--omacro:CLIPBRIDGE_PORT={port}", f"--omacro:CLIPBRIDGE_REPLY_PORT={reply_port}"]
    program = [need("csound"), *macros, str(score)]
    run = subprocess.run(program, cwd=place, capture_output=True, text=True, timeout=80, check=False)
    assert allowed_errors or (run.returncode == 0 and "ERROR" not in run.stderr), run.stderr[-4000:]
    return run.stderr + run.stdout


def states(printed: str, clip: int) -> list[int]:
    return [int(state) for state in re.findall(rf"STATE {clip} (-?\d) ", printed)]


def test_csound_asks_and_plays_a_clip_from_disk_and_from_a_table_sample_exactly(daemon: Daemon, tmp_path: Path) -> None:
    printed = csound(
        """
        instr Ask
          iclip clip_ask "deep warm kick", 0.35, "@preset drum @seed 11 @steps 4", "Play"
        endin
        instr Play
          Spath clip_path p4
          prints "PATH %s\\n", Spath
          aleft, aright clip_play p4
          outs aleft, aright
          fout "left.raw", 0, aleft
          fout "right.raw", 0, aright
          itable clip_table p4
          iwritten ftaudio itable, "table.raw", 0
          schedule "End", p3 + 0.1, 1
        endin
        """,
        tmp_path, daemon.port, free_port(),
    )  # fmt: skip
    (path,) = re.findall(r"PATH (.+\.wav)", printed)
    wanted, rate = soundfile.read(path, dtype="float32")
    assert (rate, len(wanted)) == (48_000, 16_800) and np.abs(wanted).max() > 0.5
    for name in ("left.raw", "right.raw", "table.raw"):
        played = np.fromfile(tmp_path / name, np.float32)
        assert np.array_equal(played[: len(wanted)], wanted), name
        assert not played[len(wanted) :].any(), name


def test_csound_reports_how_each_of_several_asks_ends_and_why_one_failed(daemon: Daemon, tmp_path: Path) -> None:
    printed = csound(
        TELL + """
        instr Ask
          ibar clip_ask "shaker", 0, "@bars 1 @bpm 240 @steps 2 @seed 5"
          ilong clip_ask "too long", 4000
          iwrong clip_ask "a prompt", 1, "@sede 4"
          iendless clip_ask "endless drone", 20, "@steps 200"
          ktime timeinsts
          kcancel trigger ktime, 0.2, 0
          clip_cancel kcancel, k(iendless)
          ktwo clip_ask trigger(ktime, 0.1, 0), "closed hi-hat", 0.2, "@negative low rumble and voices @steps 2", "Hat"
          tell ibar
          tell ilong
          tell iwrong
          tell iendless
        endin
        instr Hat
          Spath clip_path p4
          prints "HAT %d %s\\n", p4, Spath
          schedule "End", 0.2, 1
        endin
        """,
        tmp_path, daemon.port, free_port(),
    ).replace("\x1b[m", "")  # fmt: skip
    assert states(printed, 1)[-1] == 2
    assert [states(printed, clip)[-1] for clip in (2, 3, 4)] == [-1, -1, -2], printed
    assert re.search(r'Clipbridge: "too long": .*150', printed)
    assert re.search(r'Clipbridge: "a prompt": .*did you mean seed', printed)
    (hat,) = re.findall(r"HAT 5 (.+\.wav)", printed)
    assert soundfile.info(hat).frames == 9_600
    (bar,) = daemon.folder.glob("shaker*240bpm*s5_*.wav")
    assert soundfile.info(bar).frames == 48_000


def test_csound_says_within_about_two_seconds_that_no_daemon_answers(tmp_path: Path) -> None:
    port = free_port()
    printed = csound(
        TELL + """
        instr Ask
          iclip clip_ask "deep warm kick", 1
          tell_to_end iclip
        endin
        """,
        tmp_path, port, free_port(),
    )  # fmt: skip
    assert printed.count(SILENT.format(port)) == 1
    assert states(printed, 1) == [-3]
    (after,) = re.findall(r"STATE 1 -3 ([\d.]+)", printed)
    assert 2 < float(after) < 6  # two seconds, and the start on a busy machine


def test_csound_says_that_its_own_port_is_in_use(daemon: Daemon, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        taken = other.getsockname()[1]
        asking = (
            TELL
            + """
        instr Ask
          iclip clip_ask "deep warm kick", 0.2, "@steps 2"
          tell_to_end iclip
        endin
        """
        )
        printed = csound(asking, tmp_path, daemon.port, taken, allowed_errors=True)
    assert f"port {taken} of this machine is taken by another program" in printed


def test_csound_requests_lost_packets_again(daemon: Daemon, tmp_path: Path) -> None:
    lost: list[bytes] = []
    reply_port = free_port()
    with lossy(daemon.port, reply_port, first_of_each(lost)) as port:
        printed = csound(
            TELL + """
            instr Ask
              iclip clip_ask "deep warm kick", 0.2, "@seed 99 @steps 2"
              tell_to_end iclip
            endin
            """,
            tmp_path, port, reply_port,
        )  # fmt: skip
    assert lost == [b"/bridge/generate", b"/bridge/done"]
    assert states(printed, 1)[-1] == 2 and SILENT.format(port) not in printed
    assert len(list(daemon.folder.rglob("deep-warm-kick_s99_*.wav"))) == 1


def test_the_shipped_csound_example_runs(daemon: Daemon, tmp_path: Path) -> None:
    score = tmp_path / "example.csd"
    text = (SCRIPTS / "clipbridge-example.csd").read_text("utf-8").replace("-odac", "-+rtaudio=null -odac")
    text = text.replace('"@', '"@steps 2 @').replace('"Ask" 0 20', '"Ask" 0 7').replace("e 20", "e 7")
    score.write_text(text, "utf-8")
    macros = [f"--omacro:CLIPBRIDGE_PORT={daemon.port}", f"--omacro:CLIPBRIDGE_REPLY_PORT={free_port()}"]
    environment = {**os.environ, "INCDIR": str(SCRIPTS)}
    program = [need("csound"), "-m0", *macros, str(score)]
    run = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=80, check=False)
    assert run.returncode == 0 and "ERROR" not in run.stderr, run.stderr[-4000:]
    assert len(re.findall(r"PLAYS .+\.wav", run.stderr)) == 3


def test_csound_varies_a_table_as_the_guide_shows_and_a_path_keeps_its_spaces(daemon: Daemon, tmp_path: Path) -> None:
    folder = tmp_path / "my  sounds"
    folder.mkdir()
    guide = (SCRIPTS / "README.md").read_text("utf-8")
    (example,) = re.findall(r"```csound\n(gitone .*?)```", guide, re.DOTALL)
    printed = csound(
        TELL + example + """
        instr Ask
          schedule "Vary", 0, 60
        endin
        instr Play
          Spath clip_path p4
          prints "PATH %s\\n", Spath
          Skeys sprintf "@continue \\"%s/tone.wav\\" @more 0.25 @steps 3", pwd()
          inext clip_ask "glassy bell", 0, Skeys, "Next"
        endin
        instr Next
          Spath clip_path p4
          prints "NEXT %s\\n", Spath
          schedule "End", 0.1, 1
        endin
        """,
        folder, daemon.port, free_port(),
    )  # fmt: skip
    tone, rate = soundfile.read(folder / "tone.wav", dtype="float32")
    assert (rate, len(tone)) == (48_000, 24_000) and np.abs(tone).max() > 0.5
    (varied,), (continued,) = (re.findall(rf"{what} (.+\.wav)", printed) for what in ("PATH", "NEXT"))
    source = recipe.read(recipe_in(Path(varied))).prompt.source
    assert source is not None and (source.path, source.strength) == (str(folder / "tone.wav"), 0.4)
    assert soundfile.info(varied).frames == 24_000
    longer = soundfile.read(continued, dtype="float32")[0]
    assert len(longer) == 36_000 and np.allclose(longer[:22_000], tone[:22_000], atol=1e-6)
