"""What a running release has seen, counted in the bins of its artifact's reference: enough to judge drift; no row is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from gateline.contracts.reference import Reference

Value = float | str | None


class ColumnCounts(BaseModel):
    """One feature: rows in each bin, as in the reference's `shares`, and rows without a value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    counts: tuple[NonNegativeInt, ...]
    missing: NonNegativeInt = 0


class Matured(BaseModel):
    """Rows whose label has arrived since, with one score, one prediction and one actual label."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: float
    """As in the reference: probability of the positive class, or of the decided class, or the number predicted."""
    predicted: str
    actual: str
    """The label; for regression the number, written out."""
    count: NonNegativeInt = 1


class LiveCounts(BaseModel):
    """One window of live rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: NonNegativeInt
    columns: dict[str, ColumnCounts] = Field(default_factory=dict)
    scores: tuple[NonNegativeInt, ...] = ()
    """Rows in each bin of the reference's scores."""
    labels: dict[str, NonNegativeInt] = Field(default_factory=dict)
    """Rows by predicted label; empty for regression."""
    matured: tuple[Matured, ...] = ()
    release: str = ""
    """Digest of the release that answered these rows."""
    artifact: str = ""
    since: str = ""
    until: str = ""


def count(
    reference: Reference,
    columns: Mapping[str, Sequence[Value]],
    scores: Sequence[float] = (),
    labels: Iterable[str] = (),
    matured: Iterable[Matured] = (),
) -> LiveCounts:
    """Return the counts of encoded rows given column by column; columns that the reference does not know are left out."""
    known = {name: values for name, values in columns.items() if name in reference.columns}
    found = [reference.scores.index(score) for score in scores]
    return LiveCounts(
        rows=max([len(scores), *map(len, known.values())]),
        columns={name: _binned(reference, name, values) for name, values in known.items()},
        scores=_tally(found, len(reference.scores.shares)),
        labels=dict(Counter(labels)),
        matured=tuple(matured),
    )


def _binned(reference: Reference, name: str, values: Sequence[Value]) -> ColumnCounts:
    column = reference.columns[name]
    found = [column.index(value) for value in values]
    present = [index for index in found if index is not None]
    return ColumnCounts(counts=_tally(present, len(column.shares)), missing=len(found) - len(present))


def _tally(indices: Iterable[int], size: int) -> tuple[int, ...]:
    seen = Counter(indices)
    return tuple(seen[index] for index in range(size))
