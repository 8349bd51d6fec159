"""The template's own steps in `model/features.py`, as long as a copy has not changed them."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

from infra.releases.fast_path.writer import Columns, NotCoveredError, Number, Word, Writer, literal, numeric

KNOWN = {
    "Codes": "29da4956fface513031f071ca41cd2f2247bdcbb3c5aea2e10e779f9b94fc9e3",
    "Calendar": "679e8484fd2dc2b70e66840d8e25bdf5073a626140b8ab54a83b9d3992988bdc",
}
"""SHA-256 of what each class does: its code and the constants that it reads, without comments and docstrings."""


def codes(step: Any, writer: Writer, columns: Columns) -> Columns:
    """Write `model.features.Codes`."""
    _refuse_changed(type(step))
    made: Columns = []
    for column, known in zip(columns, step.codes_, strict=True):
        if not isinstance(column, Word):
            raise NotCoveredError("Codes is given numbers")
        for word in known:
            writer.hit(column, word)
        table = writer.table("{" + ", ".join(f"{literal(word)}: {float(code)!r}" for word, code in known.items()) + "}")
        values = {-1.0: None} | {float(code): word for word, code in known.items()}
        made.append(Number(writer.let(f"{table}.get({column.text}, -1.0)"), column.place, codes=values, is_whole=True))
    return made


def calendar(step: Any, writer: Writer, columns: Columns) -> Columns:
    """Write `model.features.Calendar`: first the hour of all columns, then the weekday of all, then the month."""
    _refuse_changed(type(step))
    writer.helper(CALENDAR)
    parts = [[writer.fresh() for _ in range(3)] for _ in columns]
    for column, names in zip(columns, parts):
        writer.line(f"{', '.join(names)} = _calendar({numeric(column)})")
    made = []
    for part, (back, codes) in enumerate(MOMENTS):
        for column, names in zip(columns, parts):
            place = column.place if isinstance(column, Number) and column.back is None else -1
            made.append(Number(names[part], place, back, codes))
    return [*made]


CALENDAR = '''\
def _calendar(seconds):
    if seconds != seconds:
        return NAN, NAN, NAN
    days, second = divmod(int(seconds), 86400)
    of_era = (days + 719468) % 146097
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    month = (5 * (of_era - 365 * year - year // 4 + year // 100) + 2) // 153
    return second / 3600.0, float((days + 3) % 7), float(month + 3 if month < 10 else month - 9)'''
"""The month as of Hinnant's `civil_from_days`, whose years begin in March:
http://howardhinnant.github.io/date_algorithms.html."""


MONDAY, DAY = 1_356_912_000.0, 86_400.0
"""2012-12-31, in POSIX seconds."""
MOMENTS: tuple[tuple[Callable[[float], float] | None, Mapping[float, float] | None], ...] = (
    (lambda hour: MONDAY + hour * 3600.0, None),
    (None, {float(day): MONDAY + day * DAY for day in range(7)}),
    (None, {float(month): MONDAY + (month - 0.5) * 30.4 * DAY for month in range(1, 13)}),
)
"""A moment for each hour, weekday and month."""


def digest_of(kind: type) -> str:
    """Return the SHA-256 of what a class does."""
    module = ast.parse(inspect.getsource(sys.modules[kind.__module__]))
    node = next(each for each in module.body if isinstance(each, ast.ClassDef) and each.name == kind.__name__)
    for each in ast.walk(node):
        if isinstance(each, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(each) is not None:
            each.body = each.body[1:]
    used = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    constants = [
        each for each in module.body if isinstance(each, ast.Assign) and used & {ast.unparse(name) for name in each.targets}
    ]
    return hashlib.sha256("\n".join(map(ast.unparse, [*constants, node])).encode()).hexdigest()


def _refuse_changed(kind: type) -> None:
    if digest_of(kind) != KNOWN[kind.__name__]:
        raise NotCoveredError(f"model/features.py has another {kind.__name__} than the template")
