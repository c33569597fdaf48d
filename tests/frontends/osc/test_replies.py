from __future__ import annotations

import re

import pytest

from bridge.frontends.osc.replies import REPLIES, Reply

FLOATS = [reply for reply in REPLIES.values() if re.search(r"\bf \w|` f\b", reply.arguments)]


@pytest.mark.parametrize("reply", FLOATS, ids=lambda reply: reply.address)
def test_a_whole_number_is_sent_as_a_float_where_the_table_says_f(reply: Reply) -> None:
    pairs = dict(re.findall(r"`(\w+)` (?:the measured `\w+` )?([fis])\b", reply.pairs))
    positional = {value.split()[-1]: value.split()[0] for value in reply.positional.split(", ")}
    types = {**positional, **pairs}
    _, values = reply.message({"pad": 3, **dict.fromkeys(types, 1)})
    sent = dict(zip(values[len(positional) :: 2], values[len(positional) + 1 :: 2], strict=True))
    sent |= dict(zip(positional, values, strict=False))
    assert {name for name, value in sent.items() if isinstance(value, float)} == {
        name for name, kind in types.items() if kind == "f"
    }
