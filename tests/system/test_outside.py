from __future__ import annotations

import sys

import pytest

from bridge.system import outside


@pytest.mark.parametrize(
    ("is_bundle", "before", "expected"),
    [(False, "/mine", "/mine"), (True, "/before", "/before"), (True, "", None)],
)
def test_programs_of_the_system_do_not_get_the_libraries_of_a_bundle(
    monkeypatch: pytest.MonkeyPatch, is_bundle: bool, before: str, expected: str | None
) -> None:
    monkeypatch.setattr(sys, "frozen", is_bundle, raising=False)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/bundle/_internal" if is_bundle else before)
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", before)
    assert outside.environment().get("LD_LIBRARY_PATH") == expected
