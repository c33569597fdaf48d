"""The scenarios: requests, and the messages to wait for. Ranges are written as numbers, as hosts know them."""

from __future__ import annotations

import struct
from typing import Any

from tests.golden.steps import File, KillPlayer, Lines, Listen, Ref, Scenario, Step
from tests.golden.wire import Double, Long, bundle, encode

ENDS = ("/bridge/done", "/bridge/failed", "/bridge/cancelled")
KIT_ENDS = ("/bridge/kit/done", "/bridge/kit/failed")
FOUND = ("/bridge/found", "/bridge/error")
NAN, INF = float("nan"), float("inf")
QUICK = ("seed", 5, "steps", 2)


def s(address: str, *values: Any, **more: Any) -> Step:
    """A message to /bridge/ADDRESS."""
    return Step(f"/bridge/{address}", values, **more)


def job(job_id: Any, *values: Any, address: str = "generate", **more: Any) -> Step:
    """A message that makes a job, followed to its end."""
    match = (job_id.value if isinstance(job_id, Double) else job_id,)
    return s(address, *values, "id", job_id, until=more.pop("until", ENDS), match=match, **more)


def raw(note: str, data: bytes, **more: Any) -> Step:
    """A datagram as bytes."""
    return Step(raw=data, note=note, **more)


# ---- every key: accepted and refused values, by /bridge/set/<key>, which answers only refusals ----

# key: lowest, highest, whether it is whole
NUMBERS: dict[str, tuple[float, float, bool]] = {
    "seconds": (0.1, 150.0, False),
    "seed": (0, 2147483647, True),
    "steps": (1, 250, True),
    "guidance": (0.0, 30.0, False),
    "takes": (1, 16, True),
    "deadline_s": (0.05, 3600.0, False),
    "gain": (0.0, 4.0, False),
    "pan": (-1.0, 1.0, False),
    "bars": (0.0625, 256.0, False),
    "bpm": (20.0, 999.0, False),
    "gate": (0, 1, True),
    "loop": (0, 1, True),
    "fade_in_ms": (0.0, 10000.0, False),
    "fade_out_ms": (0.0, 10000.0, False),
    "lufs": (-40.0, -6.0, False),
    "bits": (16, 32, True),
    "channels": (0, 2, True),
    "then_port": (1, 65535, True),
}
FLAGS = ("gate", "loop")  # of these keys; T, F and N are values of theirs
CHOICES = {
    "sink": ("folder", "audio", "both"),
    "quantize": ("off", "beat", "bar"),
    "trim": ("off", "onset", "free"),
    "format": ("wav", "flac", "aiff"),
}
WRONG_TYPES = (True, False, None, b"\1\2", [1, 2])
NO_TEXTS = (*WRONG_TYPES, 7, 7.5)


def set_all(key: str, *values: Any) -> tuple[Step, ...]:
    """Each value in turn; then the key is reset."""
    return (
        *(s(f"set/{key}", value) for value in values),
        s(f"set/{key}", 1, 2),
        s(f"set/{key}", "reply_port"),
        s(f"set/{key}"),
    )


def number_forms(low: float, high: float, whole: bool) -> tuple[Any, ...]:
    """Both limits, values just beyond them, and numbers as hosts write them."""
    step = 1 if whole else 0.01
    as_float = (float(low), low + 0.5) if whole else (int(high),)
    return (
        low,
        high,
        low - step,
        high + step,
        *as_float,
        str(low),
        f" {high} ",
        Double(low),
        "many",
        "",
        NAN,
        *WRONG_TYPES,
    )


SETS = {
    **{f"set {key}": set_all(key, *number_forms(*limits)) for key, limits in NUMBERS.items()},
    **{
        f"set {key}": set_all(key, *choices, choices[0].upper(), choices[0][:-1], "", *NO_TEXTS)
        for key, choices in CHOICES.items()
    },
    "set steps in every form": set_all(
        "steps", Long(7), Double(7.0), Double(7.5), 7.0, 7.0001, "7", "7.0", "+7", "7e0", "0x7", "7,0", "٧", "1e400", INF, -INF,
        2**31, 2**40, -7, "7 ", "\n7", "nan", "inf", [], [[7]], b"",
    ),
    "set gain in every form": set_all(
        "gain", Long(1), Double(1e-9), 1.0000001, 4.0000001, 4.001, -0.0, -1e-9, "1e-3", ".5", "5.", ".", "1e", "0,5", INF, -INF, 1e30,
    ),
    "set prompt": (
        *(s("set/prompt", value) for value in ("rain", "  rain \t on\ntin ", "", "   ", 808, 808.0, 0.5, Double(1.25), "雨", "e\u0301")),
        *(s("set/prompt", value) for value in ("rain\x1b]0;x\x07", "rain\x9b", "x" * 4000, "x" * 4001, *WRONG_TYPES, NAN)),
        s("set/prompt", "rain", "on", 7), s("set/prompt", "rain", None), s("set/prompt"),
    ),
    "set negative": (
        *(s("set/negative", value) for value in ("music", "", " ", "x" * 4000, "x" * 4001, "a\x07b", "a\x9bb", *NO_TEXTS)),
        s("set/negative", "music", "voice", 3), s("set/negative"),
    ),
    "set transcript": set_all("transcript", "hello there", "", "x" * 4001, "a\x07b", *NO_TEXTS),
    "set preset": set_all("preset", "drum", "Drum", " drum ", "drun", "", "../../etc/passwd", "x" * 300, "a\x07b", *NO_TEXTS),
    "set note": set_all(
        "note", "c3", "C#4", "eb2", "a♯4", "c-1", "g9", "g#9", "c10", "h3", "c", "", 0, 127, 128, -1, 60.0, 60.5, "60", "128", NAN, *WRONG_TYPES,
    ),
    "set key": set_all("key", "c", "F#m", "eb minor", "B flat major", "h", "c#d", "", "M", 7, 7.5, NAN, *WRONG_TYPES),
    "set then": set_all(
        "then", "/b_allocRead i:10 s:{path}", "/x", "/x f:1.5 i:{frames} {id} s:{seconds} {sample_rate}", "x", "", "/x {password}",
        "/x i:{path}", "/x 'open", "/x f:1e999", "/x i:9999999999", "/bridge/stop", "/bridge", "/x " + "y " * 33, "/" + "x" * 255,
        "/x " + "y" * 1000, *NO_TEXTS,
    ),
    "set reply_port": (
        *(s("set/reply_port", value) for value in (0, 65536, -1, 1.5, "many", "", NAN, *WRONG_TYPES)),
        s("set/reply_port", Ref("port:b")), s("set/seed", "bad"), s("version"), s("ping", 1), s("trigger"), s("status", "x"),
        s("set/reply_port", Ref("port:daemon")), s("version"), s("set/reply_port"), s("version", "reply_port", Ref("port:b")),
        s("set/reply_port", "x", "reply_port", Ref("port:b")), s("set/reply_port", "reply_port", Ref("port:b")), s("version"),
    ),
    "set what cannot be set": (
        s("set/id", 4), s("set/id"), s("set/sead", 1), s("set/", 1), s("set", 1), s("set/steps/more", 1), s("set/Steps", 1), s("set/volume", 1),
        s("set/steps", 1, 2, 3), s("set/seconds", 1.0, "reply_port", 0), s("set/preset", "drum", "kick"), s("set/folder", "x"), s("set/preset"),
    ),
}  # fmt: skip

# ---- generate: refusals ----

BAD = {
    **{
        key: (low - 1, high + 1, "many", *(() if key in FLAGS else (True,)), NAN)
        for key, (low, high, _) in NUMBERS.items()
        if key != "seconds"
    },
    **dict.fromkeys(CHOICES, ("tape", "", 1, None)),
    **dict.fromkeys(("negative", "transcript"), (7, b"\1", "a\x07b")),
    "preset": ("drun", "../x", 7),
    "note": ("h3", 128, None),
    "key": ("h", 3, None),
    "then": ("b_allocRead", 3, None),
    "reply_port": (0, 65536, "x", None),
    "id": ("", True, None, b"\1", NAN, INF, "x" * 121, "a\x07b", [1]),
}
REFUSED = {
    "generate with a bad value of each key": tuple(
        s("generate", "rain", 0.5, key, value, *(() if key == "id" else ("id", f"bad {key}"))) for key, values in BAD.items() for value in values
    ),
    "generate with a key without its value, twice, or unknown": (
        *(s("generate", "rain", key) for key in ("id", "seed", "steps", "reply_port", "then")),
        s("generate", "rain", "id", "twice", "steps", 2, "steps", 3), s("generate", "rain", "steps", 2, "steps", 3, "id", "after"),
        s("generate", "rain", "id", 1, "id", 2), s("generate", "rain", "id", "near", "stepz", 2), s("generate", "rain", "stepz", 2, "id", "near"),
        s("generate", "rain", "volume", 3, "id", "far"), s("generate", "rain", "@steps", 2, "id", "mark"), s("generate", "rain", "seconds", 2, "id", "s"),
        s("generate", "rain", "prompt", "x", "id", "p"), s("generate", "rain", "on", "tin"), s("generate", "rain", True, 1), s("generate", "rain", b"x", 1),
        s("generate", "rain", 1.0, 2.0, 3.0), s("generate", "rain", None, "id", "nil"), s("generate", "rain", "Steps", 2, "id", "case"),
        s("generate", "rain", "folder", "drums", "id", "folder"), s("generate", "rain", "take", 1, "id", "take"),
    ),
    "generate with a bad prompt": (
        s("generate"), *(s("generate", value, "id", "prompt") for value in ("", "  ", "\x1b[0m", "x" * 4001, "x" * 60_000, True, None, b"rain", ["rain"], "a\x9bb")),
        s("generate", NAN, 0.1, *QUICK, "id", "nan", until=ENDS), s("generate", "golden empty", 0.1, *QUICK, "preset", "", "id", "no preset", until=ENDS),
    ),
    "generate with bad seconds": tuple(
        s("generate", "rain", value, "id", "long") for value in (0, 0.09, 150.01, 151, -1, NAN, INF, 1e30, "0", "151", "1e3", Double(0.05), Long(2**40))
    ),
    "generate with keys that do not go together": (
        s("generate", "rain", "bpm", 120, "id", "bpm"), s("generate", "rain", 2.0, "bars", 4, "id", "both"), s("generate", "rain", "bars", 200, "bpm", 20, "id", "long"),
        s("generate", "rain", "bars", 0.0625, "bpm", 999, "id", "short"), s("generate", "rain", "gate", 1, "id", "gate"), s("generate", "rain", "gate", 0, "id", "gate 0"),
        s("generate", "rain", "key", "c", "note", "c3", "id", "pitch"), s("generate", "rain", "bits", 17, "id", "17"), s("generate", "rain", "bits", 20.0, "id", "20"),
        s("generate", "rain", "format", "flac", "bits", 32, "id", "flac"), s("generate", "rain", "then", "/x", "id", "no port"),
        s("generate", "rain", "then_port", 57110, "id", "no then"), s("generate", "rain", "then", "/x", "then_port", 57110, "sink", "audio", "id", "no file"),
        s("generate", "rain", "then", "/x", "then_port", Ref("port:daemon"), "id", "us"), s("generate", "rain", "reply_port", Ref("port:daemon"), "id", "loop"),
        s("generate", "rain", "transcript", "hello there", "id", "said"), s("generate", "rain", "sink", "audio", "id", "heard"),
        s("generate", "rain", 0.2, "sink", "both", *QUICK, "id", "heard too", until=ENDS, match=("heard too",)), s("generate", "rain", 150.0, "takes", 16, "id", "memory"),
        s("generate", "rain", 150.0, "steps", 250, "takes", 16, "deadline_s", 0.05, "id", "late"),
    ),
    "generate/words that is refused": (
        s("generate/words"), s("generate/words", "@seed", 1), s("generate/words", "rain", "@"), s("generate/words", "rain", "@", "steps", 2),
        s("generate/words", "rain", "@steps"), s("generate/words", "rain", "@steps", 2, 3), s("generate/words", "rain", "@steps", 2, "@steps", 3),
        s("generate/words", "rain", "@stepz", 2, "@id", "near"), s("generate/words", "rain", 999), s("generate/words", 999, "@id", "n", "@steps", 0),
        s("generate/words", None, "@id", "nil", "@steps", 0), s("generate/words", True, "@id", "true", "@steps", 0), s("generate/words", "rain", "@preset", "two", "words"),
        s("generate/words", "rain", "steps", 2, 400, "@id", "x"), s("generate/words", "rain", "@id", "two", "words", "@steps", 0),
    ),
    "ids come back as they came": tuple(
        s("generate", "rain", "steps", 0, "id", value)
        for value in (7, -1, 7.5, 0.1, Double(0.1), Double(7.5), Double(1e300), 2**40, Long(7), "7", "my job", "雨", "x" * 120, " ", "0abc")
    ),
    "a refusal goes to the reply port": (
        s("generate", "rain", "seed", "bad", "id", 1, "reply_port", Ref("port:b")), s("generate", "rain", "volume", 1, "reply_port", Ref("port:b"), "id", 2),
        s("generate/words", "rain", "@seed", "bad", "@reply_port", Ref("port:b"), "@id", 3), s("recall", "/nowhere.wav", "reply_port", Ref("port:b"), until=ENDS, at="b"),
    ),
}  # fmt: skip

# ---- generate: clips ----

CLIPS = {
    "a clip": (job("clip", "golden rain", 0.2, *QUICK), s("job", "clip"), s("job", "clip", by="b"), job("clip", "golden rain", 0.2, *QUICK)),
    "a clip in words": (
        s("tempo", 120.0, 4),
        s("generate/words", "golden", "deep", 808, "kick", 0.3, "@steps", 2.0, "@seed", 5.0, "@preset", "drum", "@id", "words", until=ENDS, match=("words",)),
        s("generate/words", "golden", 808, "@steps", "1", "@seed", "5", "@id", 8, "@seconds", 1),
        s("generate/words", 808, "@steps", "1", "@seed", "5", "@negative", "no", "music", 3, "@id", 9, "@bars", 0.125, until=ENDS, match=(9,)),
    ),
    "numbers in every form": (
        job(1, "golden form", "0.2", "steps", "2", "seed", 5.0, "guidance", 2), job(2, "golden form", Double(0.2), "steps", Double(2), "seed", Long(5), "guidance", "2.5"),
        job(3, 808, 1, "steps", 1.0, "seed", 5, "takes", 1.0), job(Double(0.1), 0.5, 0.1, "steps", 1, "seed", 5), job(2.5, "golden form", 0.1, *QUICK), job(2**40, "golden form", 0.1, *QUICK),
    ),
    "ids that are one": (
        job(70, "golden once", 0.1, *QUICK), job(70, "golden once", 0.1, *QUICK), s("generate", "golden once", 0.1, *QUICK, "id", 70.0), s("generate", "golden once", 0.1, *QUICK, "id", "70"),
        s("job", 70), s("job", 70.0), s("job", "70"), s("job", "70.0"), s("job", 71), s("job"), s("job", 1, 2), s("job", b"\1"), s("job", True), s("job", None), s("job", ""), s("job", NAN),
    ),
    "the length and the place of a preset": (job("p1", "golden kick", "preset", "drum", *QUICK), job("p2", "golden kick", 0.3, "preset", "Drum", *QUICK, "negative", "x", "guidance", 1.0)),
    "takes": (job("takes", "golden takes", 0.2, "takes", 3, "steps", 2, "seed", 10),),
    "the seed is left out": (s("generate", "golden drawn", 0.1, "steps", 1, until=ENDS), s("generate/words", "golden", "drawn", 0.1, "@steps", 1, until=ENDS)),
    "shapes": (
        job("flac", "golden shape", 0.3, *QUICK, "format", "flac", "bits", 16, "channels", 2), job("flac 24", "golden shape", 0.3, *QUICK, "format", "flac"),
        job("aiff", "golden shape", 0.3, *QUICK, "format", "aiff", "bits", 32), job("aiff 16", "golden shape", 0.3, *QUICK, "format", "aiff", "bits", "16"),
        job("wav 32", "golden shape", 0.3, *QUICK, "bits", 32.0, "channels", 2.0), job("wav 24", "golden shape", 0.3, *QUICK, "bits", 24, "channels", 1),
        job("lufs", "golden shape", 1.0, *QUICK, "lufs", -20.0), job("trim", "golden shape", 0.3, *QUICK, "trim", "onset", "fade_in_ms", 2, "fade_out_ms", 20.5),
        job("free", "golden shape", 0.3, *QUICK, "trim", "free"), job("off", "golden shape", 0.3, *QUICK, "trim", "off", "loop", 0),
    ),
    "bars, loops and keys": (
        s("tempo", 120, 4), job("bars", "golden bars", "bars", 0.5, *QUICK), job("bpm", "golden bars", "bars", 1, "bpm", 240.0, *QUICK), job("loop", "golden loop", 0.5, "loop", 1, *QUICK),
        job("loop bars", "golden loop", "bars", 0.25, "loop", 1.0, *QUICK), job("key", "golden key", 0.5, "key", "F#m", *QUICK), job("note", "golden note", 0.3, "note", 60, *QUICK),
        job("note 2", "golden note", 0.3, "note", "Eb2", *QUICK), job("quantize", "golden quantize", 0.1, "quantize", "bar", "gain", 0.5, "pan", -1, "sink", "folder", *QUICK),
    ),
    "a deadline": (
        job("in time", "golden deadline", 0.2, "deadline_s", 3600, "takes", 2, *QUICK), job("in words", "golden deadline", 0.2, "deadline_s", "3600", *QUICK),
        s("generate", "golden late", 100.0, "steps", 250, "deadline_s", 0.05, "seed", 5, "id", "late"),
    ),
    "then": (
        job("a {path} 'b", "golden then", 0.2, *QUICK, "then", "/b_allocRead i:10 s:{path} 's:two words' f:{seconds} i:{frames} {id} -3", "then_port", Ref("port:x")),
        job(10, "golden then", 0.2, *QUICK, "then", "/b i:{id} i:{sample_rate}", "then_port", Ref("port:x")),
        job("no number", "golden then", 0.2, *QUICK, "then", "/b i:{id}", "then_port", Ref("port:x")), s("job", 10),
    ),
    "triggers": (
        s("trigger"), s("trigger", 0), s("trigger", 0.0), s("trigger", "now"), s("trigger", True), s("trigger", 1, 2), s("set/prompt", "golden", "fader", 1), s("set/seconds", 0.2),
        s("set/steps", 2.0), s("set/seed", "9"), s("set/bits", 16), s("set/format", "flac"), s("trigger", 1.0, until=ENDS), s("trigger", until=ENDS), s("trigger", -1, until=ENDS),
        s("set/bits", 32), s("trigger"), s("trigger", by="b"), s("trigger", "reply_port", Ref("port:b")),
        *(s(f"set/{key}") for key in ("prompt", "seconds", "steps", "seed", "bits", "format")), s("trigger"),
    ),
    "replies go to the reply port": (
        s("generate", "golden port", 0.1, *QUICK, "id", "port", "reply_port", Ref("port:b"), until=ENDS, at="b"),
        s("generate/words", "golden", "port", 0.1, "@seed", 5, "@steps", 2, "@id", "port w", "@reply_port", Ref("port:b"), until=ENDS, at="b"),
        s("job", "port", "reply_port", Ref("port:b")), s("status", "reply_port", 0), s("status", "reply_port", Ref("port:daemon")), s("status", "reply_port"),
        s("tempo", "reply_port", Ref("port:b")), s("nonsense", "reply_port", Ref("port:b")), s("version", "reply_port", 1.5),
    ),
    "recall": (
        job("made", "golden recall", 0.2, *QUICK, "preset", "drum", save="path:made"), s("recall", Ref("path:made"), "id", "again", until=ENDS, match=("again",)),
        s("recall", Ref("path:made"), until=ENDS), job("two", "golden recall", 0.2, "takes", 2, *QUICK, save="path:two"), s("recall", Ref("path:two"), "id", 7.0, until=ENDS, match=(7.0,)),
        *(s("recall", path, "id", "bad", until=ENDS) for path in ("/nowhere/x.wav", "", Ref("folder"), "/dev/zero", "relative.wav")),
        s("recall"), s("recall", 7), s("recall", "/x.wav", "volume", 3), s("recall", "/x.wav", "id"), s("recall", "/x.wav", "id", True), s("recall", None), s("recall", "/x.wav", "id", ""),
    ),
    "json lines of a job": (
        job("json", "golden json", 0.2, "takes", 2, "deadline_s", 3600, *QUICK),
        Lines(("queued", "progress", "take", "done"), {"event": "done", "id": "json"}),
        s("generate", "golden json", 9.0, "steps", 250, "seed", 5, "id", "json 2", until=("/bridge/progress",)), s("cancel", "json 2"), Lines(("cancelled",), {"event": "cancelled", "id": "json 2"}),
        s("kit", "golden json", "kick", "@steps", 1, "@seconds", 0.1, "@seed", 1, until=KIT_ENDS),
        Lines(("kit queued", "kit progress", "kit done"), {"event": "kit done"}),
    ),
    "json lines of a start": (Lines(("started", "preparing", "state", "audio"), {"event": "state", "state": "ready"}, all=True),),
}  # fmt: skip

LONG = ("golden long", 100.0, "steps", 250, "seed", 5)
QUEUE = {
    "cancelling": (
        s("cancel"), s("cancel", "nobody"), s("cancel", 1, 2), s("cancel", True), s("cancel", ""), s("cancel", None), s("cancel", "reply_port", Ref("port:b")),
        s("generate", *LONG, "id", "first", until=("/bridge/progress",)), s("generate", "golden wait", 0.1, *QUICK, "id", 2), s("generate", "golden wait", 0.1, *QUICK, "id", 3),
        s("generate", "golden wait", 0.1, *QUICK, "id", 4), s("generate", "golden other", 0.1, "id", 2), s("generate", "golden other", 0.1, "id", "2.0"),
        s("generate", *LONG, "id", "first"), s("status"), s("job", "first", by="b"), s("job", 3, by="b"), s("cancel", 3.0), s("cancel", 3), s("cancel", 4, by="b"),
        s("cancel", "first"), Listen(ENDS, match=(2,)), s("cancel", 2), s("cancel"), s("job", "first"), s("job", 3),
        s("generate", *LONG, "id", "all", until=("/bridge/progress",)), s("generate", "golden wait", 0.1, *QUICK, "id", "all 2"), s("cancel", by="b"), s("cancel"),
    ),
    "a subscriber": (
        s("subscribe", by="b"), job("theirs", "golden theirs", 0.1, *QUICK), s("unsubscribe", by="b"), job("alone", "golden alone", 0.1, *QUICK), s("subscribe", Ref("port:b")),
        s("generate", "golden refused", "steps", 0, "id", "refused"), s("generate", *LONG, "id", "mine", until=("/bridge/progress",)), s("cancel", by="b"), s("unsubscribe", Ref("port:b")),
        s("subscribe"), job("mine too", "golden mine", 0.1, *QUICK), s("generate", *LONG, "id", "mine 3", until=("/bridge/progress",)), s("cancel", "mine 3"), s("unsubscribe"),
        *(s("subscribe", value) for value in (0, 65536, 99_999, "x", False, True, None, NAN, 1.5, Ref("port:daemon"))), s("unsubscribe", False), s("unsubscribe", None), s("subscribe", 1, 2), s("unsubscribe", 1, 2), s("unsubscribe", "x"),
        s("unsubscribe", Ref("port:b")), s("subscribe", "reply_port", Ref("port:b")),
    ),
}  # fmt: skip

# ---- everything else that needs no device ----

SMALL = {
    "ping": (
        s("ping"), s("ping", 1, -1, 2**40, 1.5, Double(0.1), "two", "", "雨", b"three", b"", True, False, None, [1, ["x", []]], NAN, INF), s("ping", "reply_port", Ref("port:b")), s("ping", by="b"),
    ),
    "status, version, presets": tuple(
        s(name, *values) for name in ("status", "version", "presets") for values in ((), (1,), (1.0,), (0,), (0.0,), (-1,), (True,), ("x",), (None,), (1, 2), ("ready", "queue", 0), (b"\1",))
    ),
    "models": (
        s("models", until=("/bridge/models",)), s("models", 1, until=("/bridge/models",)), s("models", 0), s("models", "untrained", until=("/bridge/model",)), s("models", "starter", until=("/bridge/model",)),
        *(s("models", name, until=("/bridge/error",)) for name in ("nobody/nothing", "/", "", "~nosuchuser", "//server/share", "untraine")),
        s("models", "a", "b"), s("models", "a\x07"), s("models", "x" * 4001), s("models", False), *(s("models", *values, until=("/bridge/models",)) for values in ((True,), (None,), ("1",), (1, 2))), s("models", "a", "reply_port", Ref("port:b"), until=("/bridge/error",), at="b"),
    ),
    "a restart that is refused": (
        s("restart", 0), s("restart", 0.0), *(s("restart", name, until=("/bridge/error",)) for name in ("nobody/nothing", "", "relative/folder", "//server/share", Ref("folder"))),
        s("restart", "a", "b"), s("restart", "a", 1), s("restart", False), s("restart", False, 1), s("restart", "0"), s("restart", "a\x07"), s("status"),
    ),
    "tempo and beat": (
        s("tempo", 90, 3), s("tempo"), s("tempo", 97.3), s("tempo"), s("tempo", "150", "4"), s("tempo"), s("tempo", 20.0, 1), s("tempo", 999, 32), s("tempo", 120.0, 4.0), s("tempo"),
        *(s("tempo", value) for value in (0, 19.9, 999.1, -120, NAN, INF, "fast", "", *WRONG_TYPES)), *(s("tempo", 120, value) for value in (0, 33, 2.5, "x", True, None)), s("tempo", 120.0, 4, 7.5),
        *(s("beat", value) for value in (0, 1.5, "2", 1e7, -1, 1e8, NAN, "now", *WRONG_TYPES)), s("beat"), s("beat", 1, 2), s("tempo", 120, 4), s("tempo"),
    ),
    "voices that do not sound": (
        *(s(f"voice/77/{what}", *values) for what, values in (("stop", ()), ("stop", (1,)), ("stop", (0,)), ("gain", (1.0,)), ("gain", (1.0, 10)), ("pan", (0,)), ("loop", (1,)))),
        *(s(f"voice/77/{what}", *values) for what, values in (("stop", (60_001,)), ("stop", (NAN,)), ("stop", (-1,)), ("stop", ("x",)), ("stop", (1, 2)), ("stop", (True,)))),
        *(s("voice/77/gain", *values) for values in ((), (4.1,), (-0.1,), (NAN,), ("x",), (True,), (1, 4.9), (1, 60_001), (1, "x"), (1, 10, 3), (None,))),
        *(s("voice/77/pan", *values) for values in ((), (1.1,), (-1.1,), ("x",), (0, 1), (0, 10, 3))), *(s("voice/77/loop", *values) for values in ((), (2,), (0.5,), (True,), ("x",), (1, 2))),
        s("voice/0/stop"), s("voice/1000000000/stop"), s("voice/x/stop"), s("voice//stop"), s("voice/1/explode"), s("voice/1"), s("voice"), s("voice/-1/stop"), s("voice/1/stop/now"), s("voice/007/stop"),
    ),
    "pads and streams that are refused": (
        *(s(f"pad/{n}/{what}", *values) for n, what, values in (
            (128, "set", ("rain",)), (128, "play", ()), (1, "set", ()), (1, "set", ("",)), (1, "set", ("rain", 60.1)), (1, "set", ("rain", "takes", 2)), (1, "set", ("rain", "sink", "audio")),
            (1, "set", ("rain", "then", "/x", "then_port", 1)), (1, "set", ("rain", "steps", 0)), (1, "set", ("rain", "volume", 1)), (1, "set/words", ("@steps", 1)), (1, "set/words", ("soft", "rain", 61)),
            (1, "set/words", ("soft", "rain", "@sink", "audio")), (1, "set", ("rain", "gate", 2)), (1, "play", ()), (1, "play", (128,)), (1, "play", (-1,)), (1, "play", ("x",)), (1, "play", (NAN,)), (1, "play", (True,)),
            (1, "play", (1, 2)), (1, "play", (1.0, "quantize", "tomorrow")), (1, "play", ("quantize",)), (1, "play", ("quantize", None)), (1, "play", (0,)), (1, "stop", ()), (1, "stop", (0,)), (1, "stop", ("x",)),
            (1, "clear", ()), (1, "clear", ("x",)), (1, "lock", ()), (1, "lock", (1,)), (1, "lock", (2,)), (1, "lock", (True,)), (1, "lock", (1, 2)), (1, "lock", (False,)), (1, "save", ()), (1, "save", (0,)), (1, "save", ("x",)),
            (1, "play/words", ("soft",)), (1, "explode", ()), ("x", "play", ()), ("", "play", ()), (-1, "play", ()), ("0001", "play", ()),
        )),
        s("pad/1"), s("pad"), s("pads"), s("pads", 0), s("pads", "x"), s("pads", True),
        *(s(f"stream/{what}", *values) for what, values in (
            ("start", ()), ("start", ("rain", 0.5)), ("start", ("rain", 31)), ("start", ("rain", 8.0, "takes", 4)), ("start", ("rain", 8.0, "takes", 1)), ("start", ("rain", 8.0, "sink", "audio")), ("start", ("rain", 8.0, "deadline_s", 5)),
            ("start", ("rain", 8.0, "gate", 1)), ("start", ("rain", "bars", 0.25)), ("start", ("rain", "steps", 0)), ("start/words", ("soft", "rain", 8, "@sink", "audio")), ("start/words", ("@steps", 1)), ("start", ("rain",)),
            ("set", ("rain",)), ("set/words", ("soft", "rain", 8, "@seed", 1)), ("set", ()), ("stop", ()), ("stop", (0,)), ("stop", (1,)), ("stop", ("now",)), ("stop", (60_001,)), ("stop", (1, 2)), ("stop", (True,)), ("explode", ()),
        )),
        s("stream"), s("stream", 0), s("stream", "x"), s("stream", True), s("stop"), s("stop", 0), s("stop", 1.0), s("stop", "x"), s("stop", True), s("stop", 1, 2),
    ),
    "the library": (
        job("find", "goldenquince metal bell", 0.5, "note", "a#4", *QUICK, save="path:find"), job("find 2", "goldenquince drone", "bars", 0.25, "bpm", 120, *QUICK, save="path:find 2"),
        s("find", "goldenquin", until=FOUND), s("find", "goldenquince metal bell", until=FOUND), s("find", "goldenquince", "seconds_to", 0.5, until=FOUND), s("find", "goldenquince", "seconds_from", 0.51, until=FOUND),
        s("find", "goldenquince", "bpm_from", 120, "bpm_to", "120", until=FOUND), s("find", "goldenquince", "note", "bb4", until=FOUND), s("find", "goldenquince", "note", 70, until=FOUND),
        s("find", "goldenquince", "key", "c", until=FOUND), s("find", "goldenquince", "limit", 1, until=FOUND), s("find", "goldenquince nothing", until=FOUND), s("find", "", "limit", 1, "note", "c-1", until=FOUND),
        s("rate", Ref("path:find"), 4, until=("/bridge/clip",)), s("rate", Ref("path:find"), "3", until=("/bridge/clip",)), s("favourite", Ref("path:find"), until=("/bridge/clip",)), s("favourite", Ref("path:find 2"), 1.0, until=("/bridge/clip",)),
        s("favourite", Ref("path:find 2"), 0, until=("/bridge/clip",)), s("find", "goldenquince", "favourite", 1, until=FOUND), s("find", "goldenquince", "favourite", 0, until=FOUND), s("find", "goldenquince", "rating_from", 3, until=FOUND),
        s("find", "goldenquince", "rating_from", 4, until=FOUND), s("rate", Ref("path:find"), 0, until=("/bridge/clip",)), s("rate", "/no/where.wav", 3, until=("/bridge/error",)), s("favourite", "x", until=("/bridge/error",)),
        *(s("rate", Ref("path:find"), *values) for values in ((), (6,), (-1,), (2.5,), ("x",), (True,), (None,), (1, 2))), *(s("rate", path, 3) for path in ("", 7, True, None)), s("rate"),
        *(s("favourite", Ref("path:find"), value) for value in (2, -1, 0.5, "x")), *(s("favourite", Ref("path:find"), value, until=("/bridge/clip",)) for value in (True, False, None, "1", "0")), s("favourite"), s("favourite", 1), s("favourite", "x", 1, 2),
        s("find"), s("find", None), s("find", True), s("find", 7, "note", "c-1", until=FOUND), s("find", "a\x07"), s("find", "x" * 4001), s("find", "x", "limit"), s("find", "x", "limit", 1, "limit", 2), s("find", "x", "limits", 2), s("find", "x", "volume", 2), s("find", "x", 7, 2),
        *(s("find", "x", key, value) for key, values in {
            "bpm_from": (19, 1000, "x", True), "bpm_to": (19, 1000, NAN, None), "seconds_from": (0.09, 151, b"\1"), "seconds_to": (0.09, 151, [1]), "note": ("h", 128), "key": ("h", 7), "favourite": (2, 0.5), "rating_from": (-1, 6), "limit": (0, 51, 1.5),
        }.items() for value in values),
        s("find", "goldenquince", "seconds_from", 1, "seconds_to", 0.5, until=FOUND),
    ),
    "nothing was interrupted": (
        s("interrupted", until=("/bridge/interrupted/count",)), s("interrupted", 0), s("interrupted", False), *(s("interrupted", value, until=("/bridge/interrupted/count",)) for value in ("x", True)), s("resume", until=("/bridge/resumed",)), s("resume", 0), s("resume", False), *(s("resume", *values, until=("/bridge/resumed",)) for values in (("x",), (1, 2))),
    ),
    "kits": (
        s("kit", "golden kit", "deep kick", "40:low snare", "c4:glassy bell", "@steps", 1, "@seconds", 0.2, "@seed", 5, until=KIT_ENDS), s("kits"), s("kits", by="b"), s("kits", 0), s("kits", "x"), s("kits", True),
        s("kit", "golden kit", "deep kick", "@steps", 1, "@seconds", 0.2, "@seed", 5, until=KIT_ENDS), s("kit", 80_808, "bell", "@notes", "c4", "e4", "@steps", 1, "@seconds", 0.1, "@seed", 5.0, until=KIT_ENDS),
        s("kit", "golden bells", "@preset", "bells-chromatic", "@steps", 1, "@seconds", 0.1, "@seed", "5", until=KIT_ENDS), s("kit", "golden drums", "kick", "@preset", "drum", "@steps", 1, "@seconds", 0.1, "@seed", 5, "@negative", "no", "music", "@guidance", 1, until=KIT_ENDS),
        s("kit", "golden port", "kick", "@steps", 1, "@seconds", 0.1, "@seed", 5, "@reply_port", Ref("port:b"), until=KIT_ENDS, at="b"), s("kit", "golden no", "kick", "@steps", 1, "@seconds", 0.1, "@seed", 5, "reply_port", Ref("port:b"), until=KIT_ENDS, at="b"),
        s("subscribe", by="b"), s("kit", "golden heard", "kick", "@steps", 1, "@seconds", 0.1, "@seed", 5, until=KIT_ENDS), s("unsubscribe", by="b"),
    ),
    "kits that end early": (
        s("generate", *LONG, "id", "before", until=("/bridge/progress",)), s("kit", "golden wait", "kick", "@seed", 5), s("kit", "golden wait", "kick", "@seed", 5), s("kit", "golden wait", "snare", "@seed", 5), s("kit", "golden second", "kick", "snare", "@seed", 5),
        s("kit/cancel", "nobody"), s("kit/cancel", "golden second"), s("kit/cancel", 1, 2), s("kit/cancel", ""), s("kit/cancel", False), s("kit/cancel", True), s("kit/cancel"), s("kit", "golden third", "kick", "@seed", 5), s("cancel"), s("kits", until=("/bridge/kit/failed",), match=("golden third",)),
    ),
    "kits that are refused": (
        *(s("kit", "golden bad", *values) for values in (
            (), ("@preset",), ("kick", "@preset", "nonsense"), ("kick", "@folder", "x"), ("kick", "@steps", 2, "@steps", 3), ("kick", "@seconds", 9999), ("kick", "@notes", 7), ("36:a", "36:b"), ("kick", ""), ("kick", b"\1"), ("x" * 4001,),
            (*["kick"] * 129,), ("bell", "@notes", "e4..c4"), ("bell", "@notes", "c4..z9"), ("200:kick",), ("36: ",), ("a", "b", "@notes", "c4"), ("kick", "@takes", 2), ("kick", "@steps"), ("kick", "@steps", 0), ("kick", "@seed", -1), ("kick", "@guidance", 31),
            ("kick", "@negative", 7), ("kick", None), ("kick", True), ("kick", "@reply_port", 0), ("kick", "@reply_port", Ref("port:daemon")),
        )),
        *(s("kit", "golden bad", "@preset", name, *more, until=KIT_ENDS) for name, *more in (("drums-809",), ("../../etc/passwd",), ("drums-808", "@notes", "c4"))),
        s("kit"), s("kit", ""), s("kit", True), s("kit", "@preset", "drums-808"), s("kit", "x" * 81, "kick"), s("kit", "a\x01b", "kick"), s("kit", b"x"), s("kit", None),
    ),
    "addresses that are unknown or not ours": (
        *(s(name, "rain") for name in ("genrate", "generat/words", "*", "", "Generate", "generate/", "stattus", "quit", "voices", "pads/1", "xyzzy")),
        *(Step(address, ("rain",)) for address in ("/status", "/generate", "/bridge", "/bridgehead/generate", "/*", "/fail", "bridge/generate")),
        s("done", "1", "/tmp/x.wav", 1.0), s("error", "/bridge/x", "malformed", "x"), s("pong", 1), s("state", "ready", ""), s("queued", "x", 1, 0.5), s("progress", "x", 0.5), s("take", "x"), s("failed", "x"), s("cancelled"),
        s("voice", 1, "began", ""), s("pad/3/state", "ready", 1.0), s("pad/3/saved", "x", ""), s("kit/queued", "x"), s("kit/progress", "x"), s("kit/done", "x"), s("kit/failed", "x"), s("stream/state", "off", 0.0), s("audio", "open", ""), s("midi", "open", ""),
        s("preset", "x", "ready", ""), s("inbox", "open", ""), s("model", "x"), s("found", 1), s("clip", "x"), s("interrupted/count", 1), s("interrupted/job", "x"), s("resumed", 1, 0),
    ),
    "datagrams": (
        raw("a bundle of two pings", bundle(encode("/bridge/ping", (1,)), encode("/bridge/ping", (2,)))), raw("a bundle in a bundle", bundle(bundle(encode("/bridge/ping", ("in",))), encode("/bridge/ping", ("out",)))),
        raw("a bundle for now (0)", bundle(encode("/bridge/tempo", (120, 4)), encode("/bridge/version", ()), tag=b"\0" * 8)), raw("a bundle of long ago", bundle(encode("/bridge/beat", (0,)), encode("/bridge/status", ("x",)), tag=struct.pack(">II", 2_208_988_900, 0))),
        raw("a beat for the year 2036", bundle(encode("/bridge/beat", (0,)), encode("/bridge/tempo", (120, 4)), encode("/bridge/version", ()), tag=b"\xff\xff\xff\0\0\0\0\0")), raw("a bundle with an unknown tag in the middle", bundle(encode("/bridge/ping", (1,)), b"/bridge/ping\0\0\0\0,X\0\0", encode("/bridge/ping", (2,)))),
        raw("a bundle with a broken size at its end", bundle(encode("/bridge/ping", (1,))) + b"\xff\xff\xff\xfc"), raw("200 pings in a bundle", bundle(*[encode("/bridge/ping", ())] * 200), fold=True), raw("nothing", b""), raw("no type tags and no arguments", b"/bridge/version\0"),
        raw("unknown tag", b"/bridge/generate\0\0\0\0,sX\0rain\0\0\0\0"), raw("a symbol", b"/bridge/generate\0\0\0\0,Sf\0rain\0\0\0\0" + b"\0" * 4), raw("not UTF-8", b"/bridge/generate\0\0\0\0,s\0\0\xff\xfe\xfd\0"), raw("no comma", b"/bridge/ping\0\0\0\0if\0\0" + b"\0" * 8),
        raw("bytes are left over", b"/bridge/ping\0\0\0\0,i\0\0" + b"\0" * 12), raw("cut short", b"/bridge/generate\0\0\0\0,sf\0rain\0\0\0\0\0\0"), raw("an array that is open", b"/bridge/ping\0\0\0\0,[i\0" + b"\0" * 4), raw("a blob too long", b"/bridge/ping\0\0\0\0,b\0\0\0\0\0\x08abcd"),
        raw("the address has a space", b"/bridge/ping me\0,\0\0\0"), raw("the address does not end", b"/bridge/generate"), raw("a broken reply of ours", b"/bridge/done\0\0\0\0,X\0\0"), raw("text", b"generate rain on tin 4.0\n"), raw("300 nils", b"/bridge/ping\0\0\0\0," + b"N" * 300 + b"\0" * 3),
        raw("a colour and a MIDI value and a time", b"/bridge/version\0,rmt\0\0\0\0" + b"\0" * 16), raw("a MIDI value as steps", b"/bridge/set/steps\0\0\0,m\0\0\x01\x90\x40\x40"), raw("a time as steps", b"/bridge/set/steps\0\0\0,t\0\0" + b"\0\0\0\1\0\0\0\0"), raw("a colour as steps", b"/bridge/set/steps\0\0\0,r\0\0\0\0\0\x07"), s("set/steps"),
    ),
    "the device is lost and cannot be used": (
        s("subscribe"), KillPlayer(), Listen(("/bridge/audio",), match=("unusable",)), s("status"), s("unsubscribe"),
    ),
}  # fmt: skip

# ---- the starter: it hears which sound is meant ----

STARTER = {
    "what the starter heard": (
        job("heard", "rain on tin", 0.3, *QUICK), job("unheard", "xyzzy plugh", 0.3, *QUICK), job("tone", "glassy bell", 0.5, "note", "c4", *QUICK), job("said", "a voice", 0.3, "transcript", "hello", *QUICK), s("status"),
        job("phrase", "golden bell", 0.5, "key", "c", *QUICK), job("drum", "kick", 0.5, "preset", "drum", *QUICK),
    ),
}  # fmt: skip

# ---- sound ----

VOICE = ("/bridge/voice",)
PAD = "/bridge/pad/33/state"
STAGE = {
    "a clip that is heard": (
        s("generate", "golden both", 0.3, "sink", "both", *QUICK, "id", "both", until=ENDS, match=("both",), save="voice"), Listen(VOICE, times=2),
        s("generate", "golden audio", 8.0, "sink", "audio", "gain", 0.1, "pan", 1, *QUICK, "id", "audio", until=ENDS, match=("audio",), save="voice"), Listen(VOICE),
        s("voice/$voice/gain", 0.1, 10.0), s("voice/$voice/pan", "-1"), s("voice/$voice/loop", 1), s("voice/$voice/gain", 5.0), s("voice/$voice/loop", 0), s("voice/$voice/stop", 0), s("voice/$voice/stop", 30.0, until=VOICE), s("voice/$voice/stop"),
    ),
    "a clip that waits for its bar": (
        s("tempo", 240, 2), s("generate", "golden bar", 0.2, "sink", "both", "quantize", "bar", *QUICK, "id", "bar", until=("/bridge/voice",), times=3), s("tempo", 120, 4),
    ),
    "silence": (
        s("generate", "golden drone", 8.0, "sink", "audio", "gain", 0.1, *QUICK, "id", "drone", until=ENDS, match=("drone",)), Listen(VOICE), s("subscribe", by="b"), s("stop", 0), s("stop", until=VOICE), s("unsubscribe", by="b"),
        s("generate", "golden late", 20.0, "sink", "both", "steps", 60, "seed", 5, "id", "late", until=("/bridge/progress",)), s("stop"), Listen(ENDS, match=("late",)),
    ),
    "a pad": (
        s("subscribe", by="b"), s("pads", by="a"), s("pad/33/set", "golden pad", 0.2, *QUICK, "gain", 0.1, until=(PAD,), at="b", match=("ready", 2.0)), s("pad/33/play", until=VOICE, times=2), Listen((PAD,), by="b", match=("ready", 2.0)), s("pads"),
        s("pad/33/lock", 1), s("pad/33/play", 100, until=VOICE, times=2), s("pad/33/play", "0.5", until=VOICE, times=2), s("pad/33/play", 0), s("pad/33/lock", 0.0), s("pad/33/save", until=("/bridge/pad/33/saved",)), s("pad/33/save", 1.0, until=("/bridge/pad/33/saved",)),
        s("pad/33/stop"), s("pad/33/play", 1, "quantize", "x"), s("pad/33/set", "golden pad", "steps", 0), s("pad/33/clear", by="a"), s("pad/33/play"), s("pad/33/clear"), s("unsubscribe", by="b"),
        Lines(("pad saved",), {"event": "pad saved"}),
    ),
    "a pad in words, gated and quantized": (
        s("tempo", 240, 2), s("pad/34/set/words", "golden", "gated", 3, "@gate", 1, "@quantize", "beat", "@steps", 1, "@seed", 5, "@gain", 0.1), s("subscribe", by="b"), Listen(("/bridge/pad/34/state",), by="b", match=("ready", 2.0)), s("pad/34/save"),
        s("pad/34/play", 100, until=VOICE, times=2), Listen(("/bridge/pad/34/state",), by="b", match=("ready", 2.0)), s("pad/34/play", 0, until=VOICE), s("pad/34/lock", 1), s("pad/34/play", 1.0, "quantize", "off", until=VOICE), s("pad/34/stop", 1, until=VOICE), s("pad/34/clear"), s("unsubscribe", by="b"), s("tempo", 120, 4),
    ),
    "a pad that cannot be filled": (
        s("subscribe", by="b"), s("pad/35/set", "golden bits", 0.2, "bits", 17, *QUICK), s("pads"), s("pad/35/play"), s("pad/35/clear"), s("pad/36/set", "golden bars", "bars", 256, "bpm", 20), s("pads"), s("pad/36/clear"), s("unsubscribe", by="b"),
    ),
    "a stream": (
        s("subscribe", by="b"), s("stream/start", "golden waves", 2.0, "steps", 1, "seed", 5, "gain", 0.1, until=("/bridge/stream/state",), at="b", match=("playing",)), s("stream/set/words", "golden", "rain", 2, "@steps", 1, "@seed", 5), s("stream/set", "golden", "steps", 0),
        s("stream/set", "golden", 1.0), s("stream/start", "golden", 2.0, "steps", 1, "takes", 2), s("stream", 0), s("stream/stop", 0), s("stream/stop", 50.0), s("stream"), s("stream/set", "golden", 2.0), s("stream/start/words", "golden", "waves", "@steps", 1, "@gain", 0.1),
        s("stop"), s("stream"), s("unsubscribe", by="b"), Lines(("stream",), {"event": "stream", "state": "off"}),
    ),
    "what is put into folders": (
        s("subscribe"), File("inbox", "list.toml", 'steps = 1\nseconds = 0.2\nseed = 5\n[[clip]]\nprompt = "golden list"\n', ("/bridge/inbox",), ("done",)),
        File("inbox", "bad.toml", "[[clip]]\nsteps = 1\n", ("/bridge/inbox",), ("failed",)),
        File("presets", "golden.toml", 'template = "golden {prompt}"\nseconds = 0.2\nsteps = 1\n', ("/bridge/preset",), ("golden", "ready")), job("mine", "bell", "preset", "golden", "seed", 5),
        File("presets", "golden.toml", "steps = 1\nnonsense = 2\n", ("/bridge/preset",), ("golden", "broken")), File("presets", "golden.toml", None, ("/bridge/preset",), ("golden", "gone")),
        s("set/preset", "golden"), s("unsubscribe"), Lines(("inbox", "preset"), {"event": "preset", "state": "gone"}),
    ),
}  # fmt: skip

# ---- a new daemon, asked while its engine is loading; then killed and replaced ----

COLD = {
    "asks before the engine is there": (
        "cold", (
            s("status"), s("subscribe", by="b"), s("generate", "golden first", 0.5, *QUICK, "id", "first"), s("generate", "golden second", 0.5, *QUICK, "bits", 16, "id", 2), s("job", 2), s("generate", "golden second", 0.5, *QUICK, "bits", 16, "id", 2.0),
            s("generate", "golden first", 0.5, "id", "first"), s("kit", "golden kit", "kick", "@seed", 5), s("kits", until=("/bridge/kit/queued",)), s("kit/cancel"), s("restart", until=("/bridge/restart",)), s("restart", "untrained", until=("/bridge/restart",)), s("status"),
        ),
    ),
    "what a killed daemon left": (
        "again", (
            s("interrupted", until=("/bridge/interrupted/job",), times=2), s("generate", "golden many", 0.5, *QUICK, repeat=63, fold=True), s("resume", until=("/bridge/resumed",)), s("generate", "golden too many", 0.5, "id", "too many"),
            s("generate", "golden too many", 0.5, "id", 65, "deadline_s", 60), s("status"), s("cancel", fold=True), s("interrupted", 1, until=("/bridge/interrupted/job",)), s("resume", until=("/bridge/resumed",)), s("cancel"), s("resume", until=("/bridge/resumed",)), s("interrupted", until=("/bridge/interrupted/count",)),
        ),
    ),
}  # fmt: skip

# The untrained checkpoint's sounds differ from one build to the next, so measurements are asked of the starter. Requests about the
# home folder, which other tests change, go to the stage, which has a home of its own.
OF_THE_STARTER = (
    "a clip in words", "takes", "shapes", "bars, loops and keys", "a deadline", "recall", "json lines of a job", "the library", "kits",
)  # fmt: skip
OF_THE_STAGE = ("status, version, presets", "models", "nothing was interrupted")


def _daemon(name: str) -> str:
    return "starter" if name in OF_THE_STARTER else "stage" if name in OF_THE_STAGE else "small"


SCENARIOS: dict[str, Scenario] = {
    **{name: Scenario(_daemon(name), steps) for name, steps in {**SETS, **REFUSED, **CLIPS, **QUEUE, **SMALL}.items()},
    **{name: Scenario("starter", steps) for name, steps in STARTER.items()},
    **{name: Scenario("stage", steps) for name, steps in STAGE.items()},
    **{name: Scenario(daemon, steps) for name, (daemon, steps) in COLD.items()},
    "the seed is left out": Scenario("small", CLIPS["the seed is left out"], random_seeds=True),
}
