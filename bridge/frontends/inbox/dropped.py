"""A file that was dropped into the inbox: its entries, how each ended, and the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from bridge.frontends.inbox.lists import Entry, keys_of
from bridge.system.logs import escaped


class Stamp(NamedTuple):
    """Tells whether a file has changed."""

    mtime_ns: int
    bytes: int
    inode: int


class Result(NamedTuple):
    """How an entry ended. `detail`: the path of the clip, or why it failed. `remark`: about the clip, or ""."""

    success: bool
    detail: str
    remark: str = ""


@dataclass(slots=True, eq=False)
class Dropped:
    """A file of the inbox. `fault`: why nothing can be made from it. `results`: by place in `entries`."""

    name: str
    stamp: Stamp
    entries: list[Entry] = field(default_factory=list)
    fault: str = ""
    results: dict[int, Result] = field(default_factory=dict)
    _keys: list[str] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        """A key for each entry; see `keys_of`."""
        if not self._keys:
            self._keys = keys_of(self.entries)
        return self._keys

    @property
    def unfinished(self) -> list[int]:
        """The places of the entries without a result."""
        return [place for place in range(len(self.entries)) if place not in self.results]

    @property
    def succeeded(self) -> bool:
        """Whether every entry became a clip."""
        return not self.fault and all(result.success for result in self.results.values())

    def report(self) -> str:
        """The text of the report."""
        name = escaped(self.name)
        if self.fault:
            return f"{name} -> nothing was made: {self.fault}\n"
        count = sum(result.success for result in self.results.values())
        lines = [f"{name}: {count} of {len(self.entries)} made", ""]
        for place, result in sorted(self.results.items()):
            entry = self.entries[place]
            where = f"{entry.where}: " if entry.where else ""
            failed = "" if result.success else "not made: "
            remark = f" ({escaped(result.remark)})" if result.remark else ""
            lines.append(f"{where}{escaped(entry.text)} -> {failed}{escaped(result.detail)}{remark}")
        return "\n".join(lines) + "\n"
