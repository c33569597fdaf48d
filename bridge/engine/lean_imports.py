"""Import diffusers and transformers without what they load only because it is installed.

With it, importing them took longer than importing torch, reading the starter and its first run together. They do without where
it is missing; nothing here is missing for good: whoever imports it later gets it.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

log = logging.getLogger("clipbridge")

COMPILER = "torch._dynamo"
MARKS = ("allow_in_graph", "assume_constant_result", "disable")
"""Decorators that tell torch's compiler what to do with a function. They return the function."""


def import_lean(module: str, scipy: bool, compiled: bool) -> ModuleType:
    """Import a module of ours that imports the libraries. `scipy`, `compiled`: whether SciPy and torch's compiler are needed."""
    with contextlib.ExitStack() as hidden:
        if not scipy:
            hidden.enter_context(_without_scipy())
        if not compiled:
            hidden.enter_context(without_compiler())
            hidden.enter_context(_alone())
        try:
            return importlib.import_module(module)
        except (ImportError, AttributeError, RuntimeError) as error:
            log.info("these versions of the libraries need what was hidden from them", exc_info=error)
    return importlib.import_module(module)


@contextlib.contextmanager
def _without_scipy() -> Iterator[None]:
    """SciPy takes 0.7 s. The shaper needs it installed."""
    if "scipy" in sys.modules:
        yield
        return
    sys.modules["scipy"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["scipy"]


@contextlib.contextmanager
def without_compiler() -> Iterator[None]:
    """torch's compiler takes 1 s. The libraries import it to mark functions for it, and so does torch when it fills tensors without
    memory. The marks are lost, so this is only for a process that does not compile; where the compiler is already imported, this
    does nothing. Other modules of its package are imported as they are."""
    import torch

    if COMPILER in sys.modules:
        yield
        return
    stand_in = ModuleType(COMPILER)
    stand_in.__path__ = [str(Path(torch.__file__).parent / COMPILER.partition(".")[2])]
    for name in MARKS:
        setattr(stand_in, name, _unmarked)
    sys.modules[COMPILER] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(COMPILER) is stand_in:
            del sys.modules[COMPILER]
        if torch.__dict__.get("_dynamo") is stand_in:
            del torch._dynamo


def _unmarked(function: Callable[..., Any] | None = None, *_options: object, **_more: object) -> Any:
    """The function; or, of options only, a decorator."""
    return _unmarked if function is None else function


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """What connects several processes takes 0.7 s. torch may be built without it, so the libraries ask."""
    import torch.distributed

    is_available = torch.distributed.is_available
    torch.distributed.is_available = lambda: False
    try:
        yield
    finally:
        torch.distributed.is_available = is_available
