"""SuperCollider's vary, continue and fill: what may be their source, and what reaches the daemon."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.domain import recipe
from bridge.files.tags import recipe_in
from tests.harness import Daemon, free_port, need
from tests.host_scripts.answering import RATE, Answering, answering, noise
from tests.host_scripts.sclang import QUARK, run, told
from tests.jack_device import Jack

pytestmark = pytest.mark.skipif(os.name != "posix", reason="runs sclang without a window, as Qt on Linux can")


@pytest.fixture
def stand_in() -> Iterator[Answering]:
    with answering() as stand_in:
        yield stand_in


NAMES = """
var left = 9, ended = { |why| why !? { tell.(\\why, why) }; left = left - 1; if(left == 0) { SystemClock.sched(0.3, { end.value; nil }) } };
var ask = { |prompt, pairs| Clipbridge.performKeyValuePairs(\\generate,
    [prompt: prompt, action: { ended.value }, onError: { |why| ended.(why) }] ++ pairs) };
var buffer, failed, first;
ask.("a", [vary: "/music/Söhne & Co/kick.wav", strength: 0.25]);
ask.("b", [continue: "loops/beat.wav", more_bars: 4]);
ask.(nil, [fill: "~/tin roof.wav", from: 1, to: 1.5]);
ask.("d", [vary: \\last]);
ask.("e", [vary: 'clip:12', parts: \\hits]);
ask.("f", [vary: PathName("/music/snare.wav")]);
buffer = Buffer.new(Server.default, 100, 1, 0);
ask.("g", [vary: buffer]);
first = ask.("refused");
ask.("h", [vary: first]);
Clipbridge.pad(3).set(nil, vary: "/music/kick.wav", strength: 0.3);
Clipbridge.streamStart("rain on a tent", 8, continue: 1);
"""


def test_paths_symbols_and_clips_are_sent_as_the_daemon_reads_them(stand_in: Answering, tmp_path: Path) -> None:
    clip = tmp_path / "clip.wav"
    noise(clip, 0.2)
    stand_in.make = lambda ask: [] if ask.text == "refused" else [clip]
    lines, posted = run(NAMES, stand_in.port, tmp_path)
    asked = {ask.text: ask for ask in stand_in.asked if ask.text}
    assert set(asked) == {"a", "b", "d", "e", "f", "refused", "rain on a tent"}
    assert (asked["a"].vary, asked["a"].strength) == ("/music/Söhne & Co/kick.wav", 0.25)
    assert (asked["b"].continue_, asked["b"].more_bars) == (str(tmp_path / "loops" / "beat.wav"), 4)
    assert asked["d"].vary == "last" and (asked["e"].vary, asked["e"].parts) == ("clip:12", "hits")
    assert asked["f"].vary == "/music/snare.wav" and asked["rain on a tent"].continue_ == "1"
    nameless = [ask for ask in stand_in.asked if not ask.text]
    assert {(ask.fill, ask.from_, ask.to) for ask in nameless if ask.fill} == {(str(tmp_path / "tin roof.wav"), 1, 1.5)}
    assert [(ask.vary, ask.strength) for ask in nameless if ask.vary] == [("/music/kick.wav", pytest.approx(0.3))]
    why = [values[0] for values in told(lines, "why")]
    assert len(why) == 3 and "The file is not audio." in why
    assert any("is not running, so it cannot write the Buffer: boot it first." in each for each in why)
    assert any(each.startswith('"refused" has no sound to start from: The file') for each in why)
    assert "WARNING: Clipbridge: the clip" not in posted


CHAIN = """
var first, second, third;
first = Clipbridge.generate("deep kick", 0.2);
second = Clipbridge.generate("deep kick", vary: first, action: { |clip|
    tell.(\\second, clip.state, first.state);
    Clipbridge.generate("deep kick", continue: clip, more: 0.5, action: { third.value });
});
tell.(\\before, second.state);
third = {
    // Cancelled before its source was there, it is never asked for.
    first = Clipbridge.generate("deep kick", 0.2);
    second = Clipbridge.generate("never", vary: first, onError: { |why| tell.(\\cancelled, why, second.state) });
    second.cancel;
    fork { first.wait; 0.3.wait; tell.(\\left, Clipbridge.clips.size); end.value };
};
"""


def test_a_clip_that_is_not_finished_is_waited_for(stand_in: Answering, tmp_path: Path) -> None:
    clips = [tmp_path / f"{number}.wav" for number in range(4)]
    for clip in clips:
        noise(clip, 0.2)
    stand_in.make = lambda _ask: [clips[len(stand_in.asked) - 1]]
    lines, _ = run(CHAIN, stand_in.port, tmp_path)
    assert told(lines, "before") == [["preparing"]] and told(lines, "second") == [["done", "done"]]
    first, second, third, fourth = stand_in.asked
    assert (first.vary, second.vary, third.continue_, third.more) == (None, str(clips[0]), str(clips[1]), 0.5)
    assert fourth.vary is None and told(lines, "cancelled") == [["cancelled", "cancelled"]]
    assert told(lines, "left") == [["0"]]


BUFFERS = """
var server = Server(\\clips, NetAddr("127.0.0.1", SCSYNTH));
Server.default = server;
server.options.numInputBusChannels = 0;
server.waitForBoot({ fork {
    var made, whole, part, changed, freed, clips;
    made = Buffer.loadCollection(server, FloatArray.fill(24000, { |n| 0.3 * sin(n * 2pi * 220 / 48000) * exp(n / -12000) }));
    whole = Buffer.read(server, "FILE");
    part = Buffer.read(server, "FILE", 12000, 24000);
    server.sync;
    changed = Buffer.alloc(server, 100);
    freed = Buffer.alloc(server, 100);
    freed.free;
    server.sync;
    clips = [made, made, whole, part].collect { |buffer, n|
        Clipbridge.generate("glassy bell", vary: buffer, strength: 0.3, steps: 4, load: false, seed: n)
    };
    clips.do { |clip| clip.wait; tell.(\\clip, clip.state, clip.path, clip.facts[\\method]) };
    tell.(\\path, made.path);
    Clipbridge.generate("glassy bell", vary: freed, onError: { |why| tell.(\\freed, why); server.quit; end.value });
} });
"""


def test_a_buffer_is_its_file_or_is_written_first(
    server: Jack, daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("scsynth")
    server.lend(monkeypatch)
    file = tmp_path / "a bell.wav"
    samples = noise(file, 1.0)
    script = BUFFERS.replace("SCSYNTH", str(free_port())).replace("FILE", str(file))
    lines, _ = run(script, daemon.port, tmp_path)
    clips = told(lines, "clip")
    assert [values[0] for values in clips] == ["done"] * 4 and {values[2] for values in clips} == {"whole"}
    sources = [recipe.read(recipe_in(Path(values[1]))).prompt.source for values in clips]
    paths = [Path(source.path) for source in sources if source is not None]
    assert paths[0] == paths[1] and paths[2] == file and len(set(paths)) == 3
    place = np.arange(24_000)
    written = (0.3 * np.sin(place * 2 * np.pi * 220 / RATE) * np.exp(place / -12_000)).astype(np.float32)
    assert np.allclose(soundfile.read(paths[0], dtype="float32")[0], written, atol=1e-6)
    assert np.array_equal(soundfile.read(paths[3], dtype="float32")[0], samples[12_000:36_000])
    assert told(lines, "path") == [["nil"]] and "was freed" in told(lines, "freed")[0][0]
    for path in {*paths} - {file}:
        path.unlink()


HELP = """
var server = Server(\\clips, NetAddr("127.0.0.1", SCSYNTH));
Server.default = server;
server.options.numInputBusChannels = 0;
thisProcess.interpreter.s = server;
server.waitForBoot({ fork {
    "FOLDER/*.scd".pathMatch.sort.do { |file|
        File.readAllString(file).interpret;
        server.sync;
        0.5.wait;
        while { Clipbridge.clips.notEmpty } { 0.2.wait };
    };
    server.quit;
    end.value;
} });
"""


def test_the_examples_of_the_help_file_make_clips(
    server: Jack, daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("scsynth")
    server.lend(monkeypatch)
    section = (
        (QUARK / "HelpSource/Classes/Clipbridge.schelp").read_text("utf-8").split("subsection:: Start from a sound")[1]
    )
    blocks = re.findall(r"^code::\n(.*?)\n::$", section.split("method:: cancel")[0], re.DOTALL | re.MULTILINE)
    folder = tmp_path / "blocks"
    folder.mkdir()
    for number, block in enumerate(blocks):
        (folder / f"{number}.scd").write_text(block, "utf-8")
    script = HELP.replace("SCSYNTH", str(free_port())).replace("FOLDER", str(folder))
    _, posted = run(script, daemon.port, tmp_path)
    assert len(blocks) == 7 and "WARNING: Clipbridge" not in posted, posted[-3000:]
    made = re.findall(r"^Clipbridge: (?:\"[^\"]*\"|the clip) (\S+\.wav)", posted, re.MULTILINE)
    sources = [recipe.read(recipe_in(Path(path))).prompt.source for path in made]
    assert [source and source.how for source in sources] == [None, "vary", None, "continue", "fill", "vary"]
    written = sources[-1]
    assert written is not None and soundfile.info(written.path).frames == 48_000
    Path(written.path).unlink()
