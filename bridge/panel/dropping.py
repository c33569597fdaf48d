"""What drops on the window do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from PySide6.QtCore import QMimeData, QObject, QTimer
from PySide6.QtWidgets import QMainWindow

from bridge.client import pairs
from bridge.domain.source import How
from bridge.errors import BadArgument
from bridge.panel.background import Background
from bridge.panel.drop_target import DropTarget
from bridge.panel.drops import Audio, Folder, Lists, Nothing, Words, what_drop_means
from bridge.panel.jobs import MOST_AGAIN, Jobs
from bridge.panel.link import ABSENT, Link
from bridge.panel.lists import copy_lists
from bridge.panel.make import Make
from bridge.panel.offer_bar import OfferBar
from bridge.panel.offers import WAYS, Offer, describe, offers, unusable
from bridge.panel.sound_folder import SoundFolder, look
from bridge.panel.source import FormSource, of_file

MEASURE_S = 15  # a long file on a slow disk
LEARNING = "They become a model of your own, in five minutes beside your work. You hear a clip of it every minute."
USING = "It takes the place of the model that is in use. Clips that wait are made with it."


class Dropping(QObject):
    """Does what the drops on `window` mean. `say` shows a sentence."""

    def __init__(
        self,
        window: QMainWindow,
        link: Link,
        make: Make,
        jobs: Jobs,
        bar: OfferBar,
        inbox: str,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(window)
        self._link, self._make, self._jobs, self._bar, self._inbox, self._say = link, make, jobs, bar, inbox, say
        self._background = Background(self)
        self._paths: tuple[str, ...] = ()
        self._source: FormSource | None = None  # the first of them
        self._into_form = False  # dropped there
        self._patience = QTimer(self, interval=MEASURE_S * 1_000, singleShot=True)
        self._patience.timeout.connect(lambda: say("Clipbridge did not answer about the dropped file. Drop it again."))
        bar.chosen.connect(self._on_chosen)
        link.received.connect(self._on_message)
        DropTarget(window, make).dropped.connect(self.drop)

    def drop(self, mime: QMimeData, into_form: bool = False) -> None:
        """Do what a drop means; `into_form`: audio becomes the source of the next clip."""
        self._into_form = into_form
        match what_drop_means(mime):
            case Words(text):
                self._make.set_prompt(text)
            case Audio(paths, left_out):
                self._measure(paths)
                if left_out:
                    self._say(f"Took {len(paths)} of {len(paths) + left_out} files: the others are not audio.")
            case Lists(paths):
                self._background.do(lambda: copy_lists(paths, self._inbox), self._say)
            case Folder(path):
                self._background.do(lambda: look(path), self._offer_folder)
            case Nothing(why):
                self._say(why)

    def _use_source(self, how: How) -> None:
        assert self._source is not None
        self._make.set_source(replace(self._source, how=how))
        others = len(self._paths) - 1
        self._say(f"Only {self._source.name} is used: a clip starts from one sound." if others else "")

    def _offer_folder(self, folder: SoundFolder) -> None:
        if folder.why or self._link.state == ABSENT:
            self._say(
                folder.why
                or "Clipbridge learns folders, and it is not running. Press Start Clipbridge, then drop it again."
            )
            return
        name = PurePath(folder.path).name
        learn = Offer("learn", f"Learn these {folder.count} sounds", {"folder": folder.path})
        self._bar.show_offers(f"{name}  {folder.count} sounds", [learn], LEARNING)

    def _measure(self, paths: tuple[str, ...]) -> None:
        if self._link.state == ABSENT:
            self._say(
                "Clipbridge reads dropped files, and it is not running. Press Start Clipbridge, then drop it again."
            )
            return
        self._paths = paths
        try:
            self._link.send("/bridge/measure", paths[0])
        except BadArgument as error:
            self._say(str(error))
            return
        self._patience.start()

    def _on_message(self, address: str, arguments: list[Any]) -> None:
        match address, arguments:
            case "/bridge/measured", [str(path), *rest] if self._patience.isActive() and self._is_asked(path):
                self._patience.stop()
                self._offer(pairs(rest, 0))
            case "/bridge/learn/done", [str(name), *_]:
                use = Offer("use", f"Use {name[:40]} now", {"model": name})
                self._bar.show_offers(f"Learned {name[:40]}", [use], USING)
            case "/bridge/error", ["/bridge/measure", *_]:
                self._patience.stop()  # the window says why

    def _is_asked(self, path: str) -> bool:
        return bool(self._paths) and PurePath(path).name == PurePath(self._paths[0]).name

    def _offer(self, measured: dict[str, Any]) -> None:
        abilities = self._make.abilities
        self._source = of_file(self._paths[0], measured)
        made = offers(measured, self._make.tempo.beats_per_bar, abilities.ways())
        why = unusable(measured) or abilities.refusal()
        if self._into_form and (how := next((offer.what for offer in made if offer.what in WAYS), None)) is not None:
            self._use_source(how)
            return
        words = describe(self._paths[0], measured)
        if (count := len(self._paths)) > 1:
            words = f"{words}  and {count - 1} more"
            again = (
                f"Make all {count} again" if count <= MOST_AGAIN else f"Make the first {MOST_AGAIN} of {count} again"
            )
            made = [replace(offer, words=again) if offer.what == "again" else offer for offer in made]
        self._bar.show_offers(words, made, why)

    def _on_chosen(self, offer: Offer) -> None:
        match offer.what:
            case "recipe":
                self._make.set_recipe(offer.values)
            case "again":
                try:
                    for path in self._paths[:MOST_AGAIN]:
                        self._jobs.recall(path)
                except BadArgument as error:
                    self._say(str(error))
            case "vary" | "continue" | "fill" as how:
                self._use_source(how)
            case "learn":
                try:
                    self._jobs.learn(offer.values["folder"])
                except BadArgument as error:
                    self._say(str(error))
            case "use":
                self._link.send("/bridge/restart", offer.values["model"])
            case "length" | "tempo":
                self._make.set_recipe(
                    {**self._make.filled().keys(), "seconds": None, "bars": None, "bpm": None, **offer.values}
                )
