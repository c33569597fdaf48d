"""SuperCollider with our Quark installed: asks, waits, loads, plays; pads, stream and tempo; a bank for Tidal."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pythonosc.osc_message import OscMessage

from bridge.client import encode
from bridge.frontends.osc.arguments import KEYS
from tests.harness import Daemon, free_port, need
from tests.host_scripts.sclang import installed, run, told
from tests.jack_device import RATE, Jack, Recorder

HELP = ["Clipbridge.schelp", "ClipbridgeClip.schelp", "ClipbridgePad.schelp"]
ABSENT = "Clipbridge does not answer on port {}: start it with: clipbridge run"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="runs sclang without a window, as Qt on Linux can")


# ---- asks ----

ASKS = """
var open = Set[\\kick, \\bars, \\takes, \\failed, \\cancelled, \\routine];
var ended = { |what| open.remove(what); if(open.isEmpty) { tell.(\\left, Clipbridge.clips.size); end.value } };
var drone;
tell.(\\running, Server.default.serverRunning);
Clipbridge.generate("deep warm kick", 0.5, preset: \\drum, seed: 3, steps: 4,
    onProgress: { |fraction| tell.(\\progress, fraction) },
    action: { |clip| tell.(\\kick, clip.path, clip.seed, clip.state, clip.buffer); ended.(\\kick) });
Clipbridge.generate("glassy bell", bars: 1, bpm: 240, steps: 4, note: "c5", others: [\\guidance, 2],
    action: { |clip| tell.(\\bars, clip.path, clip.facts.bars, clip.facts.heard); ended.(\\bars) });
Clipbridge.generate("rain", 0.3, takes: 2, steps: 2,
    action: { |clip| tell.(\\takes, *clip.takes.collect { |take| take.path }); ended.(\\takes) });
Clipbridge.generate("too long", 4000,
    action: { tell.(\\wrong) }, onError: { |why, clip| tell.(\\failed, why, clip.code); ended.(\\failed) });
drone = Clipbridge.generate("endless drone", 20, steps: 200,
    action: { tell.(\\wrong) }, onError: { |why, clip| tell.(\\cancelled, why, clip.state); ended.(\\cancelled) });
drone.cancel;
fork { var clip = Clipbridge.generate("wind", 0.2, steps: 2, note: "c4"); clip.wait; tell.(\\routine, clip.path); ended.(\\routine) };
"""


def test_many_asks_at_once_each_end_once_and_without_a_server_give_their_files(daemon: Daemon, tmp_path: Path) -> None:
    lines, posted = run(ASKS, daemon.port, tmp_path)
    assert told(lines, "running") == [["false"]] and told(lines, "wrong") == [] and told(lines, "left") == [["0"]]
    ((kick, seed, state, buffer),) = told(lines, "kick")
    assert (seed, state, buffer) == ("3", "done", "nil")
    assert soundfile.info(kick).frames == 24_000 and Path(kick).parent.name == "drums"
    ((bell, bars, heard),) = told(lines, "bars")
    assert "(heard: wind); the note c4 was left out" in posted
    assert soundfile.info(bell).frames == 48_000 and float(bars) == 1 and "bell" in heard
    (takes,) = told(lines, "takes")
    assert len(set(takes)) == 2 and all(soundfile.info(take).frames == 14_400 for take in takes)
    ((why, code),) = told(lines, "failed")
    assert "150" in why and code == "bad_argument" and f'WARNING: Clipbridge: "too long": {why}' in posted
    assert told(lines, "cancelled") == [["cancelled", "cancelled"]]
    assert soundfile.info(told(lines, "routine")[0][0]).frames == 9_600
    progress = [float(fraction) for (fraction,) in told(lines, "progress")]
    assert progress == sorted(progress) and len(progress) >= 4


LOOK = """
var place = "%s";
var quark = Quark.fromLocalPath(place);
var names = { |class, method| class.findMethod(method).argNames.drop(1).as(Array) };
tell.(\\generate, *names.(Clipbridge.class, \\generate));
tell.(\\dirt, *names.(Clipbridge.class, \\dirt));
tell.(\\set, *names.(ClipbridgePad, \\set));
tell.(\\start, *names.(Clipbridge.class, \\streamStart));
tell.(\\change, *names.(Clipbridge.class, \\streamSet));
tell.(\\quark, quark.data[\\name], quark.isCompatible, quark.dependencies.size);
(place +/+ "HelpSource/Classes/*.schelp").pathMatch.do { |file|
    var document = SCDoc.parseFileFull(file);
    tell.(\\help, file.basename, document.notNil);
};
(place +/+ "*.scd").pathMatch.do { |file|
    File.readAllString(file).replace("\\n\\n", "\\f").split($\\f).do { |block|
        tell.(\\block, thisProcess.interpreter.compile(block).notNil);
    };
};
end.value;
"""


def test_the_class_accepts_every_key_of_the_table_and_its_help_quark_and_example_can_be_read(tmp_path: Path) -> None:
    lines, posted = run(LOOK % installed(tmp_path), 1, tmp_path)
    # The class sets id and reply_port and loads clips itself; `then` goes through `others`.
    keys = set(KEYS) - {"id", "reply_port", "then", "then_port"}
    playing = {"sink", "gain", "pan", "quantize"}
    once = {"takes", "deadline_s", "sink"}
    for method, wanted in {
        "generate": keys - {"gate"},
        "dirt": keys - {"gate", "takes", *playing},
        "set": keys - once,
        "start": keys - once - {"gate"},
        "change": keys - once - {"gate"},
    }.items():
        (names,) = told(lines, method)
        assert wanted <= set(names), method
    assert told(lines, "quark") == [["clipbridge", "true", "0"]]
    assert sorted(name for name, read in told(lines, "help") if read == "true") == HELP
    assert told(lines, "block") == [["true"]] * len(told(lines, "block")) and len(told(lines, "block")) > 4
    assert "SCDoc: In " not in posted


# ---- without a daemon, and with lost packets ----

NOBODY = """
var since = Main.elapsedTime, both = Set[\\clip, \\pad];
var ended = { |what| both.remove(what); if(both.isEmpty) { end.value } };
Clipbridge.generate("deep warm kick", 1, onError: { |why, clip|
    tell.(\\clip, why, clip.code, Main.elapsedTime - since);
    ended.(\\clip);
});
Clipbridge.onError = { |why, code| tell.(\\pad, why, code); ended.(\\pad) };
Clipbridge.pad(3).play;
"""


def test_without_a_daemon_a_sentence_says_so_within_two_seconds(tmp_path: Path) -> None:
    port = free_port()
    lines, posted = run(NOBODY, port, tmp_path)
    ((why, code, seconds),) = told(lines, "clip")
    # Expected after 1.75 s; the rest is for a busy machine.
    assert (why, code) == (ABSENT.format(port), "no_answer") and float(seconds) < 4
    assert told(lines, "pad") == [[ABSENT.format(port), "no_answer"]]
    assert f"WARNING: Clipbridge: {ABSENT.format(port)}" in posted


class Relay:
    """Relays packets between sclang and the daemon. The prompt decides how: `lost`: it drops the first ask and the first answer
    of each kind; `forgotten`: it answers `queued` itself, and the daemon never gets the ask; `late`: it delays the ask by
    three seconds."""

    def __init__(self, daemon: int) -> None:
        self.daemon = ("127.0.0.1", daemon)
        self.near, self.far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for udp in (self.near, self.far):
            udp.bind(("127.0.0.1", 0))
            udp.settimeout(0.1)
        self.port = self.near.getsockname()[1]
        self.asker = ("127.0.0.1", 0)
        self.prompts: dict[str, str] = {}  # by id
        self.dropped: list[tuple[str, str]] = []
        self.heard: list[tuple[str, list[object]]] = []
        self.ended = False
        self.threads = [threading.Thread(target=work) for work in (self._asks, self._answers)]
        for thread in self.threads:
            thread.start()

    def _asks(self) -> None:
        while not self.ended:
            with contextlib.suppress(TimeoutError):
                data, self.asker = self.near.recvfrom(65_536)
                message = OscMessage(data)
                self.heard.append((message.address, list(message)))
                if message.address == "/bridge/generate":
                    prompt, job = message.params[0], message.params[-1]
                    self.prompts[job] = prompt
                    if prompt == "forgotten":
                        self.near.sendto(encode("/bridge/queued", job, 0, 0.0), self.asker)
                        continue
                    if prompt == "late":
                        threading.Timer(3.0, self.far.sendto, (data, self.daemon)).start()
                        continue
                    if self._drops(prompt, message.address):
                        continue
                self.far.sendto(data, self.daemon)

    def _answers(self) -> None:
        while not self.ended:
            with contextlib.suppress(TimeoutError):
                data = self.far.recv(65_536)
                message = OscMessage(data)
                prompt = self.prompts.get(str(message.params[0]), "") if message.params else ""
                if not self._drops(prompt, message.address):
                    self.near.sendto(data, self.asker)

    def _drops(self, prompt: str, address: str) -> bool:
        if prompt != "lost" or (prompt, address) in self.dropped:
            return False
        self.dropped.append((prompt, address))
        return True

    def close(self) -> None:
        self.ended = True
        for thread in self.threads:
            thread.join()
        for udp in (self.near, self.far):
            udp.close()


@pytest.fixture
def relay(daemon: Daemon) -> Iterator[Relay]:
    relay = Relay(daemon.port)
    yield relay
    relay.close()


LOST = """
var open = Set[\\lost, \\forgotten, \\late];
var ended = { |what| open.remove(what); if(open.isEmpty) { SystemClock.sched(1.5, { end.value; nil }) } };
[\\lost, \\forgotten, \\late].do { |what|
    Clipbridge.generate(what, 0.2, steps: 2,
        action: { |clip| tell.(what, clip.state, clip.path); ended.(what) },
        onError: { |why, clip| tell.(what, clip.code, why); ended.(what) });
};
"""


def test_lost_answers_are_requested_again_and_abandoned_clips_are_cancelled(
    relay: Relay, daemon: Daemon, tmp_path: Path
) -> None:
    lines, _ = run(LOST, relay.port, tmp_path)
    assert {address for _, address in relay.dropped} >= {"/bridge/generate", "/bridge/queued", "/bridge/done"}
    ((state, path),) = told(lines, "lost")
    assert state == "done" and soundfile.info(path).frames == 9_600
    ((code, why),) = told(lines, "forgotten")
    assert code == "unknown_job" and "ask again" in why
    assert told(lines, "late") == [["no_answer", ABSENT.format(relay.port)]]
    (late,) = [job for job, prompt in relay.prompts.items() if prompt == "late"]
    assert ("/bridge/cancel", [late]) in relay.heard


# ---- pads, tempo and the stream ----

PADS = """
var pad = Clipbridge.pad(40), began = 0, clock = TempoClock(2.5), differences = List.new;
var stream, follow, pattern;
pad.onState = { |name, value|
    if(name == \\ready and: { value == 2 }) {
        pad.onState = nil;
        tell.(\\ready, value, pad.ready, pad.repeated);
        pad.lock;
        pad.play(1);
    };
};
pad.onSaved = { |path| tell.(\\saved, path); pattern.value };
Clipbridge.onVoice = { |number, name|
    if(name == \\ended) {
        began = began + 1;
        if(began == 1) { pad.save };
        if(began == 3) { pad.clear; Clipbridge.pad(41).play };
    };
};
pattern = { Pbind(\\type, \\clipbridge, \\pad, 40, \\velocity, Pseq([1, 64]), \\dur, 1).play(clock) };
Clipbridge.pad(41).onError = { |why, code| tell.(\\empty, code, why); follow.value };
follow = {
    Clipbridge.follow(clock);
    clock.beats = clock.beats + 1;  // sends no message: the next bar line corrects it
    fork {
        (clock.beatsPerBar / clock.tempo + 0.5).wait;
        OSCdef(\\beat, { |message|
            var here = clock.beats - (Server.default.latency * clock.tempo), off = (message[3] - here).wrap(-2.0, 2.0);
            differences.add(off.abs);
            if(differences.size == 8) { tell.(\\tempo, message[1], message[2], differences.minItem); stream.value };
        }, '/bridge/tempo');
        8.do { Clipbridge.address.sendMsg('/bridge/tempo'); 0.05.wait };
    };
};
stream = {
    Clipbridge.onStream = { |name|
        if(name == \\playing) {
            Clipbridge.onStream = { |after| if(after == \\off) { tell.(\\stream, \\off); end.value } };
            tell.(\\stream, \\playing);
            Clipbridge.streamSet("storm", 2, steps: 2);
            SystemClock.sched(0.3, { CmdPeriod.run; nil });
        };
    };
    Clipbridge.streamStart("rain on a tent", 2, steps: 2);
};
pad.set("click", 0.2, steps: 2, quantize: \\off);
"""


def onsets(heard: np.ndarray) -> list[int]:
    """The frames where sound begins after 20 ms of silence."""
    sounding = np.nonzero(heard.any(axis=1))[0]
    return [int(sounding[0]), *(int(frame) for frame in sounding[1:][np.diff(sounding) > RATE // 50])]


def test_pads_patterns_tempo_stream_and_the_panic_of_command_period_reach_the_daemon(
    stage: Daemon, recorder: Recorder, tmp_path: Path
) -> None:
    client = stage.client()
    try:
        lines, posted = run(PADS, stage.port, tmp_path)
        assert told(lines, "ready") == [["2.0", "2", "0"]]
        ((path,),) = told(lines, "saved")
        wanted, _ = soundfile.read(path, dtype="float32")
        heard = recorder.heard()
        first, second, third, *_ = onsets(heard)
        for start, gain in ((first, 1), (second, 1), (third, 64 / 127)):
            start -= int(np.argmax(wanted != 0))
            played = heard[start : start + len(wanted)]
            assert np.abs(played - gain * wanted[:, None]).max() < 1e-6
        # A beat at 150 BPM, by time tags: the daemon plays at the frame, sclang's tags are exact.
        assert abs(third - second - 19_200) < 96
        ((code, why),) = told(lines, "empty")
        assert code == "pad_empty" and f"WARNING: Clipbridge: {why}" in posted
        ((bpm, beats, off),) = told(lines, "tempo")
        assert (float(bpm), float(beats)) == (150, 4) and float(off) < 0.25  # a tenth of a second
        assert told(lines, "stream") == [["playing"], ["off"]]
        time.sleep(0.2)
        assert not recorder.heard()[-RATE // 10 :].any()
    finally:
        client.send("/bridge/pad/40/clear")
        client.send("/bridge/stream/stop")
        client.send("/bridge/tempo", 120, 4)
        client.close()


# ---- SuperCollider's server ----

SERVER = """
var banks = List.new, standInForSuperDirt, dirt, more, after;
var server = Server(\\clips, NetAddr("127.0.0.1", SCSYNTH));
Server.default = server;
server.options.numInputBusChannels = 0;
// SuperDirt is not installed here: this stand-in has the one method that we call.
standInForSuperDirt = (server: server, soundLibrary: (addBuffer: { |self, name, buffer, appendToExisting = false|
    if(appendToExisting.not) { banks.clear };
    banks.add([name, buffer]);
}));
server.waitForBoot({
    Clipbridge.generate("deep warm kick", 0.5, preset: \\drum, steps: 4, action: { |clip| fork {
        tell.(\\kick, clip.path, clip.buffer.numFrames, clip.buffer.numChannels);
        clip.play.onFree {
            clip.play(gain: 0.5, pan: -1, quant: 1).onFree { fork {
                0.2.wait;
                clip.play(loop: true);
                0.7.wait;
                clip.stop(0.02);
                0.2.wait;
                clip.free;
                tell.(\\freed, clip.buffer, clip.path);
                // It is loaded again, then played.
                clip.play;
                1.0.wait;
                dirt.(clip);
            } };
        };
    } });
});
dirt = { |clip|
    Clipbridge.dirt(standInForSuperDirt, "cb", ["deep kick", String.fill(4001, $a), 'glass bell'], 0.3, steps: 2, action: { |clips|
        tell.(\\clips, *clips.collect { |each| each.path });
        more.(clip);
    });
};
more = { |clip|
    Clipbridge.dirt(standInForSuperDirt, \\cb, "snare", 0.2, append: true, steps: 2, action: {
        banks.do { |entry| tell.(\\bank, entry[0], entry[1].path, entry[1].numFrames, entry[1].numChannels, entry[1].sampleRate) };
        ServerQuit.add({ AppClock.sched(0.1, { after.(clip); nil }) }, server);
        server.quit;
    });
};
after = { |clip|
    tell.(\\gone, clip.buffer, clip.path);
    clip.play;
    Clipbridge.dirt(standInForSuperDirt, \\cb, "snare", onError: { |why, code| tell.(\\nobank, code) });
    end.value;
};
"""


def test_what_the_server_plays_equals_the_file_and_a_bank_of_superdirt_is_filled(
    server: Jack, daemon: Daemon, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("scsynth")
    server.lend(monkeypatch)
    lines, posted = run(SERVER.replace("SCSYNTH", str(free_port())), daemon.port, tmp_path)
    ((path, frames, channels),) = told(lines, "kick")
    assert (frames, channels) == ("24000", "1")
    wanted, _ = soundfile.read(path, dtype="float32")
    heard = recorder.heard()
    silent = int(np.argmax(wanted != 0))  # frames at the start that are exactly zero
    first, second, third, fourth = (onset - silent for onset in onsets(heard))
    assert np.array_equal(heard[first : first + len(wanted)], np.stack([wanted, wanted], axis=1))
    assert np.array_equal(heard[second : second + len(wanted), 0], wanted / 2)
    assert not heard[second : second + len(wanted), 1].any()
    # Looped, then stopped: it continues past its end and fades out in 20 ms without a step.
    looped = heard[third : fourth + silent, 0]
    last = int(np.nonzero(looped)[0][-1])
    assert 0.55 * RATE < last < 0.95 * RATE
    whole = np.tile(wanted, 2)[: last + 1]
    assert np.array_equal(looped[: last - 1_200], whole[: last - 1_200])
    level = np.abs(looped[last - 1_199 : last + 1]) / np.maximum(np.abs(whole[last - 1_199 : last + 1]), 1e-9)
    clear = np.abs(whole[last - 1_199 : last + 1]) > 1e-3
    assert np.all(np.diff(level[clear]) < 1e-3) and np.abs(looped[last]) < 1e-3
    assert told(lines, "freed") == [["nil", path]]
    assert np.array_equal(heard[fourth : fourth + len(wanted), 0], wanted)

    ((deep, none, glass),) = told(lines, "clips")
    assert none == "nil" and "deep-kick" in deep and "glass-bell" in glass
    first_in_bank, silence, third_in_bank, appended = told(lines, "bank")
    assert first_in_bank == ["cb", deep, "14400", "1", "48000.0"]
    assert third_in_bank == ["cb", glass, "14400", "1", "48000.0"]
    assert silence[:2] == ["cb", "nil"] and silence[3:] == ["1", "48000.0"]
    assert appended[0] == "cb" and "snare" in appended[1] and appended[2] == "9600"
    assert told(lines, "gone") == [["nil", path]] and told(lines, "nobank") == [["no_server"]]
    assert "WARNING: Clipbridge: the server clips is not running: boot it first." in posted
