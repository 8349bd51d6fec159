"""A key is known by its name and its values."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from gateline.contracts.schema import Column
from template.adopting.keys import key_reason, names_others, without_range

COUNT = 60
NUMBERS = [str(50_001 + 7 * i) for i in range(COUNT)]


def column(name: str, dtype: Any, **about: Any) -> Column:
    return Column(name=name, dtype=dtype, **about)


@pytest.mark.parametrize(
    ("declared", "values", "words"),
    [
        (column("customerID", "integer"), NUMBERS, "named like a key"),
        (column("order_no", "string"), [f"A-{n}" for n in NUMBERS], "named like a key"),
        (column("x", "integer"), [str(i) for i in range(1, COUNT + 1)], "counts the rows"),
        (column("x", "string"), [str(uuid.UUID(int=i * 10**30)) for i in range(COUNT)], "UUID"),
        (column("x", "string", pattern="[A-Z]{1}[0-9]{5}"), [f"C{n}" for n in NUMBERS], "one form"),
    ],
)
def test_these_are_keys(declared: Column, values: list[str], words: str) -> None:
    assert words in key_reason(declared, values)


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        (column("customer_id", "integer"), [*NUMBERS[:-1], NUMBERS[0]]),
        (column("customer_id", "integer"), [*NUMBERS[:-1], ""]),
        (column("customer_id", "integer"), NUMBERS[:20]),
        (column("order_id", "number"), [f"{n}.5" for n in NUMBERS]),
        (column("income", "integer"), NUMBERS),
        (column("countdown", "integer"), [str(i) for i in range(COUNT, 0, -1)]),
        (column("comment", "string"), [f"words {n} of some length" for n in NUMBERS]),
        (column("plan", "string", pattern="[A-Z]{3}"), [f"{chr(65 + i // 26)}{chr(65 + i % 26)}A" for i in range(COUNT)]),
    ],
)
def test_these_are_none(declared: Column, values: list[str]) -> None:
    assert key_reason(declared, values) == ""


def test_a_key_of_others_repeats() -> None:
    assert names_others(column("customer_id", "integer"), NUMBERS * 2)
    assert not names_others(column("store_id", "integer"), [str(i % 10) for i in range(COUNT)]), "few are categories"
    assert not names_others(column("income", "integer"), NUMBERS * 2)


def test_a_key_has_nothing_that_the_next_one_breaks() -> None:
    body = {"name": "id", "dtype": "integer", "minimum": 1, "maximum": 9, "pattern": "x", "nullable": 0.1}
    assert without_range(body) == {"name": "id", "dtype": "integer", "nullable": 0.1}
