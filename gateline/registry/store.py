"""Named objects below one fsspec URL: read, write whole, create exclusively."""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

from fsspec.implementations.local import LocalFileSystem

from gateline.contracts.files import beside, sync_folder
from gateline.contracts.layout import has_seen_events, log_of
from gateline.contracts.storage import cause_of, code_of, is_missing, is_silent, next_step_of, opened
from gateline.settings import Settings
from gateline.settings.errors import GatelineError, GateRefused, OutsideError
from gateline.settings.secrets import redacted
from gateline.settings.shown import shown

AT_ONCE = 16
NAME = re.compile(r"[A-Za-z0-9._+=-]+")
AUDIT = "audit"
Item = TypeVar("Item")
Result = TypeVar("Result")
GONE_SECONDS = 60.0
"""How long a store that did not answer is not asked again: a command says it many things, and waits for it once."""
PROOF = "exclusive-creation"
ABOUT = b"The store must refuse to create this object a second time: that is how writers of the audit log keep apart.\n"
REFUSALS = ("PreconditionFailed", "412")
BUSY = ("ConditionalRequestConflict", "OperationAborted", "409")
ATTEMPTS, WAIT_SECONDS = 8, 0.05
CHECK = "check registry.url, that its disk has space and that you may write there, then run the command again"


class Store:
    """The objects of one project. Names are posix paths below `<url>/<project>/`.

    Every write is whole or not at all. Raises OutsideError where the place behind the URL cannot be reached, UsageError
    for a URL that cannot be opened here.
    """

    def __init__(self, url: str, project: str, seen: Callable[[], bool] = lambda: False) -> None:
        """Keep the place; it is opened when it is first needed, and nothing is created until the first write.

        `seen` says whether its audit log is known to hold events: then an empty place is none to write to.
        """
        self.url, self.log, self._seen = redacted(url), log_of(url, project), seen
        self._address, self._project = url, project
        self._gone: tuple[float, OutsideError] | None = None
        self._is_known = self._keeps_writers_apart = False

    @classmethod
    def of(cls, settings: Settings) -> Store:
        """Open the registry that the settings name."""
        return cls(settings.registry.url, settings.project.name, lambda: has_seen_events(settings, Path(".")))

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        """The library of a remote place takes a second to load, and a rollback may have no need of it."""
        filesystem, root = opened(self._address)
        return filesystem, f"{root.rstrip('/')}/{self._project}"

    @property
    def _fs(self) -> Any:
        return self._opened[0]

    @property
    def _root(self) -> str:
        return self._opened[1]

    @property
    def is_folder(self) -> bool:
        """Whether the objects are files on this machine, or on one that is mounted here."""
        return isinstance(self._fs, LocalFileSystem)

    def read(self, name: str, most: int = 0) -> bytes:
        """Return an object's bytes. Raises FileNotFoundError, and GateRefused, unread, for one of more than `most` bytes."""
        path = self._path(name)
        with self._reaching(name):
            if most and (size := int(self._fs.info(path)["size"] or 0)) > most:
                large = f"'{name}' in {self.url} has {size:,} bytes, allowed {most:,}"
                raise GateRefused(large, "do not use it", rule="digest")
            data = self._fs.cat_file(path)
        assert isinstance(data, bytes)
        return data

    def find(self, name: str) -> bytes | None:
        """Return an object's bytes, or None where it is not there."""
        try:
            return self.read(name)
        except FileNotFoundError:
            return None

    def each(self, read: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Return what `read` makes of each item, in order; behind a URL several at once, for each waits for an answer."""
        if self.is_folder:
            return [read(item) for item in items]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(read, items))

    def exists(self, name: str) -> bool:
        """Say whether an object of this name is there."""
        path = self._path(name)
        try:
            with self._reaching(name):
                self._fs.invalidate_cache()
                return bool(self._fs.info(path)["type"] == "file")
        except FileNotFoundError:
            return False

    def write(self, name: str, data: bytes) -> None:
        """Write an object, replacing one of the same name. Raises as `refuse_emptied` does."""
        path = self._path(name)
        self.refuse_emptied()
        with self._reaching(name, writing=True):
            if self.is_folder:
                _place(Path(path), data, os.replace)
            else:
                self._fs.pipe_file(path, data)

    def create(self, name: str, data: bytes) -> None:
        """Write an object that must not be there yet.

        Raises FileExistsError where it is there, OutsideError where a store behind a URL does not keep writers apart.
        """
        path = self._path(name)
        with self._reaching(name, writing=True):
            if self.is_folder:
                if os.path.lexists(path):  # spares the write; the link below is what decides
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
                _place(Path(path), data, os.link)
            else:
                self._prove_that_it_keeps_writers_apart()
                self._create_remote(path, data)

    def names(self, folder: str, foreign: bool = False) -> list[str]:
        """Return the names of the objects directly in a folder, sorted; empty if there is no such folder.

        What has no name that this registry gives is left out, unless `foreign` objects are wanted as well.
        """
        path = self._path(folder)
        try:
            with self._reaching(folder):
                self._fs.invalidate_cache()
                entries = self._fs.ls(path, detail=True)
        except FileNotFoundError:
            return []
        names = (str(entry["name"]).rpartition("/")[2] for entry in entries if entry["type"] == "file")
        return sorted(name for name in names if not name.startswith(".") and (foreign or NAME.fullmatch(name)))

    def delete(self, name: str) -> None:
        """Remove an object; nothing happens if it is not there."""
        path = self._path(name)
        with suppress(FileNotFoundError), self._reaching(name):
            self._fs.rm_file(path)

    def refuse_emptied(self) -> None:
        """Raise OutsideError where nothing is left of an audit log that was seen: what is told there now would be lost.

        Creating an event asks more, of the log itself: see `AuditLog.append`.
        """
        if self._is_known and (not self.is_folder or os.path.isdir(self._path(AUDIT))):
            return  # asked once in a process; a folder may be unmounted any time
        self._is_known = not self._seen() or bool(self.names(AUDIT))
        if self._is_known:
            return
        raise OutsideError(
            f"registry {self.url} holds no audit log, though events of it were seen from here: "
            "it was emptied, or is not mounted; nothing was written",
            "mount it, or put back what was there; to begin with an empty one: invoke audit --accept-cut --reason=WHY",
        )

    def _path(self, name: str) -> str:
        if not all(NAME.fullmatch(part) and part.strip(".") for part in name.split("/")):
            raise GateRefused(
                f"registry {self.url}: '{shown(name)}' is no name of an object: letters, digits and ._+=- in its parts",
                "find out who wrote a record that names it; name the release or artifact by its digest",
            )
        return f"{self._root}/{name}"

    def _prove_that_it_keeps_writers_apart(self) -> None:
        """A store that does not know the condition overwrites, and says nothing: create what is there, and be refused.

        It is asked before the first object of every process: one request, two for the first ever.
        """
        for _ in range(0 if self._keeps_writers_apart else 2):
            try:
                self._create_remote(f"{self._root}/{PROOF}", ABOUT)
            except FileExistsError:
                self._keeps_writers_apart = True
                break
        if not self._keeps_writers_apart:
            raise OutsideError(
                f"registry {self.url}: the store overwrites an object that was to be created: two writers would lose events",
                "use a store that honours If-None-Match on writes, as Amazon S3 does, or a folder; then run the command again",
            )

    def _create_remote(self, path: str, data: bytes) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._fs.pipe_file(path, data, mode="create")
                return
            except OSError as error:
                code = code_of(error)
                if code in REFUSALS or isinstance(error, FileExistsError):
                    raise FileExistsError(f"{path} is there already") from None
                if code not in BUSY or attempt == ATTEMPTS:
                    raise
            sleep(WAIT_SECONDS * attempt * (1 + secrets.randbelow(100) / 100))

    @contextmanager
    def _reaching(self, name: str, *, writing: bool = False) -> Iterator[None]:
        """Turn what a disk or a remote store raises, of any type, into one error with a next step.

        Who writes and finds nothing there has no missing object, but a registry that is gone.
        """
        if self._gone and monotonic() < self._gone[0]:
            raise self._gone[1]
        try:
            yield
        except GatelineError:
            raise
        except Exception as error:
            # a link to nowhere is a registry that is gone; a folder that is not there is one that is not written yet
            place = Path(self._root).parent
            unmounted = self.is_folder and place.is_symlink() and not place.exists()
            missing = is_missing(error) and not writing and not unmounted
            if missing or isinstance(error, FileExistsError):
                raise
            gone = OutsideError(
                f"registry {self.url}: '{name}' cannot be {'written' if writing else 'read'}: {cause_of(error)}",
                next_step_of(error, CHECK),
            )
            if is_silent(error):
                self._gone = monotonic() + GONE_SECONDS, gone
            raise gone from error


def _place(target: Path, data: bytes, put: Callable[[Path, Path], None]) -> None:
    """Write next to the target, then rename over it or link to it: no reader ever sees half an object."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:  # a file that stands where a folder belongs must not read as 'the object is there already'
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(target.parent)) from None
    temporary = beside(target, data)
    try:
        put(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(target.parent)
