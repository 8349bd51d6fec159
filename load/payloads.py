"""Request bodies made from the schema, or from what an artifact remembers of its rows: the same for the same seed."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator

from gateline.contracts import samples
from gateline.contracts.likely import LikelyRows
from gateline.contracts.reference import Reference
from gateline.contracts.samples import Sample
from gateline.contracts.schema import Column, Schema


class Payloads(Iterator[str]):
    """An endless sequence of JSON bodies, one row each. In no prefix is a column missing more often than its share allows."""

    def __init__(self, schema: Schema, seed: int = 0, reference: Reference | None = None) -> None:
        """Draw `schema`'s features evenly from what it allows or, with a reference, as its training rows were distributed;
        equal seeds give equal sequences."""
        self._likely = LikelyRows(schema, reference, random.Random(seed)) if reference else None
        self._columns = schema.features
        self._chance = random.Random(seed)
        self._missing: Counter[str] = Counter()
        self._made = 0

    def __next__(self) -> str:
        """Return the next body."""
        return json.dumps({"features": self.row()}, separators=(",", ":"), allow_nan=False)

    def row(self) -> list[Sample]:
        """Return the next row in schema order; missing values are None."""
        if self._likely:
            return self._likely.row()
        self._made += 1
        return [self._value(column) for column in self._columns]

    def _value(self, column: Column) -> Sample:
        drawn = samples.value(column, self._chance)
        if drawn is not None:
            return drawn
        if self._missing[column.name] + 1 <= column.nullable * self._made:
            self._missing[column.name] += 1
            return None
        return samples.value(column.model_copy(update={"nullable": 0.0}), self._chance)
