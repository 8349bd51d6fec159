"""What a copy's own files import by its former name is the same thing, and a warning says what to write."""

from __future__ import annotations

import importlib
import sys

import pytest


@pytest.mark.parametrize(
    ("former", "names"),
    [
        ("contracts.schema", ("Schema", "Column", "load", "parse")),
        ("contracts.samples", ("rows",)),
        ("settings", ("Settings", "load")),
    ],
)
def test_a_former_name_warns_and_is_the_same(former: str, names: tuple[str, ...]) -> None:
    sys.modules.pop(former, None)
    with pytest.warns(FutureWarning, match=f"{former} is now gateline.{former}: change the import"):
        module = importlib.import_module(former)
    now = importlib.import_module(f"gateline.{former}")
    assert all(getattr(module, name) is getattr(now, name) for name in names)
