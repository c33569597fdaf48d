"""Saves: takes of pads on their way to the sample folder."""

from __future__ import annotations

from bridge.domain.events import PadSaved, Publish
from bridge.live.pad import Press
from bridge.live.takes import Take
from bridge.live.voices import Live
from bridge.shaper import messages


class Saves:
    """Keeps the file of a take until it is saved, and publishes PadSaved then."""

    def __init__(self, live: Live, publish: Publish) -> None:
        self._live, self._publish = live, publish
        self._saves: dict[int, tuple[int, Take, Press]] = {}
        self._to_discard: set[str] = set()  # files, once they are saved

    @property
    def busy(self) -> bool:
        """Whether takes are being saved."""
        return bool(self._saves)

    def begin(self, pad: int, take: Take, press: Press) -> messages.Save:
        """The request to the shaper to save a take of a pad."""
        number = max(self._saves, default=0) + 1
        self._saves[number] = (pad, take, press)
        return messages.Save(number, take.file, take.prompt, take.model)

    def discard(self, file: str) -> None:
        """Remove the file of a take, but not before it is saved."""
        if any(take.file == file for _, take, _ in self._saves.values()):
            self._to_discard.add(file)
        else:
            self._to_discard.discard(file)
            self._live.discard(file)

    def on_saved(self, message: messages.Saved) -> None:
        """A take was saved, or could not be."""
        if message.number in self._saves:
            pad, take, press = self._saves.pop(message.number)
            if take.file in self._to_discard:
                self.discard(take.file)
            self._publish(PadSaved(pad, message.path, message.why, reply_to=press.reply_to))

    def lose(self, reason: str) -> None:
        """Fail all saves: the process that writes clips stopped."""
        for number in list(self._saves):
            self.on_saved(messages.Saved(number, "", f"the process that writes clips stopped ({reason})"))
