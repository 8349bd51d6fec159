"""Read the files behind a URL in batches of rows, in memory that does not grow with them; and what is wrong with their form.

A job makes one batch, and may run in any thread; `seen` takes the batches in their order. What a file's form is, is known
when all of its batches were seen.
"""

from __future__ import annotations

import copy
import os
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import pyarrow as pa

from gateline.contracts.manifest import Objects
from gateline.contracts.schema import Schema
from gateline.rows.batches import Batch, Job
from gateline.rows.csv_file import CsvFile
from gateline.rows.parquet_batches import parquet_batches, plain_types
from gateline.rows.parts import Finding, Part, some_of
from gateline.rows.sources import Content, Source, sources, url_of
from gateline.settings.errors import UsageError
from gateline.settings.shown import shown

MOST_WORKERS = 4
"""Batches that are looked at at once, and held in memory; more gain nothing that one thread could read."""
JUDGE = "see what is wrong with it: python -m validation.data --data-path {url} --schema data/schema.json"
Seen = TypeVar("Seen")


@dataclass
class Places:
    """Where the rows of all batches stand in their files."""

    starts: list[int] = field(default_factory=list)
    batches: list[tuple[int, int, tuple[int, ...]]] = field(default_factory=list)
    """The part, the number of the row before the first, and the numbers that are left out within the batch."""
    rows: int = 0

    def add(self, part: int, before: int, ragged: tuple[int, ...], rows: int) -> None:
        """Append a batch."""
        self.starts.append(self.rows)
        self.batches.append((part, before, ragged))
        self.rows += rows

    def number(self, position: int) -> tuple[int, int]:
        """Return the part and the row's number in it. Raises IndexError beyond the last row."""
        if not 0 <= position < self.rows:
            raise IndexError(position)
        at = bisect_right(self.starts, position) - 1
        part, before, ragged = self.batches[at]
        number = position - self.starts[at] + 1
        for left_out in ragged:
            number += left_out <= number
        return part, before + number


class Stream:
    """All files behind a URL, or objects as they were; or `contents` that are in memory, under a name for messages."""

    def __init__(self, rows: str | Objects, contents: Sequence[Content] = ()) -> None:
        """Raises UsageError where there is no such file, OutsideError where it cannot be reached."""
        self.url = url_of(rows)
        self.sources: Sequence[Source | Content] = contents or sources(rows)
        self.broken: dict[int, Part] = {}
        self._begin()

    def _begin(self) -> None:
        self.places = Places()
        self.numbered = Counter[int]()
        """How many rows were counted of each part, those that were not read included."""
        self.files: dict[int, CsvFile] = {}
        self.found: dict[int, Part] = {}

    @property
    def parts(self) -> tuple[Part, ...]:
        """The files' names, columns and findings; complete when all rows were seen."""
        return tuple(self._part(number) for number in range(len(self.sources)))

    def _part(self, number: int) -> Part:
        source = self.sources[number]
        found = self.broken.get(number) or self.found.get(number)
        if found is None:
            found = self.files[number].part()
        return replace(found, name=source.name, partition=source.partition)

    def jobs(self, schema: Schema | None) -> Iterator[Job]:
        """Yield what makes each batch of the declared columns, or of all, from the first row on."""
        self._begin()
        for number, source in enumerate(self.sources):
            if number not in self.broken:
                yield from self._jobs_of(number, source, schema)

    def _jobs_of(self, number: int, source: Source | Content, schema: Schema | None) -> Iterator[Job]:
        with source.stream() as stream:
            if stream.finding is not None:
                self.found[number] = Part(pa.table({}), text=False, findings=(stream.finding,))
            elif stream.parquet:
                part, batches = parquet_batches(stream.file, schema)
                self.found[number] = part
                yield from (partial(_batch, number, source.partition, table) for table in batches)
            else:
                self.files[number] = file = CsvFile(number, source, schema)
                yield from (partial(file.read, data) for data in file.blocks(stream))

    def seen(self, batch: Batch) -> bool:
        """Take the next batch into account; False says that its file is broken, and all have to be read again without it."""
        file = self.files.get(batch.part)
        if batch.error is not None:
            findings = file.encoding_findings() if file is not None else ()
            text = file is not None and not batch.error.reason.startswith("is a gzip")
            self.broken[batch.part] = Part(pa.table({}), text=text, findings=(*findings, batch.error))
            return False
        self.places.add(batch.part, self.numbered[batch.part], batch.ragged, batch.rows)
        self.numbered[batch.part] += batch.rows + len(batch.ragged)
        if file is not None:
            file.add(batch)
        return True

    def again(self) -> Stream:
        """Return the same files, to be read once more; what is broken stays left out."""
        other = copy.copy(self)
        other.broken = dict(self.broken)
        other._begin()
        return other

    def place(self, position: int) -> str:
        """Return the number of the row at a position over all files, with the file where there are several."""
        part, number = self.places.number(position)
        return f"{number} of {shown(self.sources[part].name)}" if len(self.sources) > 1 else f"{number}"


def _batch(number: int, partition: dict[str, str], table: pa.Table | Finding) -> Batch:
    if isinstance(table, Finding):
        return Batch(number, pa.table({}), text=False, error=table)
    return Batch(number, table, text=False, partition=partition)


def in_order(jobs: Iterable[Job], look: Callable[[Job], Seen]) -> Iterator[Seen]:
    """Yield what `look`, called in threads, returns of each job; a few of them are under way at once."""
    workers = min(MOST_WORKERS, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        waiting = deque[Future[Seen]]()
        try:
            for job in jobs:
                waiting.append(pool.submit(look, job))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for left in waiting:
                left.cancel()


def read_parts(stream: Stream) -> tuple[Part, ...]:
    """Return all files with all of their rows and columns, as they are written."""
    while True:
        tables: dict[int, list[pa.Table]] = {}
        for batch in in_order(stream.jobs(None), lambda job: job()):
            if not stream.seen(batch):
                break
            tables.setdefault(batch.part, []).append(batch.table)
        else:
            whole = {number: plain_types(pa.concat_tables(found)) for number, found in tables.items()}
            return tuple(replace(part, table=whole.get(number, part.table)) for number, part in enumerate(stream.parts))


def refuse(url: str, parts: Sequence[Part], rows: int) -> None:
    """Raise UsageError for a file of broken form, and where there is no row."""
    for part, finding in ((part, finding) for part in parts for finding in part.findings):
        file = f" ({part.name})" if part.name else ""
        where = f": rows {some_of(finding.rows, len(finding.rows))}" if finding.rows else ""
        raise UsageError(f"{url}{file}: {finding.reason}{where}", f"{finding.next_step}; or {JUDGE.format(url=url)}")
    if not rows:
        raise UsageError(f"{url}: holds no rows", "name a file with a header and rows")
