"""The part of OSC that Clipbridge uses; Live's Python has no library for it."""

import struct

NUMBERS = {"i": ">i", "f": ">f", "d": ">d", "h": ">q"}
WORDS = {"T": True, "F": False, "N": None}


def encode(address, *values):
    """The datagram of a message. Numbers go as doubles: a 32-bit float would move the end of a long clip."""
    tags, data = ",", b""
    for value in values:
        if isinstance(value, str):
            tags, data = tags + "s", data + _text(value)
        else:
            tags, data = tags + "d", data + struct.pack(">d", value)
    return _text(address) + _text(tags) + data


def decode(datagram):
    """(address, values) of a message, or None if it cannot be read."""
    try:
        address, at = _read_text(datagram, 0)
        tags, at = _read_text(datagram, at)
        if not tags.startswith(","):
            return None
        values = []
        for tag in tags[1:]:
            if tag == "s":
                value, at = _read_text(datagram, at)
            elif tag in WORDS:
                value = WORDS[tag]
            else:
                (value,) = struct.unpack_from(NUMBERS[tag], datagram, at)
                at += struct.calcsize(NUMBERS[tag])
            values.append(value)
    except (KeyError, ValueError, struct.error):
        return None
    return address, values


def _text(text):
    data = text.replace("\0", " ").encode("utf-8", "replace") + b"\0"
    return data + b"\0" * (-len(data) % 4)


def _read_text(datagram, at):
    end = datagram.index(b"\0", at)
    return datagram[at:end].decode("utf-8"), end + 4 - end % 4
