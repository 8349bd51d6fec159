"""Exclusive creation on a store behind a URL: the store decides which writer was first, and must prove that it does."""

from __future__ import annotations

import secrets
import time
from typing import Any

from gateline.contracts.storage import code_of
from gateline.settings.errors import OutsideError

PROOF = "exclusive-creation"
ABOUT = b"The store must refuse to create this object a second time: that is how writers of the audit log keep apart.\n"
REFUSALS = ("PreconditionFailed", "412")
BUSY = ("ConditionalRequestConflict", "OperationAborted", "409")
ATTEMPTS = 8
WAIT_SECONDS = 0.05


class Exclusive:
    """Creates objects that must not be there yet."""

    def __init__(self, filesystem: Any, root: str, url: str) -> None:
        """Keep the place; `url` is how messages name it."""
        self._fs, self._root, self._url = filesystem, root, url
        self._proven = False

    def create(self, path: str, data: bytes) -> None:
        """Write an object. Raises FileExistsError where it is there, OutsideError where the store does not keep writers apart.

        The store is asked for proof before the first object of every process: one request, two for the first ever.
        """
        if not self._proven:
            self._prove()
        self._put(path, data)

    def _prove(self) -> None:
        """A store that does not know the condition overwrites, and says nothing: create what is there, and be refused."""
        for _ in range(2):
            try:
                self._put(f"{self._root}/{PROOF}", ABOUT)
            except FileExistsError:
                self._proven = True
                return
        raise OutsideError(
            f"registry {self._url}: the store overwrites an object that was to be created: two writers would lose events",
            "use a store that honours If-None-Match on writes, as Amazon S3 does, or a folder; then run the command again",
        )

    def _put(self, path: str, data: bytes) -> None:
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
            time.sleep(WAIT_SECONDS * attempt * (1 + secrets.randbelow(100) / 100))
