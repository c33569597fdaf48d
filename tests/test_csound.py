"""Csound drives the daemon through the opcodes that we ship: asks, loads, plays; what it plays equals the file."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.harness import Client, Daemon, need

SCRIPTS = Path(__file__).parent.parent / "host_scripts" / "csound"
SILENT = "Clipbridge does not answer on port {}: start it with: clipbridge run"

# Real-time paced without a sound card. The score's end is the latest end; instrument End is the usual one.
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
# Tells each change of a clip's state.
TELL = """
opcode tell, 0, i
  iclip xin
  kstate, kpart clip_state iclip
  Swhy clip_why k(iclip)
  if changed2(kstate) == 1 then
    printf "STATE %d %d %.2f\\n", timek(), iclip, kstate, kpart
    if kstate == 2 || kstate < 0 then
      schedulek "End", 0.3, 1
    endif
  endif
endop
"""


def free_port() -> int:
    """A UDP port that nobody has at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        return int(udp.getsockname()[1])


def csound(instruments: str, place: Path, port: int, reply_port: int) -> str:
    """What a run of the instruments prints."""
    score = place / "test.csd"
    score.write_text(FRAME.format(include=(SCRIPTS / "clipbridge.udo").as_posix(), instruments=instruments), "utf-8")
    macros = [f"--omacro:CLIPBRIDGE_PORT={port}", f"--omacro:CLIPBRIDGE_REPLY_PORT={reply_port}"]
    program = [need("csound"), *macros, str(score)]
    run = subprocess.run(program, cwd=place, capture_output=True, text=True, timeout=80, check=False)
    assert run.returncode == 0 and "ERROR" not in run.stderr, run.stderr[-4000:]
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
