"""What makes numbers of categories: the fitted encoder itself is asked what it makes of each value, and of an unknown one."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from infra.releases.fast_path.writer import (
    Column, Columns, Indicator, NotCoveredError, Number, Word, Writer, literal, number, numeric,
)  # fmt: skip

UNKNOWN = "\x00 no category is this \x00"
ASIDE = 0.123456789e-30
"""A number that no data hold."""


def ordinal(step: Any, writer: Writer, columns: Columns) -> Columns:
    """Write OrdinalEncoder."""
    made: Columns = []
    for place, column in enumerate(columns):
        asked = _Asked(step, place, column)
        codes = {value: number(code) for value, (code,) in asked.known}
        missing, unknown = (None if row is None else number(row[0]) for row in (asked.missing, asked.unknown))
        whole = missing != "NAN" and unknown != "NAN" and "NAN" not in codes.values()
        text = writer.let(_lookup(writer, column, codes, missing, unknown))
        made.append(Number(text, column.place, codes={code: value for value, (code,) in asked.known}, is_whole=whole))
    return made


def one_hot(step: Any, writer: Writer, columns: Columns) -> Columns:
    """Write OneHotEncoder: one look-up finds which of a category's columns is 1, -1 for none."""
    made: Columns = []
    for place, column in enumerate(columns):
        asked = _Asked(step, place, column)
        codes = {value: str(_hot(row)) for value, row in asked.known}
        missing, unknown = (None if row is None else str(_hot(row)) for row in (asked.missing, asked.unknown))
        group = writer.let(_lookup(writer, column, codes, missing, unknown))
        first = {_hot(row): value for value, row in reversed(asked.known)}
        words = tuple(first.get(index) for index in range(asked.width))
        made += [Indicator(group, index, place=column.place, words=words) for index in range(asked.width)]
    return made


def _hot(row: Sequence[float]) -> int:
    """Return the place of the one column that is 1."""
    if sorted(row)[:-1] != [0.0] * (len(row) - 1) or (row and max(row) not in (0.0, 1.0)):
        raise NotCoveredError("a OneHotEncoder makes something else than one 1")
    return row.index(1.0) if 1.0 in row else -1


class _Asked:
    """What a fitted encoder makes of the values of one of its columns."""

    def __init__(self, step: Any, place: int, column: Column) -> None:
        """Ask; a value that it refuses is None."""
        self._step, self._place = step, place
        widths = getattr(step, "_n_features_outs", None) or [1] * len(step.categories_)
        self._start, self.width = sum(widths[:place]), widths[place]
        values = step.categories_[place].tolist()
        is_text = isinstance(column, Word)
        plain = [value for value in values if isinstance(value, str) == is_text and value == value and value is not None]
        self.known = list(zip(plain, self._of(plain) or []))
        self.missing = self._one(None if is_text else np.nan)
        self.unknown = self._one(UNKNOWN if is_text else ASIDE)

    def _one(self, value: Any) -> list[float] | None:
        try:
            return self._of([value])[0]
        except ValueError:
            return None

    def _of(self, values: Sequence[Any]) -> list[list[float]]:
        if not values:
            return []
        rows = np.empty((len(values), len(self._step.categories_)), dtype=object)
        for place, known in enumerate(self._step.categories_):
            rows[:, place] = known[0] if len(known) else np.nan
        rows[:, self._place] = values
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an encoder may be told to warn of unknown values
            found = self._step.transform(rows)
        found = found.toarray() if hasattr(found, "toarray") else np.asarray(found)
        return [list(map(float, row)) for row in found[:, self._start : self._start + self.width].tolist()]


def _lookup(writer: Writer, column: Column, codes: dict[Any, str], missing: str | None, unknown: str | None) -> str:
    """Return an expression for the code of a value; one that the encoder refuses is a KeyError."""
    for value in codes:
        writer.hit(column, value)
    if isinstance(column, Indicator):
        raise NotCoveredError("an encoder is given what another one made")
    entries = {literal(value): code for value, code in codes.items()}
    if isinstance(column, Word) and missing is not None:
        entries["None"] = missing
    if isinstance(column, Word) and missing is None and unknown is not None:
        raise NotCoveredError("an encoder takes unknown words, but not a missing one")
    table = writer.table("{" + ", ".join(f"{value}: {code}" for value, code in entries.items()) + "}")
    name = column.text if isinstance(column, Word) else numeric(column)
    found = f"{table}[{name}]" if unknown is None else f"{table}.get({name}, {unknown})"
    if isinstance(column, Word) or column.is_whole or missing == unknown:
        return found
    return f"({found} if {name} == {name} else {missing or f'{table}[{name}]'})"
