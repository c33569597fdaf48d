"""Datagrams that have broken OSC programs, by name, and a seeded mutator that makes more of them."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

from bridge.client import encode


def message(address: bytes, tags: bytes = b",", arguments: bytes = b"") -> bytes:
    return _string(address) + _string(tags) + arguments


def _string(text: bytes) -> bytes:
    return text + b"\0" * (4 - len(text) % 4)


def bundle(*elements: bytes, tag: bytes = b"\0\0\0\0\0\0\0\1") -> bytes:
    return b"#bundle\0" + tag + b"".join(struct.pack(">i", len(element)) + element for element in elements)


def nested(depth: int) -> bytes:
    data = encode("/bridge/ping")
    for _ in range(depth):
        data = bundle(data)
    return data


PING = encode("/bridge/ping")
GENERATE = encode("/bridge/generate", "rain", 1.0)
FLOAT_4 = struct.pack(">f", 4.0)

# Malformed: none of these may reach a command.
BROKEN = {
    "nothing at all": b"",
    "one zero": b"\0",
    "four zeros": b"\0\0\0\0",
    "a slash": b"/",
    "our prefix alone": b"/bridge/",
    "address without an end": b"/bridge/generate",
    "address of 300 letters": message(b"/bridge/" + b"a" * 300),
    "address with a control character": message(b"/bridge/pi\x07ng"),
    "address that is not ASCII": message("/bridge/géné".encode()),
    "address with a space": message(b"/bridge/ping me"),
    "a bundle's name alone": b"#bundle\0",
    "half a time tag": b"#bundle\0\0\0\0",
    "element of size -4 (hangs python-osc for ever)": b"#bundle\0" + b"\0" * 7 + b"\1" + b"\xff\xff\xff\xfc",
    "element of size 0": b"#bundle\0" + b"\0" * 7 + b"\1" + b"\0\0\0\0",
    "element of size 3": b"#bundle\0" + b"\0" * 7 + b"\1" + b"\0\0\0\3abc",
    "element larger than the packet": b"#bundle\0" + b"\0" * 7 + b"\1" + b"\0\0\xff\xf0" + PING,
    "element of two gigabytes": b"#bundle\0" + b"\0" * 7 + b"\1" + b"\x7f\xff\xff\xfc" + PING,
    "two bytes of an element size": b"#bundle\0" + b"\0" * 7 + b"\1" + b"\0\0",
    "bundles nested 600 deep": nested(600),
    "bundles nested 12 deep": nested(12),
    "type tags without an end": b"/bridge/ping\0\0\0\0,iii",
    "type tags without a comma": message(b"/bridge/ping", b"if", b"\0" * 8),
    "an unknown type tag": message(b"/bridge/generate", b",sX", _string(b"rain")),
    "an unknown tag before a float (shifts arguments)": message(
        b"/bridge/generate", b",Uf", _string(b"rain") + FLOAT_4
    ),
    "60,000 unknown type tags": message(b"/bridge/generate", b"," + b"Q" * 60_000),
    "1,000 nil arguments": message(b"/bridge/generate", b"," + b"N" * 1_000),
    "a float cut to two bytes": message(b"/bridge/generate", b",sf", _string(b"rain") + FLOAT_4[:2]),
    "a missing float": message(b"/bridge/generate", b",sf", _string(b"rain")),
    "a double cut in half": message(b"/bridge/generate", b",sd", _string(b"rain") + b"\0" * 4),
    "a text without an end": message(b"/bridge/generate", b",s", b"rain"),
    "a text without padding": message(b"/bridge/generate", b",s", b"rain\0"),
    "a text that is not UTF-8": message(b"/bridge/generate", b",s", b"\xff\xfe\xfd\0"),
    "a text in Latin-1": message(b"/bridge/generate", b",s", "Geräusch".encode("latin-1") + b"\0" * 4),
    "a lone surrogate": message(b"/bridge/generate", b",s", b"\xed\xa0\x80\0"),
    "a blob of negative size": message(b"/bridge/ping", b",b", struct.pack(">i", -8)),
    "a blob of two gigabytes": message(b"/bridge/ping", b",b", struct.pack(">i", 2**31 - 1)),
    "a blob cut short": message(b"/bridge/ping", b",b", struct.pack(">i", 8) + b"abcd"),
    "a blob size cut short": message(b"/bridge/ping", b",b", b"\0\0"),
    "an array without an end": message(b"/bridge/ping", b",[i", b"\0" * 4),
    "an array without a begin": message(b"/bridge/ping", b",i]", b"\0" * 4),
    "arrays nested 100 deep": message(b"/bridge/ping", b"," + b"[" * 100 + b"]" * 100),
    "bytes behind the last argument": message(b"/bridge/ping", b",i", b"\0" * 12),
    "arguments without type tags": _string(b"/bridge/generate") + b"\0\0\0\7",
    "text instead of OSC": b"generate rain on tin 4.0\n",
    "an HTTP request": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "64 kB of 0xff": b"\xff" * 65_000,
}

# Well-formed, but not for us: never answered.
FOREIGN = {
    "scsynth's /fail": encode("/fail", "/bridge/status", "Command not found"),
    "scsynth's /done": encode("/done", "/quit"),
    "somebody's /status": encode("/status"),
    "our prefix without a slash": encode("/bridgehead/generate", "rain"),
    "a pattern over everything": encode("/*"),
    "a pattern that takes seconds to match": encode("/" + "*a" * 40),
    "our own done": encode("/bridge/done", "1", "/tmp/x.wav", 1.0),
    "our own error": encode("/bridge/error", "/bridge/x", "malformed", "…"),
    "our own pong": encode("/bridge/pong", 1),
    "our own state": encode("/bridge/state", "ready", ""),
}


def mutations(seed: int, count: int) -> Iterator[bytes]:
    """`count` datagrams made from good and bad ones by cutting, inserting, changing and joining bytes."""
    chance = random.Random(seed)
    words = encode("/bridge/generate/words", "rain", "on", "tin", 2.0, "@seed", 7)
    good = [PING, GENERATE, words, bundle(PING, GENERATE), bundle(bundle(words), PING), encode("/bridge/set/seed", 5.0)]
    bad = [packet for packet in (*BROKEN.values(), *FOREIGN.values()) if 0 < len(packet) <= 2_000]
    pool = good * (len(bad) // len(good)) + bad  # half and half: pure noise is easy to refuse
    for _ in range(count):
        data = bytearray(chance.choice(pool))
        for _ in range(chance.choice((1, 1, 2, 4))):
            place = chance.randrange(len(data)) if data else 0
            kind = chance.randrange(6)
            if kind == 0 and data:
                data[place] = chance.randrange(256)
            elif kind == 1:
                del data[place : place + chance.randint(1, 8)]
            elif kind == 2:
                data[place:place] = chance.randbytes(chance.randint(1, 8))
            elif kind == 3:
                data[place : place + 4] = struct.pack(
                    ">i", chance.choice((-1, -4, 0, 1, 3, 4, 2**31 - 1, -(2**31), len(data)))
                )
            elif kind == 4:
                data += chance.choice(pool)
            else:
                del data[place:]
        yield bytes(data[:60_000])
