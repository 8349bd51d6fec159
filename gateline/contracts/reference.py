"""What an artifact remembers of the rows it was made from: `reference.json`, read by the service's counters and by drift."""

from __future__ import annotations

import math
from bisect import bisect_right

from pydantic import BaseModel, ConfigDict, Field


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
    """How far the column follows each of the factors that all columns share (`gateline/contracts/likely.py`)."""
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
