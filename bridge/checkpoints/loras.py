"""LoRA files that a checkpoint is run with: `FILE` or `FILE:STRENGTH`, where a learned model may stand for its file. Only named and hashed
here; the engine reads them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from bridge.checkpoints import adapted, learned
from bridge.checkpoints.adapted import UNKNOWN, Facts
from bridge.domain.fields import NUMERIC, number
from bridge.domain.limits import LORA_STRENGTH
from bridge.errors import BadArgument, NoModel

SHOWN_DIGITS = 8  # of a hash, in recipes


@dataclass(frozen=True, slots=True)
class Lora:
    """`strength`: 0 leaves the checkpoint as it is, 1 is as the file was trained. `facts`: those of a file
    that was learned here."""

    file: Path
    strength: float
    sha256: str
    facts: Facts = UNKNOWN

    @property
    def name(self) -> str:
        """What it is called: its word, or else the name of its file."""
        return self.facts.word or self.file.stem

    @property
    def label(self) -> str:
        """How recipes name it."""
        return f"lora {self.name} {self.sha256[:SHOWN_DIGITS]} {self.strength:g}"


def lora_of(stated: str) -> Lora:
    """The LoRA file that a setting states. Raises NoModel."""
    name, colon, end = stated.rpartition(":")
    has_strength = bool(colon) and NUMERIC.fullmatch(end) is not None
    name = name if has_strength else stated
    own = learned.folder_of(name)
    file = (None if own is None else adapted.file_in(own)) or Path(name)
    try:
        strength = number(float(end), "the strength of a LoRA", LORA_STRENGTH) if has_strength else 1.0
        file = file.expanduser().resolve()
        if file.suffix != ".safetensors":
            raise NoModel(
                f"{file.name} is no LoRA file: it must end with .safetensors. Other formats can run code when they are opened."
            )
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except BadArgument as error:
        raise NoModel(str(error)) from error
    except (OSError, RuntimeError, ValueError) as error:
        raise NoModel(f"The LoRA file {stated!r} cannot be read ({error}).") from error
    return Lora(file, strength, digest, adapted.facts_of(file))
