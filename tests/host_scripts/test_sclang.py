"""SuperCollider's language without our class: asks as its users do, hears how every job ends, and gets the path of the clip."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import soundfile

from tests.harness import Daemon
from tests.host_scripts.sclang import sclang

# Code of a SuperCollider user: answers arrive at the language's own port, bundles carry the server's latency.
ASKING = """
var bridge = NetAddr("127.0.0.1", {port}), open = Set[\\kick, 7, \\cancelled, \\refused], told = List.new;
var tell = {{ |what, message| "TOLD % %".format(what, message.asArray.join("|")).postln }};
var ended = {{ |id| open.remove(id); if(open.isEmpty) {{ tell.(\\end, []); 0.exit }} }};
OSCdef(\\queued, {{ |message| tell.(\\queued, message) }}, '/bridge/queued');
OSCdef(\\done, {{ |message| tell.(\\done, message); ended.(message[1]) }}, '/bridge/done');
OSCdef(\\cancelled, {{ |message| tell.(\\cancelled, message); ended.(message[1]) }}, '/bridge/cancelled');
OSCdef(\\failed, {{ |message| tell.(\\failed, message); ended.(message[1]) }}, '/bridge/failed');
OSCdef(\\status, {{ |message| tell.(\\status, message) }}, '/bridge/status');
bridge.sendMsg('/bridge/status');
bridge.sendMsg('/bridge/generate', "deep warm kick", 0.5, \\id, \\kick, \\seed, 3, \\steps, 4);
bridge.sendBundle(0.2, ['/bridge/generate', 'glassy bell', 1, \\id, 7, \\preset, \\note, \\steps, 4]);
bridge.sendMsg('/bridge/generate', "endless drone", 20, \\id, \\cancelled, \\steps, 200);
bridge.sendMsg('/bridge/cancel', \\cancelled);
bridge.sendMsg('/bridge/generate', "too long", 4000, \\id, \\refused);
SystemClock.sched(60, {{ "TOLD late".postln; 1.exit }});
"""


@pytest.mark.skipif(os.name != "posix", reason="runs sclang without a window, as Qt on Linux can")
def test_supercollider_asks_by_message_and_by_bundle_and_every_job_ends_once(daemon: Daemon, tmp_path: Path) -> None:
    script = tmp_path / "ask.scd"
    script.write_text("(" + ASKING.format(port=daemon.port) + ")", "utf-8")
    posted = sclang(script, tmp_path)
    told = [line.split(" ", 2)[1:] for line in posted.splitlines() if line.startswith("TOLD ")]
    assert told and told[-1][0] == "end", posted[-3000:]
    kinds = ("done", "cancelled", "failed", "status", "queued")
    ends: dict[str, list[list[str]]] = {what: [] for what in kinds}
    for what, values in told[:-1]:
        ends[what].append(values.split("|"))
    ((_, state, *_),) = ends["status"]
    assert state == "ready"
    assert sorted(values[1] for values in ends["queued"]) == ["7", "cancelled", "kick"]
    assert sorted(values[1] for values in ends["done"]) == ["7", "kick"]
    assert [values[1] for values in ends["cancelled"]] == ["cancelled"]
    ((_, refused, code, why),) = ends["failed"]
    assert (refused, code) == ("refused", "bad_argument") and "150" in why
    lengths = {values[1]: soundfile.info(values[2]).frames for values in ends["done"]}
    assert lengths == {"kick": 24_000, "7": 48_000}
