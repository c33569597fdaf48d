"""The methods by how a source is used."""

from __future__ import annotations

from bridge.domain.source import How
from bridge.engine.audioldm2.sources import continuing, filling, varying
from bridge.engine.audioldm2.sources.method import Choose, Material, Method, Stages

CHOICES: dict[How, Choose] = {"vary": varying.choose, "continue": continuing.choose, "fill": filling.choose}


def choose(stages: Stages, material: Material) -> Method:
    """The method for a source. Raises Unsupported."""
    return CHOICES[material.source.how](stages, material)
