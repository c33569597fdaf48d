"""Frozen dataclasses as plain data for JSON, and back: every type is checked, because what is read may come from anybody."""

from __future__ import annotations

import dataclasses
import types
import typing
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
LARGEST = 1e300


def plain(value: Any) -> Any:
    """A dataclass, or a value in one, as JSON can hold it: sets are sorted, tuples become lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, tuple | list) else value


def read(kind: type[T], value: Any) -> T:
    """The value of a type from plain data: a dataclass from a table of exactly its fields. Raises ValueError."""
    return typing.cast(T, _read(kind, value))


def _read(kind: Any, value: Any) -> Any:
    if kind in (str, bool, int):
        if type(value) is kind:
            return value
        raise ValueError(f"{str(value)[:40]!r} is not of the type {kind.__name__}")
    if kind is float:
        if type(value) in (int, float) and -LARGEST < value < LARGEST:
            return float(value)
        raise ValueError(f"{str(value)[:40]!r} is not a finite number")
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return kind(**_fields(_hints(kind), value))
    return _read_generic(kind, value)


def _read_generic(kind: Any, value: Any) -> Any:
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if value is None and type(None) in parts else _read(parts[0], value)
    if origin is typing.Literal:
        if value in parts and isinstance(value, str):
            return value
        raise ValueError(f"{str(value)[:40]!r} is not one of {parts}")
    if origin is dict and isinstance(value, dict):
        return {_read(parts[0], name): _read(parts[1], each) for name, each in value.items()}
    if not isinstance(value, list):
        raise ValueError(f"{str(value)[:40]!r} is not a list")
    if origin is frozenset:
        return frozenset(_read(parts[0], each) for each in value)
    if origin is tuple and parts[1:] == (...,):
        return tuple(_read(parts[0], each) for each in value)
    # A named tuple, or a tuple with a type for each place.
    hints = list(parts) if origin is tuple else list(_hints(kind).values())
    if len(hints) != len(value):
        raise ValueError(f"expected {len(hints)} values, not {len(value)}")
    values = [_read(hint, each) for hint, each in zip(hints, value, strict=True)]
    return tuple(values) if origin is tuple else kind(*values)


def _fields(hints: dict[str, Any], value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != hints.keys():
        raise ValueError(f"expected a table of {', '.join(hints)}")
    return {name: _read(hint, value[name]) for name, hint in hints.items()}


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)
