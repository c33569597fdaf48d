"""The converted networks of one checkpoint: from the cache, or converted in the background while the networks run as they are."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from bridge.engine.runtime import kept
from bridge.engine.runtime.converting import Converting, Progress
from bridge.engine.runtime.kept import Kept

log = logging.getLogger("clipbridge")

FOLDER = "networks"  # in the cache


@dataclass(frozen=True, slots=True)
class Source:
    """What is converted. `module`: the name of the module that has `parts(folder)`; `folders`: the parts' own in the checkpoint's
    `folder`; `name`: the checkpoint's, with its revision."""

    module: str
    folder: Path
    folders: tuple[str, ...]
    name: str


class Conversions:
    """`networks`: by their names, empty until they are open; `shortcoming`: a sentence, if they never will be."""

    def __init__(self, source: Source, cache: Path, device: str, threads: int) -> None:
        self.networks: dict[str, Kept] = {}
        self.shortcoming = ""
        self._source, self._cache, self._device, self._threads = source, cache / FOLDER, device, threads
        self._converting: Converting | None = None

    @property
    def progress(self) -> Progress | None:
        """How far the conversion is; None while there is none."""
        return None if self._converting is None else self._converting.progress

    def open(self) -> None:
        """Open the networks from the cache, or begin to convert them."""
        try:
            source = self._source
            folder = self._cache / kept.key(source.folder, source.folders, source.name)
            self.networks = kept.opened(folder, self._device, self._threads) or {}
            if not self.networks:
                self._converting = Converting(source.module, source.folder, folder, self._threads)
        except (ImportError, OSError, RuntimeError) as error:  # there is no OpenVINO, or it does not work here
            self._fail(f"{type(error).__name__}: {error}")

    def look(self) -> bool:
        """Open the networks if the conversion is over; returns whether it was."""
        if self._converting is None or not self._converting.is_over:
            return False
        done, self._converting = self._converting, None
        failure = done.finish()
        try:
            self.networks = kept.opened(done.folder, self._device, self._threads) or {}
        except (ImportError, OSError, RuntimeError) as error:
            self._fail(f"{type(error).__name__}: {error}")
        if not self.networks and not self.shortcoming:
            self._fail(failure or "the converted networks cannot be kept")
        return True

    def wait(self) -> None:
        """Wait until the networks are open, or never will be."""
        if self._converting is not None:
            self._converting.finish()
            self.look()

    def stop(self) -> None:
        """End the conversion."""
        if self._converting is not None:
            self._converting.stop()

    def _fail(self, reason: str) -> None:
        log.info("engine.compile openvino failed: %s", reason)
        reason = " ".join(reason.split())[:200]
        self.shortcoming = (
            f"engine.compile = openvino does not work here, so the networks run as they are, slower ({reason})"
        )
