"""The cue: where the performer hears a sound before the audience does."""

from __future__ import annotations

from bridge.domain.outputs import CUE, MAIN
from bridge.errors import NoAudio
from bridge.live.player_link import PlayerLink


class Cue:
    """A pair of the main device's channels such as "3-4" (`pair`), another device with a player of its own (`own`), or neither: then it
    is the main output. Nothing else ever takes the place of a pair or device that is missing: the audience would hear it."""

    def __init__(self, main: PlayerLink, own: PlayerLink | None, pair: str) -> None:
        self._main, self._own, self._pair = main, own, pair

    @property
    def is_main(self) -> bool:
        """Whether there is no cue, so that the audience hears what is auditioned."""
        return self._own is None and not self._pair

    @property
    def route(self) -> tuple[PlayerLink, str]:
        """The link to its player, and the output there."""
        return self._own or self._main, CUE if self._pair else MAIN

    @property
    def state(self) -> tuple[str, str]:
        """ "main" if there is no cue, else the state of its device as PlayerLink has it, and a sentence about it."""
        if self.is_main:
            return "main", ""
        link = self._own or self._main
        if not self._pair or link.state != "open":
            return link.state, link.why
        return ("unusable", f"{link.no_cue}.") if link.no_cue else ("open", f"channels {self._pair} of {link.why}")

    def check(self) -> None:
        """Raises NoAudio if the cue cannot be heard now."""
        state, why = self.state
        if state == "main":
            self._main.check()
        elif state in ("unusable", "failed"):
            raise NoAudio(f"The cue cannot be heard now, and must not be heard elsewhere: {why}")
