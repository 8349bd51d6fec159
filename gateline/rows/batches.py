"""Some rows of one file at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from gateline.rows.parts import Finding

if TYPE_CHECKING:
    from gateline.rows.cutting import Look


@dataclass(frozen=True)
class Batch:
    """Some rows of one file, one after the other."""

    part: int
    table: pa.Table
    """The declared columns that the file holds, under their names; without a schema, all."""
    text: bool
    """Whether every value is a CSV's: as it stands there, or, of `integer` and `number`, already its plain number."""
    partition: dict[str, str] = field(default_factory=dict)
    ragged: tuple[int, ...] = ()
    """Numbers of rows that were not read, within the batch."""
    written: Callable[[str], pa.Array] | None = None
    """Returns a column of a CSV file as it is written."""
    look: Look | None = None
    swallowed: tuple[tuple[int, int], ...] = ()
    quotes: int = 0
    error: Finding | None = None
    """Why the whole file cannot be read."""

    @property
    def rows(self) -> int:
        return int(self.table.num_rows)


Job = Callable[[], Batch]
