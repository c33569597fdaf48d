"""The tree of all addresses, which OSCQuery describes: built once from the tables of addresses, replies and keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.ask import FIELDS
from bridge.domain.fields import Field
from bridge.frontends.http import arguments
from bridge.frontends.http.arguments import Arguments
from bridge.frontends.osc.addresses import METHODS, NUMBERS
from bridge.frontends.osc.arguments import KEYS
from bridge.frontends.osc.replies import REPLIES

READ, WRITE = 1, 2  # the bits of ACCESS
NUMBER, KEY = "<n>", "<key>"
SET = "/bridge/set/"
# An id is never remembered.
SETTABLE: dict[str, Field] = {"prompt": FIELDS["text"], "seconds": FIELDS["seconds"]} | {
    name: key for name, key in KEYS.items() if name != "id"
}


@dataclass(slots=True)
class Branch:
    """A part of the tree. `access`: the bits READ and WRITE. `what`: a sentence. `arguments`: None for what only holds others. `key`:
    of an ask that is remembered here. `branches` by their names; NUMBER stands for any pad or voice."""

    access: int = 0
    what: str = ""
    arguments: Arguments | None = None
    key: str = ""
    branches: dict[str, Branch] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """A branch at an address with its numbers filled in."""

    path: str
    branch: Branch

    def below(self, name: str, branch: Branch) -> Place:
        """A branch of this one."""
        return Place(f"{self.path.rstrip('/')}/{name}", branch)


def build() -> Branch:
    """The whole tree."""
    root = Branch()
    for address, method in METHODS.items():
        if KEY not in address:
            _put(root, address, WRITE, method.what, arguments.of_method(method))
    for name, key in SETTABLE.items():
        branch = _put(root, SET + name, READ | WRITE, key.what, arguments.of_key(key))
        branch.key = name
    for address, reply in REPLIES.items():
        if not reply.is_private:
            _put(root, address, READ, reply.what, arguments.of_reply(reply))
    root.branches["bridge"].branches["tempo"].access |= READ
    return root


def _put(root: Branch, address: str, access: int, what: str, values: Arguments) -> Branch:
    branch = root
    for name in address.strip("/").split("/"):
        branch = branch.branches.setdefault(name, Branch())
    branch.access, branch.what, branch.arguments = access, what.replace("`", ""), values
    return branch


def find(root: Branch, path: str) -> Place | None:
    """The place at a path such as `/bridge/pad/3/play`; None if nothing is there."""
    place = Place("/", root)
    above = ""
    for name in path.strip("/").split("/") if path.strip("/") else ():
        branch = place.branch.branches.get(name)
        if branch is None and _is_number(name, above):
            branch = place.branch.branches.get(NUMBER)
        if branch is None or name == NUMBER:
            return None
        place, above = place.below(name, branch), name
    return place if path.startswith("/") and "//" not in path and (path == "/" or not path.endswith("/")) else None


def _is_number(name: str, above: str) -> bool:
    """Whether a name is the number of a pad or voice, as `above` says, in its plain spelling."""
    if above not in NUMBERS or not name.isascii() or not name.isdecimal() or len(name) > 9:
        return False
    return str(int(name)) == name and int(name) in NUMBERS[above]


def contents(place: Place, pads: list[int]) -> Iterator[tuple[str, Place]]:
    """The branches of a place by name. Of voices, which come and go, none is listed; of pads these."""
    for name, branch in place.branch.branches.items():
        if name != NUMBER:
            yield name, place.below(name, branch)
        elif place.path.endswith("/pad"):
            yield from ((str(pad), place.below(str(pad), branch)) for pad in pads)


def attributes(place: Place, values: list[Any] | None, choices: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """The attributes of a place, without CONTENTS. `values`: its current ones, if it has any. `choices`: of keys, as known now."""
    branch = place.branch
    found: dict[str, Any] = {"FULL_PATH": place.path, "ACCESS": branch.access}
    if branch.what:
        found["DESCRIPTION"] = branch.what
    if branch.arguments is None:
        return found
    each = branch.arguments.each
    if branch.key in choices:
        each = arguments.of_key(SETTABLE[branch.key], choices[branch.key]).each
    found["TYPE"] = "".join(one.tag for one in each)
    ranges = [
        {"VALS": list(one.choices)}
        if one.choices
        else {}
        if one.limits is None
        else {"MIN": one.limits.low, "MAX": one.limits.high}
        for one in each
    ]
    if any(ranges):
        found["RANGE"] = ranges
    if any(one.unit for one in each):
        found["UNIT"] = [one.unit or None for one in each]
    if any(one.clips for one in each):
        found["CLIPMODE"] = [one.clips or "none" for one in each]
    if values is not None and branch.access & READ:
        found["VALUE"] = [bool(value) if one.tag == "T" else value for one, value in zip(each, values, strict=False)]
    return found
