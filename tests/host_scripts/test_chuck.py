"""ChucK with the class that we ship: asks, loads, plays; the sound card gets exactly the file."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from pathlib import Path

import numpy as np
import soundfile

from bridge.domain import recipe
from bridge.files.tags import recipe_in
from tests.harness import Daemon, free_port, need
from tests.jack_device import Jack, Recorder
from tests.lossy import first_of_each, lossy

SCRIPTS = Path(__file__).parents[2] / "host_scripts" / "chuck"
SILENT = "Clipbridge does not answer on port {}: start it with: clipbridge run"


def chuck(code: str, place: Path, server: Jack | None) -> str:
    """Run code; returns what it prints. With a JACK server it has a sound card and runs in real time."""
    script = place / "test.ck"
    script.write_text(code, "utf-8")
    options = ["--srate:48000"] if server else ["--srate:48000", "--silent"]
    program = [need("chuck"), *options, str(SCRIPTS / "Clipbridge.ck"), str(script)]
    environment = {**os.environ, **(server.environment if server else {})}
    run = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=80, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    return run.stdout + run.stderr


def asking(port: int, code: str) -> str:
    return f'Clipbridge clip;\n{port} => clip.port;\n{code}\n<<< "END", clip.state(), clip.error(), clip.path() >>>;\n'


def aligned(heard: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The part of the recording that should be the clip, aligned at the loudest sample."""
    offset = int(np.argmax(np.abs(heard))) - int(np.argmax(np.abs(wanted)))
    assert offset > 0
    return heard[offset : offset + len(wanted)]


def test_chuck_asks_and_plays_a_clip_sample_exactly(
    daemon: Daemon, server: Jack, recorder: Recorder, tmp_path: Path
) -> None:
    printed = chuck(
        asking(daemon.port, """
        SndBuf buf => dac;
        clip.ask("deep warm kick", 0.35, "@preset drum @seed 11 @steps 4");
        clip.there => now;
        <<< "LOADED", clip.load(buf), clip.frames(), Machine.realtime() >>>;
        100::ms => now;
        0 => buf.pos;
        500::ms => now;
        """),
        tmp_path, server,
    )  # fmt: skip
    assert re.search(r"LOADED 1 16800 1\b", printed), printed
    (path,) = re.findall(r"END done\s+(\S+\.wav)", printed)
    wanted, rate = soundfile.read(path, dtype="float32")
    assert (rate, len(wanted)) == (48_000, 16_800) and np.abs(wanted).max() > 0.5
    time.sleep(0.1)  # until the last block is recorded
    heard = recorder.heard()
    for channel in (0, 1):
        assert np.array_equal(aligned(heard[:, channel], wanted), wanted)


def test_chuck_reports_how_each_of_several_asks_ends_and_why_one_failed(
    daemon: Daemon, server: Jack, tmp_path: Path
) -> None:
    names = ("bar", "long", "wrong", "endless", "gone")
    asks = (
        ("shaker", 0, "@bars 1 @bpm 240 @steps 2 @seed 6"),
        ("too long", 4000, ""),
        ("a prompt", 1, "@sede 4"),
        ("endless drone", 20, "@steps 200"),
        ("endless drone", 20, "@steps 200"),
    )
    lines = [f"Clipbridge {', '.join(names)};"]
    for name, (prompt, seconds, keys) in zip(names, asks, strict=True):
        lines += [f"{daemon.port} => {name}.port;", f'{name}.ask("{prompt}", {seconds}, "{keys}");']
    lines += [
        'if (!bar.ask("second", 1)) <<< "BUSY" >>>;',
        "gone.cancel();",  # before it is sent
        "500::ms => now;",
        "endless.cancel();",
    ]
    for name in names:
        lines += [f"while ({name}.busy()) {name}.ended => now;"]
        lines += [f'<<< "END {name}", {name}.state(), {name}.error() >>>;']
    lines += ['<<< "FRAMES", bar.frames() >>>;', 'bar.ask("closed hi-hat", 0.2, "@steps 2 @note c4");']
    lines += ['bar.there => now; <<< "FRAMES", bar.frames(), bar.progress() >>>;']
    printed = chuck("\n".join(lines), tmp_path, server)
    assert [re.findall(rf"END {name} (\w*)", printed)[:1] for name in names] == [
        ["done"], ["failed"], ["failed"], ["cancelled"], ["cancelled"],
    ], printed  # fmt: skip
    assert re.search(r'Clipbridge: "too long": .*150', printed)
    assert re.search(r'Clipbridge: "a prompt": .*did you mean seed', printed)
    assert '"closed hi-hat": the note c4 was left out' in printed
    assert "BUSY" in printed and '"second" was not asked for' in printed
    assert re.findall(r"FRAMES (\d+)", printed) == ["48000", "9600"]


def test_chuck_says_within_about_two_seconds_that_no_daemon_answers(server: Jack, tmp_path: Path) -> None:
    port = free_port()
    code = (
        'now => time began; clip.ask("deep warm kick", 1); clip.ended => now; <<< "AFTER", (now - began) / second >>>;'
    )
    printed = chuck(asking(port, code), tmp_path, server)
    assert printed.count(SILENT.format(port)) == 2  # printed once, and returned by error()
    assert "END unanswered" in printed
    (after,) = re.findall(r"AFTER ([\d.]+)", printed)
    assert 2 < float(after) < 3  # in ChucK's time


def test_chuck_without_a_sound_card_also_waits_for_the_clip(daemon: Daemon, tmp_path: Path) -> None:
    code = 'clip.ask("deep warm kick", 0.2, "@steps 2"); clip.ended => now;'
    assert "END done" in chuck(asking(daemon.port, code), tmp_path, None)


def test_chuck_says_that_a_port_is_in_use(daemon: Daemon, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        taken = other.getsockname()[1]
        code = f'{taken} => clip.replyPort; clip.ask("deep warm kick", 0.2); clip.ended => now;'
        printed = chuck(asking(daemon.port, code), tmp_path, None)
    assert f"END failed port {taken} of this machine is taken" in printed


def test_chuck_requests_lost_packets_again(daemon: Daemon, server: Jack, tmp_path: Path) -> None:
    lost: list[bytes] = []
    reply_port = free_port()
    with lossy(daemon.port, reply_port, first_of_each(lost)) as port:
        code = f"""{reply_port} => clip.replyPort;
        clip.ask("deep warm kick", 0.2, "@seed 98 @steps 2");
        clip.ended => now;"""
        printed = chuck(asking(port, code), tmp_path, server)
    assert lost == [b"/bridge/generate", b"/bridge/done"]
    assert "END done" in printed, printed
    assert len(list(daemon.folder.rglob("deep-warm-kick_s98_*.wav"))) == 1


def test_the_shipped_chuck_example_runs(daemon: Daemon, server: Jack, tmp_path: Path) -> None:
    text = (SCRIPTS / "clipbridge-example.ck").read_text("utf-8").replace('"@', '"@steps 2 @').replace("n < 4", "n < 1")
    ports = f"Clipbridge kick, bar;\n{daemon.port} => kick.port => bar.port;"
    assert "Clipbridge kick, bar;" in text
    printed = chuck(text.replace("Clipbridge kick, bar;", ports), tmp_path, server)
    assert len(re.findall(r"PLAYS .+\.wav", printed)) == 2, printed


def test_chuck_varies_a_clip_as_the_guide_shows_and_a_path_keeps_its_spaces(
    daemon: Daemon, server: Jack, tmp_path: Path
) -> None:
    guide = (SCRIPTS / "README.md").read_text("utf-8")
    (example,) = re.findall(r"```chuck\n(Clipbridge bell, other;.*?)```", guide, re.DOTALL)
    file = tmp_path / "a  tone @ 220 Hz.wav"
    tone = (0.5 * np.sin(2 * np.pi * 220 * np.arange(24_000) / 48_000)).astype(np.float32)
    soundfile.write(file, tone, 48_000, subtype="FLOAT")
    ports = f"Clipbridge bell, other, longer;\n{daemon.port} => bell.port => other.port => longer.port;"
    code = example.replace("Clipbridge bell, other;", ports).replace("@strength", "@steps 3 @strength")
    code += f"""
        longer.ask("glassy bell", 0, "@continue \\"{file}\\" @more 0.25 @steps 3");
        while (longer.busy()) longer.ended => now;
        <<< "VARIED", other.path() >>>;
        <<< "LONGER", longer.path(), longer.error() >>>;
    """
    printed = chuck(code, tmp_path, server)
    (varied,), (continued,) = (re.findall(rf"{what}\s+(/\S+\.wav)", printed) for what in ("VARIED", "LONGER"))
    source = recipe.read(recipe_in(Path(varied))).prompt.source
    assert source is not None and source.strength == 0.4 and soundfile.info(varied).frames == 48_000
    longer = soundfile.read(continued, dtype="float32")[0]
    assert len(longer) == 36_000 and np.allclose(longer[:22_000], tone[:22_000], atol=1e-6)
