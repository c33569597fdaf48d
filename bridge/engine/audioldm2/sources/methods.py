"""The methods by how a source is used."""

from __future__ import annotations

from bridge.domain.source import How
from bridge.engine.audioldm2.sources import continuing, filling, varying
from bridge.engine.audioldm2.sources.method import Choose, Material, Method, Stages
from bridge.errors import Unsupported

CHOICES: dict[How, Choose] = {"vary": varying.choose, "continue": continuing.choose, "fill": filling.choose}


def choose(stages: Stages, material: Material) -> Method:
    """The method for a source. Raises Unsupported."""
    how = material.source.how
    if how not in CHOICES:
        raise Unsupported(f"AudioLDM 2 checkpoints cannot {how} a clip; they can {' and '.join(CHOICES)} one.")
    return CHOICES[how](stages, material)
