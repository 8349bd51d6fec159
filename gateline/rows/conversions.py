"""What was changed, or must be known, of a file that is taken in tolerantly: said, never silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateline.settings.shown import shown

SHOWN = 5
"""Row numbers that are named."""
What = Literal["file", "separator", "encoding", "index", "column", "missing", "number", "date", "stray"]


@dataclass(frozen=True)
class Conversion:
    """One thing that was read otherwise than it is written, for one column or, without one, for the whole file."""

    what: What
    """`missing`: a mark that stands for a missing value; `stray`: values that are not of the column's type; the others name
    what was converted."""
    text: str
    """What was done, without the column's name, in plain words."""
    column: str = ""
    count: int = 0
    """How many values it concerns; 0 for the whole file."""
    rows: tuple[int, ...] = ()
    """The numbers of the first of these rows; the first row below the header is row 1."""

    def __str__(self) -> str:
        """Return one line to print."""
        column = f"'{shown(self.column)}': " if self.column else ""
        return f"{column}{self.text}{named(self.rows, self.count)}"


def named(rows: tuple[int, ...], count: int) -> str:
    """Return ` (rows 3, 9 and 4 more)`, or nothing where no row is known."""
    if not rows:
        return ""
    first = rows[:SHOWN]
    more = f" and {count - len(first)} more" if count > len(first) else ""
    return f" (row{'s' if count > 1 else ''} {', '.join(map(str, first))}{more})"
