"""Records of rows, kept in memory up to a limit and on the disk beyond it, and given back in parts that equal keys share.

Equal keys come back in one part, and a part fits into memory: duplicates are found part by part, exactly.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

PARTS = 64
"""Files that records are dealt out to, by six bits of their key."""
SHIFT = np.uint64(58)

Records = npt.NDArray[Any]


@dataclass(frozen=True)
class Dealt:
    """Records of a batch, by the part that each belongs to; made in a thread of its own."""

    records: Records
    ends: npt.NDArray[np.intp]
    """Where the records of each part end."""

    @classmethod
    def of(cls, records: Records) -> Dealt:
        part = (records["key"] >> SHIFT).astype(np.uint8)
        order = np.argsort(part, kind="stable")
        return cls(records[order], np.cumsum(np.bincount(part, minlength=PARTS)))

    def part(self, number: int) -> Records:
        """Return the records of one part, in their order."""
        return self.records[self.ends[number - 1] if number else 0 : self.ends[number]]


class Spilled:
    """Records with a field `key` of 64 bits; those of equal keys in the order in which they were added."""

    write_beyond: int | None = None
    """Bytes that are kept in memory instead of what is asked for."""

    def __init__(self, dtype: Any, limit: int) -> None:
        """`limit` is how many bytes of records are kept in memory."""
        self.dtype, self.limit = np.dtype(dtype), self.write_beyond or limit
        self.kept: list[Dealt] = []
        self.size = self.rows = 0
        self.folder: Path | None = None
        """Where records are on the disk; removed with the last that needs them, at the latest when the process ends."""

    def add(self, dealt: Dealt) -> None:
        """Append records."""
        self.kept.append(dealt)
        self.size += dealt.records.nbytes
        self.rows += len(dealt.records)
        if self.size > self.limit:
            self._write()

    def _write(self) -> None:
        if self.folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix="gateline-rows-"))
            weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        for number in range(PARTS):
            with (self.folder / str(number)).open("ab") as stream:
                for dealt in self.kept:
                    stream.write(dealt.part(number).view(np.uint8).data)
        self.kept, self.size = [], 0

    def parts(self) -> Iterator[Records]:
        """Yield all records: those with equal keys together, and in their order."""
        if self.folder is None:
            yield np.concatenate([dealt.records for dealt in self.kept]) if self.kept else np.empty(0, self.dtype)
            return
        if self.kept:
            self._write()
        for number in range(PARTS):
            yield np.fromfile(self.folder / str(number), dtype=self.dtype)


def aligned(one: Spilled, other: Spilled) -> Iterator[tuple[Records, Records]]:
    """Yield the parts of two stores side by side, so that equal keys are in parts of one pair."""
    if one.folder is None and other.folder is None:
        yield next(one.parts()), next(other.parts())
        return
    for store in (one, other):
        if store.folder is None:
            store._write()
    yield from zip(one.parts(), other.parts(), strict=True)
