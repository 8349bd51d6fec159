"""The files behind a data URL: one file, a folder of parts, or a glob; now, or as they were; and what each of them is."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from gateline.contracts.manifest import Objects
from gateline.contracts.storage import cause_of, is_missing, is_s3, next_step_of, opened
from gateline.rows.encodings import HEAD, is_binary
from gateline.rows.parts import Finding
from gateline.settings.errors import GatelineError, GateRefused, OutsideError, UsageError
from gateline.settings.secrets import redacted

SUFFIXES = (".csv", ".csv.gz", ".csv.gzip", ".parquet", ".parquet.gz", ".parquet.gzip", ".pq")
"""Names of data files in a folder; a file that is named itself may be called anything."""
PLACEHOLDERS = "*?["
PARQUET, GZIP = b"PAR1", b"\x1f\x8b"
FOREIGN = {
    b"PK\x03\x04": ("a ZIP archive (an Excel workbook is one, too)", "save it as CSV, or unpack it"),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", "save it as CSV"),
    b"7z\xbc\xaf": ("a 7-Zip archive", "unpack it"),
    b"Rar!": ("a RAR archive", "unpack it"),
    b"RDX": ("an R workspace", "write.csv(…, row.names=FALSE) writes its table as CSV"),
    b"RDA": ("an R workspace", "write.csv(…, row.names=FALSE) writes its table as CSV"),
    b"Obj\x01": ("an Avro file", "write it as Parquet"),
    b"\x93NUMPY": ("a NumPy array", "write it as CSV or Parquet, with a name for each column"),
    b"@relation": ("an ARFF file", "write it as CSV, with a name for each column in its first line"),
    b"@RELATION": ("an ARFF file", "write it as CSV, with a name for each column in its first line"),
    b"<stata_dta": ("a Stata file", "write it as CSV or Parquet"),
    b"$FL2": ("an SPSS file", "write it as CSV or Parquet"),
    b"<?xml": ("XML", "write it as CSV or Parquet"),
    b"<table": ("an HTML table", "write it as CSV or Parquet"),
    b"BZh": ("compressed with bzip2", "unpack it, or compress it with gzip"),
    b"\xfd7zXZ": ("compressed with xz", "unpack it, or compress it with gzip"),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "unpack it, or compress it with gzip"),
    b"ARROW1": ("an Arrow or Feather file", "write it as Parquet"),
    b"ORC": ("an ORC file", "write it as Parquet"),
    b"\x89HDF": ("an HDF5 file", "write it as Parquet"),
    b"SQLite format 3": ("a SQLite database", "export the table as CSV"),
    b"%PDF": ("a PDF document", "export its table as CSV"),
    b"\x89PNG": ("a picture", "name a CSV or Parquet file"),
    b"\x7fELF": ("a program", "name a CSV or Parquet file"),
    b"version https://git-lfs": ("a pointer of Git LFS, not the file itself", "fetch the file: git lfs pull"),
    b"<!DOCTYPE": ("an HTML page", "download the file itself: the address leads to a page, perhaps a login"),
    b"<html": ("an HTML page", "download the file itself: the address leads to a page, perhaps a login"),
}
"""How files begin that are neither CSV nor Parquet: what they are, and what to do."""
SHEETS = {b"xl/workbook": "an Excel workbook", b"opendocument.spreadsheet": "an OpenDocument spreadsheet"}
"""What a ZIP archive names that is a spreadsheet."""
TAR = (257, b"ustar")
JSON = re.compile(rb"\s*(?:(?:\[\s*)?\{\s*\"|\[\s*(?:\[|\"|-?[0-9.]+\s*[,\]]))")
AT_ONCE = 8
CHECK = "check the address and the credentials"


@dataclass(frozen=True)
class Source:
    """One file. `name` is its path below the folder, or empty where the URL names the file itself."""

    name: str
    path: str
    filesystem: Any
    version: str = ""
    """The version that is read; empty for the one that is there."""

    @property
    def partition(self) -> dict[str, str]:
        """What folders named `column=value` say of every row in the file."""
        folders = self.name.split("/")[:-1]
        return dict(folder.split("=", 1) for folder in folders if "=" in folder)

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the stored bytes. Raises GateRefused (rule `digest`) for a version that is gone, OutsideError for a store."""
        options = {"version_id": self.version} if self.version else {}
        with _reaching(self.path, self.version), self.filesystem.open(self.path, "rb", **options) as stream:
            yield stream

    def read(self) -> Content:
        """Return the file's content, unpacked where it is gzip; what is neither CSV nor Parquet is a finding."""
        with self.open() as stream:
            return content_of(stream.read())


@dataclass(frozen=True)
class Content:
    """A file's bytes, and what they are: not its name says so, but how they begin."""

    data: bytes
    parquet: bool = False
    finding: Finding | None = None
    """Why it is neither CSV nor Parquet."""


def content_of(data: bytes) -> Content:
    """Return what a file's bytes are: text, Parquet, either of them packed with gzip, or neither."""
    if data.startswith(GZIP):
        try:
            data = gzip.decompress(data)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            reason = f"is a gzip file that is cut or damaged: {error}"
            return Content(b"", finding=Finding("format", reason, "download or write the file again"))
    if data.startswith(PARQUET):
        return Content(data, parquet=True)
    what, step = next((found for magic, found in FOREIGN.items() if data.startswith(magic)), ("", ""))
    for name, sheet in SHEETS.items() if data.startswith(b"PK") else ():
        what, step = (sheet, "save its sheet as CSV") if name in data else (what, step)
    if data.startswith(TAR[1], TAR[0]):
        what, step = "a tar archive", "unpack it"
    if JSON.match(data[:HEAD]):
        what, step = "JSON", "write it as CSV or Parquet"
    if what:
        return Content(b"", finding=Finding("format", f"is {what}, and neither CSV nor Parquet", step))
    if is_binary(data):
        return Content(
            b"", finding=Finding("format", "is a binary file, and neither CSV nor Parquet", "export it as CSV")
        )
    return Content(data)


def sources(rows: str | Objects) -> list[Source]:
    """Return the files behind a URL, or objects as they were read before, sorted by name.

    Raises UsageError where there is none, OutsideError where they cannot be listed.
    """
    if isinstance(rows, Objects):
        return _as_they_were(rows)
    filesystem, path = opened(rows)
    with _reaching(rows):
        found = _found(filesystem, path)
    if not found:
        raise UsageError(
            f"{redacted(rows)}: no such data file, and no folder with {', '.join(SUFFIXES)} in it", _next_step(rows)
        )
    return found


def pinned(url: str) -> str | Objects:
    """Return the objects behind a URL with the versions they have now; the URL itself where files have none."""
    if not is_s3(url):
        return url
    found = sources(url)
    with _reaching(url), ThreadPoolExecutor(AT_ONCE) as pool:
        versions = dict(zip((source.name for source in found), pool.map(_version_now, found), strict=True))
    return Objects(url=url, versions=versions)


def url_of(rows: str | Objects) -> str:
    """Return the URL behind which rows lie."""
    return rows if isinstance(rows, str) else rows.url


def _version_now(source: Source) -> str:
    return str(source.filesystem.info(source.path).get("VersionId") or "")


def _as_they_were(objects: Objects) -> list[Source]:
    filesystem, path = opened(objects.url, versions=any(objects.versions.values()))
    folder = _folder(path)
    return [
        Source(name, f"{folder}/{name}" if name else path, filesystem, version)
        for name, version in sorted(objects.versions.items())
    ]


def _found(filesystem: Any, path: str) -> list[Source]:
    if filesystem.isfile(path):
        return [Source("", path, filesystem)]
    if any(sign in path for sign in PLACEHOLDERS):
        paths = [name for name in filesystem.glob(path) if filesystem.isfile(name)]
    else:
        paths = filesystem.find(path)
    named = ((str(name)[len(_folder(path)) :].lstrip("/"), str(name)) for name in paths)
    return [Source(name, full, filesystem) for name, full in sorted(named) if _is_data(name)]


def _folder(path: str) -> str:
    """Return the folder that names are below: the path itself, or what stands before its first placeholder."""
    if any(sign in path for sign in PLACEHOLDERS):
        return path[: min(path.index(sign) for sign in PLACEHOLDERS if sign in path)].rpartition("/")[0]
    return path.rstrip("/")


def _is_data(name: str) -> bool:
    """Files that start with a dot or an underscore are what writers leave beside the data."""
    return name.lower().endswith(SUFFIXES) and not any(part.startswith((".", "_")) for part in name.split("/"))


@contextmanager
def _reaching(where: str, version: str = "") -> Iterator[None]:
    """Turn what a disk or a store raises, of whatever type, into one error with a next step."""
    try:
        yield
    except GatelineError:
        raise
    except Exception as error:
        if version and is_missing(error):
            raise GateRefused(
                f"version {version} of {where}, which was read before, is not there any more",
                "bring it back, or train again on what is there: nox -s train", rule="digest",
            ) from None
        raise OutsideError(
            f"{redacted(where)}: cannot be read: {cause_of(error)}", next_step_of(error, CHECK)
        ) from error


def _next_step(url: str) -> str:
    return f"check data.train, data.test and data.labels in pipeline.toml, or the path on the command line ({redacted(url)!r})"
