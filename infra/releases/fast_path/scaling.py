"""What makes numbers of numbers: scaled, and gaps filled."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from infra.releases.fast_path.writer import (
    Column, Columns, Indicator, NotCoveredError, Number, Word, Writer, literal, number, numeric,
)  # fmt: skip


OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
INVERSE = {"+": "-", "-": "+", "*": "/", "/": "*"}


def standard(step: Any, writer: Writer, columns: Columns) -> Columns:
    """Write StandardScaler."""
    return _shifted(writer, columns, step.mean_ if step.with_mean else None, step.scale_ if step.with_std else None)


def robust(step: Any, writer: Writer, columns: Columns) -> Columns:
    """Write RobustScaler."""
    return _shifted(writer, columns, step.center_, step.scale_)


def max_abs(step: Any, writer: Writer, columns: Columns) -> Columns:
    """Write MaxAbsScaler."""
    _refuse_clipping(step)
    return _shifted(writer, columns, None, step.scale_)


def min_max(step: Any, writer: Writer, columns: Columns) -> Columns:
    """Write MinMaxScaler."""
    _refuse_clipping(step)
    return [
        _computed(writer, column, (("*", scale), ("+", low)))
        for column, scale, low in zip(columns, step.scale_.tolist(), step.min_.tolist(), strict=True)
    ]


def _refuse_clipping(step: Any) -> None:
    if getattr(step, "clip", False):
        raise NotCoveredError(f"a {type(step).__name__} clips")


def _shifted(writer: Writer, columns: Columns, centers: Any, scales: Any) -> Columns:
    """Write `(x - center) / scale`, one after the other, as scikit-learn does."""
    count = len(columns)
    middles = [None] * count if centers is None else np.asarray(centers, dtype=np.float64).tolist()
    widths = [None] * count if scales is None else np.asarray(scales, dtype=np.float64).tolist()
    return [
        _computed(writer, column, [(sign, value) for sign, value in (("-", middle), ("/", width)) if value is not None])
        for column, middle, width in zip(columns, middles, widths, strict=True)
    ]


def _computed(writer: Writer, column: Column, steps: Sequence[tuple[str, float]]) -> Column:
    """Write a column after these operations; of an indicator, its two values are computed here."""
    if isinstance(column, Indicator):
        return replace(column, on=_after(column.on, steps), off=_after(column.off, steps))
    if isinstance(column, Word):
        raise NotCoveredError("a scaler is given text")
    text = column.text
    for sign, value in steps:
        text = f"({text} {sign} {number(value)})"
    back, undone = column.back or float, [(INVERSE[sign], value) for sign, value in reversed(steps)]
    codes = {_after(code, steps): value for code, value in column.codes.items()} if column.codes else None
    return replace(column, text=writer.let(text), back=lambda value: back(_after(value, undone)), codes=codes)


def _after(value: float, steps: Sequence[tuple[str, float]]) -> float:
    for sign, other in steps:
        value = OPERATIONS[sign](value, other)
    return value


def imputer(step: Any, writer: Writer, columns: Columns) -> Columns:
    """Write SimpleImputer, with the columns that say what was missing where it adds them."""
    made: Columns = []
    for column, fill in zip(columns, step.statistics_.tolist(), strict=True):
        if fill is None or fill != fill:
            if step.keep_empty_features:
                raise NotCoveredError("a SimpleImputer keeps a column that was empty in training")
            continue
        made.append(_filled(step, writer, column, fill))
    if step.indicator_ is not None:
        for place in step.indicator_.features_.tolist():
            column = columns[place]
            test = f"{numeric(column)} != {numeric(column)}" if _takes_nan(step, column) else "False"
            if isinstance(column, Word):
                test = f"{column.text} is None"
            made.append(Number(writer.let(f"1.0 if {test} else 0.0"), is_whole=True))
    return made


def _takes_nan(step: Any, column: Column) -> bool:
    """Say whether NaN counts as missing. Raises NotCoveredError for a mark of another kind."""
    if isinstance(column, Word):
        if step.missing_values is not None:
            raise NotCoveredError("a SimpleImputer of text takes something else than None as missing")
        return False
    if not (isinstance(step.missing_values, float) and step.missing_values != step.missing_values):
        raise NotCoveredError("a SimpleImputer of numbers takes something else than NaN as missing")
    return True


def _filled(step: Any, writer: Writer, column: Column, fill: Any) -> Column:
    if isinstance(column, Indicator):
        return column
    if _takes_nan(step, column):
        name = numeric(column)
        assert isinstance(column, Number)
        return replace(column, text=writer.let(f"{name} if {name} == {name} else {number(fill)}"), is_whole=True)
    assert isinstance(column, Word)
    return Word(writer.let(f"{column.text} if {column.text} is not None else {literal(fill)}"), column.place)
