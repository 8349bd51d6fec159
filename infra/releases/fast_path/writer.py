"""The text of a scorer while it is written: names, tables and lines. Everything from a model or from data is a literal.

Columns are what a step takes and gives. A step reads the columns in front of it and writes lines for those that it makes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HEAD = '"""Scores a row as the artifact {identity} does. Written by `invoke build`."""'


class NotCoveredError(Exception):
    """Why a model cannot be written out: one sentence, without a full stop."""


@dataclass(frozen=True)
class Number:
    """A column of numbers: a variable or a literal; NaN is missing."""

    text: str
    place: int = -1
    """The feature that it is made of, by its place in a row; -1 where it is made of several, or of none."""
    back: Callable[[float], Any] | None = None
    """About which number of that feature gives a number of this column; None where it is the same."""
    codes: Mapping[float, Any] | None = None
    """Where it has few numbers: each, and a value of the feature that gives it."""
    is_whole: bool = False
    """Whether it is never missing: a step in front has seen to that."""

    def raw(self, value: float) -> Any:
        """Return about the value of the feature that gives a number of this column; of a missing one, NaN, or None."""
        if self.codes is not None:
            return self.codes.get(value)
        return value if self.back is None or value != value else self.back(value)


@dataclass(frozen=True)
class Word:
    """A column of text: a variable; None is missing."""

    text: str
    place: int = -1


@dataclass(frozen=True)
class Indicator:
    """A column with two values: `on` where the variable `group`, a whole number, is `index`; else `off`."""

    group: str
    index: int
    on: float = 1.0
    off: float = 0.0
    place: int = -1
    words: tuple[Any, ...] = ()
    """A value of the feature for each index."""


Column = Number | Word | Indicator
Columns = list[Column]
Step = Callable[[Any, "Writer", Columns], Columns]
Scorer = Callable[[Any, "Writer", Columns, str], list[str]]


def number(value: Any) -> str:
    """Return a float as a literal: the same number, bit for bit."""
    value = float(value)
    if math.isnan(value):
        return "NAN"
    return repr(value) if math.isfinite(value) else ("1e999" if value > 0 else "-1e999")


def steady(value: Any) -> float:
    """Return a number of 15 digits: numpy's logarithms differ in the last bit from processor to processor, and equal models
    must be written equally."""
    return float(f"{float(value):.15g}")


def literal(value: Any) -> str:
    """Return a value of data as a literal of ASCII characters. Raises NotCoveredError for what is no plain value."""
    value = value.item() if hasattr(value, "item") else value
    if value is None or isinstance(value, bool | int):
        return repr(value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str):
        return ascii(str(value))
    raise NotCoveredError(f"it holds a {type(value).__name__}, which is neither a number nor text")


def tuple_of(values: Iterable[Any]) -> str:
    """Return numbers as a tuple."""
    return f"({''.join(f'{number(value)}, ' for value in values)})"


def name_of(estimator: Any) -> str:
    """Return the name that the tables know a type by: of scikit-learn's, without its module, which moves with versions."""
    kind = type(estimator)
    module = "sklearn" if kind.__module__.startswith("sklearn.") else kind.__module__
    return f"{module}.{kind.__qualname__}"


class Writer:
    """One scorer while it is written."""

    def __init__(self, steps: Mapping[str, Step], scorers: Mapping[str, Scorer]) -> None:
        """Know the types that can be written out."""
        self._steps, self._scorers = steps, scorers
        self._imports, self._tables, self._lines = {"math"}, list[str](), list[str]()
        self._names = 0
        self.nodes = 0
        """Nodes of trees so far."""
        self.decisive: dict[int, set[Any]] = {}
        """Numbers and words at which features are told apart, by place: what a comparison must hit."""
        self.wishes: list[dict[int, Any]] = []
        """Values of features, by place, that bring a row to a node of a tree, at what it compares with."""

    def fresh(self, prefix: str = "v") -> str:
        """Return a name that nothing has yet."""
        self._names += 1
        return f"{prefix}{self._names}"

    def line(self, text: str) -> None:
        """Add a line to the function."""
        self._lines.append(f"    {text}")

    def let(self, expression: str) -> str:
        """Give an expression a name, and return it."""
        name = self.fresh()
        self.line(f"{name} = {expression}")
        return name

    def table(self, text: str) -> str:
        """Give a constant, made once, a name, and return it."""
        name = self.fresh("T")
        self._tables.append(f"{name} = {text}")
        return name

    def helper(self, text: str, *modules: str) -> None:
        """Add a function to those that are defined before the tables, once."""
        self._imports.update(modules)
        if text not in self._tables:
            self._tables.insert(0, text)

    def apart(self, changed: Sequence[str], given: Sequence[str], lines: Iterable[str]) -> None:
        """Add lines in a function of their own, which is given variables, and returns those that it changes."""
        name, made = self.fresh("F"), ", ".join(changed)
        body = "".join(f"    {text}\n" for text in lines)
        self._tables.append(f"\n\ndef {name}({', '.join([*changed, *given])}):\n{body}    return {made}")
        self.line(f"{made} = {name}({', '.join([*changed, *given])})")

    def transform(self, step: Any, columns: Columns) -> Columns:
        """Write a step; return the columns that it makes. Raises NotCoveredError."""
        if (known := self._steps.get(name_of(step))) is None:
            raise NotCoveredError(f"{name_of(step)} is not among the steps that can be written out")
        return known(step, self, list(columns))

    def answer(self, estimator: Any, columns: Columns, method: str) -> list[str]:
        """Write what a method of an estimator returns for a row; return an expression a column. Raises NotCoveredError."""
        if (known := self._scorers.get(name_of(estimator))) is None:
            raise NotCoveredError(f"{name_of(estimator)} is not among the estimators that can be written out")
        return known(estimator, self, list(columns), method)

    def refuse_missing(self, columns: Columns) -> None:
        """Raise ValueError for a row that holds no finite number where scikit-learn wants one."""
        doubtful = dict.fromkeys(each.text for each in columns if isinstance(each, Number) and not each.is_whole)
        if doubtful:
            self.line(f"if {' or '.join(f'{name} - {name} != 0.0' for name in doubtful)}:")
            self.line("    raise ValueError('a value is missing, or infinite')")

    def hit(self, column: Column, value: Any) -> None:
        """Remember that a column is told apart at a value."""
        if not isinstance(column, Indicator) and column.place >= 0:
            value = column.raw(value) if isinstance(column, Number) else value
            self.decisive.setdefault(column.place, set()).add(value)

    def module(self, identity: str, features: Sequence[Column], scores: Sequence[str]) -> str:
        """Return the text of the module."""
        names = "".join(f"{column.text}, " for column in features if not isinstance(column, Indicator))
        parts = [
            HEAD.format(identity=identity), "", *(f"import {module}" for module in sorted(self._imports)),
            "", "NAN = math.nan", *self._tables, "", "", "def score(row):", f"    {names}= row", *self._lines,
            f"    return [{', '.join(scores)}]", "",
        ]  # fmt: skip
        return "\n".join(parts)


def numeric(column: Column) -> str:
    """Return a column's value as an expression. Raises NotCoveredError for text where a number is needed."""
    if isinstance(column, Word):
        raise NotCoveredError("a step that computes with numbers is given text")
    if isinstance(column, Number):
        return column.text
    return f"({number(column.on)} if {column.group} == {column.index} else {number(column.off)})"
