"""What an artifact remembers of the rows it was made from: `reference.json`, read by the service's counters and by drift."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

Value = float | str | None


class ColumnReference(BaseModel):
    """The distribution of one feature over the training rows.

    `bins` are k inner edges of k + 1 bins (a value equal to an edge falls above it, so none falls outside);
    `categories` are k values followed by one bin for all others. `shares` has k + 1 entries, of the rows that are not missing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bins: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    shares: tuple[float, ...]
    missing: float = 0.0
    """Share of rows without a value."""
    loadings: tuple[float, ...] = ()
    """How far the column follows each of the factors that all columns share (`gateline/contracts/samples.py`)."""
    order: tuple[int, ...] = ()
    """The bins of words, from one end of what the other columns follow to the other; empty for the order of `categories`."""

    def index(self, value: float | str | None) -> int | None:
        """Return the bin of an encoded value, or None where it is missing."""
        if value is None or isinstance(value, float) and math.isnan(value):
            return None
        if isinstance(value, str):
            return self.categories.index(value) if value in self.categories else len(self.categories)
        return bisect_right(self.bins, value)


class ScoreReference(BaseModel):
    """The distribution of scores over the test rows; `edges` are inner edges, as in `ColumnReference.bins`.

    The score is the probability of the positive class, of the class that was decided (many classes), or the number predicted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    edges: tuple[float, ...]
    shares: tuple[float, ...]

    def index(self, score: float) -> int:
        """Return the bin of a score."""
        return bisect_right(self.edges, score)


class Reference(BaseModel):
    """`columns` by feature name; `labels` is how often each label was predicted on the test rows (empty for regression)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[str, ColumnReference]
    scores: ScoreReference
    labels: dict[str, float] = Field(default_factory=dict)
    rows: int
    """Training rows behind `columns`."""
    score_rows: int = 0
    """Test rows behind `scores` and `labels`; 0 where it was not recorded."""


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
    binned = dict[str, ColumnCounts]()
    for name, values in columns.items():
        if name in reference.columns:
            column = reference.columns[name]
            found = [column.index(value) for value in values]
            binned[name] = ColumnCounts(counts=_tally(found, len(column.shares)), missing=found.count(None))
    return LiveCounts(
        rows=max([len(scores), *(len(columns[name]) for name in binned)]),
        columns=binned,
        scores=_tally(map(reference.scores.index, scores), len(reference.scores.shares)),
        labels=dict(Counter(labels)),
        matured=tuple(matured),
    )


def _tally(indices: Iterable[int | None], size: int) -> tuple[int, ...]:
    seen = Counter(indices)
    return tuple(seen[index] for index in range(size))
