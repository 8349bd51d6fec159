"""The files behind a data URL: one file, a folder of parts, or a glob; now, or as they were; what each is, and their digest.

It imports neither pandas nor pyarrow: a digest is wanted where no row is read.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import re
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any, ClassVar

from gateline.contracts.digest import of_bytes, of_value
from gateline.contracts.manifest import Objects
from gateline.contracts.storage import cause_of, is_missing, is_s3, next_step_of, opened
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
BYTE_ORDER = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""The marks at the beginning of a text that name its encoding."""
WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
HEAD = 2**16
"""Bytes that are looked at to tell text from anything else."""
BINARY = 0.05
JSON = re.compile(rb"\s*(?:(?:\[\s*)?\{\s*\"|\[\s*(?:\[|\"|-?[0-9.]+\s*[,\]]))")
AT_ONCE = 8
KEPT = 2**28
"""Bytes of files that are kept between their digest and the reading of their rows; beyond, a file is read for each."""
KEPT_OF_DISK = 2**24
"""The same of files on this machine's disk, which the system keeps by itself."""
SETTLED = 2.0
"""Seconds after its last change from which a file's time tells one content from another, on the coarsest file system."""
CHECK = "check the address and the credentials"


@dataclass(frozen=True)
class Source:
    """One file. `name` is its path below the folder, or empty where the URL names the file itself."""

    name: str
    path: str
    filesystem: Any
    version: str = ""
    """The version that is read; empty for the one that is there."""
    separator: ClassVar[str] = ","

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

    def digest(self) -> str:
        """Return the hex SHA-256 of the stored bytes; a process reads a file once for this and for its rows."""
        stamp = self._stamp()
        if stamp not in _digests:
            with self.open() as stream:
                size = getattr(stream, "size", None)
                most = KEPT_OF_DISK if self._is_local() else KEPT
                if stamp and size is not None and size + sum(map(len, _kept.values())) <= most:
                    _kept[stamp] = stream.read()
                    return _digests.setdefault(stamp, of_bytes(_kept[stamp]))
                found = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
            if not stamp:
                return found
            _digests[stamp] = found
        return _digests[stamp]

    @contextmanager
    def stream(self) -> Iterator[Streamed]:
        """Open the file's content to be read once, unpacked where it is gzip; what is neither CSV nor Parquet is a finding.

        Parquet, which is read at several places, is on the local disk: fetched or unpacked into a temporary file if need be.
        """
        with ExitStack() as stack:
            kept = _kept.pop(self._stamp(), None) if _kept else None
            stored = io.BytesIO(kept) if kept is not None else stack.enter_context(self.open())
            yield streamed(stored, local=kept is not None or self._is_local(), stack=stack)

    def _is_local(self) -> bool:
        protocol = self.filesystem.protocol
        return "file" in ((protocol,) if isinstance(protocol, str) else protocol)

    def _stamp(self) -> str:
        """Return what names these very bytes; '' where nothing does, or where they may just now be changing."""
        if self.version:
            return f"{self.path} {self.version}"
        with _reaching(self.path):
            changed = self.filesystem.info(self.path).get("mtime")
            settled = not isinstance(changed, float) or time.time() - changed > SETTLED
            return f"{self.path} {self.filesystem.ukey(self.path)}" if settled else ""


_digests: dict[str, str] = {}
_kept: dict[str, bytes] = {}


def data_digest(rows: str | Objects) -> str:
    """Return one hex SHA-256 of the files behind a URL, or of objects as they were, and their names below it.

    A single file's own name does not count: the same rows elsewhere are the same data. Raises UsageError where there is none.
    """
    return of_value({source.name: source.digest() for source in sources(rows)})


def still(rows: str | Objects, digest: str) -> None:
    """Raise OutsideError unless the files still have this digest, by which what was read of them is known from now on."""
    if data_digest(rows) != digest:
        raise OutsideError(f"{url_of(rows)} changed while it was read", "wait until nothing writes to it, then run this again")


@dataclass(frozen=True)
class Content:
    """A file's bytes, and what they are: not its name says so, but how they begin. They are read as a `Source` is."""

    data: bytes
    parquet: bool = False
    finding: Finding | None = None
    """Why it is neither CSV nor Parquet."""
    separator: str = ","
    name: ClassVar[str] = ""
    partition: ClassVar[dict[str, str]] = {}

    @contextmanager
    def stream(self) -> Iterator[Streamed]:
        """Open the content to be read once."""
        yield Streamed(io.BytesIO(self.data), parquet=self.parquet, finding=self.finding, whole=True)


def content_of(data: bytes) -> Content:
    """Return what a file's bytes are: text, Parquet, either of them packed with gzip, or neither."""
    if data.startswith(GZIP):
        try:
            data = gzip.decompress(data)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            return Content(b"", finding=_damaged(error))
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
        return Content(b"", finding=Finding("format", "is a binary file, and neither CSV nor Parquet", "export it as CSV"))
    return Content(data)


@dataclass(frozen=True)
class Streamed:
    """A file's content as a stream, and what it is."""

    file: IO[bytes]
    """For text, what follows `head`; for Parquet, the whole file."""
    head: bytes = b""
    parquet: bool = False
    finding: Finding | None = None
    """Why it is neither CSV nor Parquet."""
    whole: bool = False
    """Whether text is in memory: it is not cut into blocks."""


class GzipEnds(Exception):
    """A file of gzip is cut or damaged, which shows where it is unpacked."""

    def __init__(self, error: Exception) -> None:
        self.finding = _damaged(error)
        super().__init__(self.finding.reason)


class _Unpacked:
    """What is in a file of gzip."""

    def __init__(self, packed: IO[bytes]) -> None:
        self.packed = gzip.GzipFile(fileobj=packed, mode="rb")

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes. Raises GzipEnds."""
        try:
            return self.packed.read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise GzipEnds(error) from None


def _damaged(error: Exception) -> Finding:
    return Finding("format", f"is a gzip file that is cut or damaged: {error}", "download or write the file again")


def streamed(stored: Any, *, local: bool, stack: ExitStack) -> Streamed:
    """Return the content of a stored file that can be read from its start, and what it is; `stack` closes what is opened."""
    packed = stored.read(len(GZIP)) == GZIP
    stored.seek(0)
    file: Any = _Unpacked(stored) if packed else stored
    try:
        head = b""
        while len(head) < HEAD and (more := file.read(HEAD - len(head))):
            head += more
        if head.startswith(PARQUET):
            if local and not packed:
                stored.seek(0)
                return Streamed(stored, parquet=True)
            copy = stack.enter_context(tempfile.TemporaryFile())
            copy.write(head)
            shutil.copyfileobj(file, copy)
            copy.seek(0)
            return Streamed(copy, parquet=True)
        content = content_of(head + file.read() if head.startswith(b"PK") else head)
    except GzipEnds as error:
        return Streamed(io.BytesIO(), finding=error.finding)
    return Streamed(file, head, finding=content.finding)


def wide_of(data: bytes) -> str:
    """Return `utf-16` or `utf-32`, with its byte order where no mark says it, for data in it; '' for all others.

    A text in it has ASCII signs between its words, and no controls but tabs and line ends: read otherwise it has neither.
    """
    mark = next((mark for mark in BYTE_ORDER if data.startswith(mark)), b"")
    if mark:
        return BYTE_ORDER[mark].removeprefix("utf-8")
    head = data[:HEAD]
    for name in WIDE if b"\x00" in head else ():
        text = codecs.getincrementaldecoder(name)("replace").decode(head)
        ascii_ones = sum(sign.isascii() for sign in text)
        odd = sum(sign == "\ufffd" or (sign < " " and sign not in "\t\r\n") for sign in text)
        if not odd and ascii_ones > 2 * BINARY * len(text):
            return name
    return ""


def is_binary(data: bytes) -> bool:
    """Say whether more than a twentieth of the first bytes are control characters that no text holds, once UTF-16 is read."""
    wide = wide_of(data)
    head = data[:HEAD].decode(wide, errors="replace").encode() if wide else data[:HEAD]
    controls = sum(head.count(bytes([sign])) for sign in range(32) if sign not in (9, 10, 12, 13, 27))
    return controls > BINARY * len(head)


def sources(rows: str | Objects) -> list[Source]:
    """Return the files behind a URL, or objects as they were read before, sorted by name.

    Raises UsageError where there is none, OutsideError where they cannot be listed.
    """
    if isinstance(rows, Objects):
        filesystem, path = opened(rows.url, versions=any(rows.versions.values()))
        below = f"{_folder(path)}/"
        versions = sorted(rows.versions.items())
        return [Source(name, below + name if name else path, filesystem, version) for name, version in versions]
    filesystem, path = opened(rows)
    with _reaching(rows):
        found = _found(filesystem, path)
    if not found:
        url = redacted(rows)
        raise UsageError(
            f"{url}: no such data file, and no folder with {', '.join(SUFFIXES)} in it",
            f"check data.train, data.test and data.labels in pipeline.toml, or the path on the command line ({url!r})",
        )
    return found


def pinned(url: str) -> str | Objects:
    """Return the objects behind a URL with the versions they have now; the URL itself where files have none."""
    if not is_s3(url):
        return url
    found = sources(url)
    with _reaching(url), ThreadPoolExecutor(AT_ONCE) as pool:
        now = pool.map(lambda source: str(source.filesystem.info(source.path).get("VersionId") or ""), found)
        return Objects(url=url, versions=dict(zip((source.name for source in found), now, strict=True)))


def url_of(rows: str | Objects) -> str:
    """Return the URL that rows are read from."""
    return rows if isinstance(rows, str) else rows.url


def _found(filesystem: Any, path: str) -> list[Source]:
    if filesystem.isfile(path):
        return [Source("", path, filesystem)]
    if any(sign in path for sign in PLACEHOLDERS):
        paths = [name for name in filesystem.glob(path) if filesystem.isfile(name)]
    else:
        paths = filesystem.find(path)
    named = sorted((str(name)[len(_folder(path)) :].lstrip("/"), str(name)) for name in paths)
    # Files that start with a dot or an underscore are what writers leave next to the data.
    return [
        Source(name, full, filesystem)
        for name, full in named
        if name.lower().endswith(SUFFIXES) and not any(part.startswith((".", "_")) for part in name.split("/"))
    ]


def _folder(path: str) -> str:
    """Return the folder that names are below: the path itself, or what stands before its first placeholder."""
    before = re.split(f"[{re.escape(PLACEHOLDERS)}]", path)[0]
    return path.rstrip("/") if before == path else before.rpartition("/")[0]


@contextmanager
def _reaching(where: str, version: str = "") -> Iterator[None]:
    """Turn what a disk or a store raises, of any type, into one error with a next step."""
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
