"""Print what to install for the bundle of the panel, with the versions of pyproject.toml: a small part of what Clipbridge needs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

NEEDS = ("numpy", "platformdirs", "psutil", "python-osc", "soundfile")  # and the extra `panel`


def needs() -> list[str]:
    """The requirements. Raises KeyError if pyproject.toml lacks one."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    named = {re.split(r"[^\w-]", line)[0]: line for line in project["dependencies"]}
    return [*(named[name] for name in NEEDS), *project["optional-dependencies"]["panel"]]


if __name__ == "__main__":
    print("\n".join(needs()))
