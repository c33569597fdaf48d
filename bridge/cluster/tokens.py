"""Tokens: who may use the box, and how much of it."""

from __future__ import annotations

import collections
import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from bridge.errors import ClipbridgeError, ConfigError, QueueFull

ASKS_OF_ONE = 32  # at a time, with one token: so that one front cannot take all places
LEAST_CHARACTERS = 16


class WrongToken(ClipbridgeError, code="no_model"):
    """The request has no valid token."""


class Tokens:
    """The tokens of a file, one a line, such as one for each performer; without any, everybody who reaches the box may use it."""

    def __init__(self, tokens: list[str]) -> None:
        self._digests = [_digest(token) for token in tokens]
        self._asks: collections.Counter[bytes] = collections.Counter()

    @property
    def demanded(self) -> bool:
        """Whether a token is needed."""
        return bool(self._digests)

    def check(self, authorization: str) -> bytes:
        """The digest of the token in an Authorization header. Raises WrongToken."""
        scheme, _, token = authorization.partition(" ")
        digest = _digest(token.strip()) if scheme.lower() == "bearer" else b""
        # All are compared, each in constant time, so that the time says nothing about any.
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        if self._digests and not any(matches):
            raise WrongToken(
                "The box wants a token, and got none or another one: set engine.token_file to a copy of the file that "
                "clipbridge serve --token-file names."
            )
        return digest if self._digests else b""

    @contextlib.contextmanager
    def asking(self, digest: bytes) -> Iterator[None]:
        """One ask with this token. Raises QueueFull if there are too many at a time."""
        if self._asks[digest] >= ASKS_OF_ONE:
            raise QueueFull(f"{ASKS_OF_ONE} jobs with this token are on the box already.")
        self._asks[digest] += 1
        try:
            yield
        finally:
            self._asks[digest] -= 1


def read(file: Path) -> list[str]:
    """The tokens in a file. Raises ConfigError."""
    try:
        lines = file.read_text("utf-8").split()
    except (OSError, ValueError) as error:
        raise ConfigError(f"The token file {file} cannot be read ({error}).") from error
    short = [line for line in lines if len(line) < LEAST_CHARACTERS or not line.isascii()]
    if not lines or short:
        raise ConfigError(f"{file} must have a token of at least {LEAST_CHARACTERS} ASCII characters on each line.")
    return lines


def create(file: Path) -> None:
    """Write a new token into a new file that only its owner can read. Raises ConfigError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            out.write(secrets.token_urlsafe(32) + "\n")
    except OSError as error:
        raise ConfigError(f"The token file {file} cannot be written ({error}).") from error


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()
