"""Files written whole or not at all."""

import errno
import os
import uuid
from collections.abc import Mapping
from pathlib import Path

PARTIAL = ".partial-"
"""How the name of a file begins that is still being written; readers leave such names alone."""

NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
RESERVE = "reserve"
SPARES, SPARE_BYTES = 48, 12_288
"""Enough for two rollbacks: each writes some twenty small files, and every one that is replaced may lose its old place."""


def place(texts: Mapping[Path, str | bytes]) -> None:
    """Write every file next to its target first, and rename once all are on disk. Raises OSError; nothing is half-done."""
    waiting: dict[Path, Path] = {}
    try:
        for target, text in texts.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            waiting[target] = beside(target, text.encode() if isinstance(text, str) else text)
        for target, temporary in waiting.items():
            os.replace(temporary, target)
    finally:
        for temporary in waiting.values():
            temporary.unlink(missing_ok=True)


def beside(target: Path, data: bytes, mode: int = 0o666) -> Path:
    """Write `data` to a new file in the target's folder, down to the disk, and return its path.

    Where the disk is full, a file of the reserve in that folder, or the one above, gives its place. Raises OSError naming
    the target.
    """
    temporary = target.parent / f"{PARTIAL}{uuid.uuid4().hex}"
    try:
        _write(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), data)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno not in NO_SPACE or not _from_reserve(target, temporary, data, mode):
            raise OSError(error.errno, error.strerror, str(target)) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def write_private(target: Path, data: bytes) -> None:
    """Write a file that this account alone can read, whole or not at all. Raises OSError naming it."""
    temporary = beside(target, data, 0o600)
    try:
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def reserve(folder: Path) -> None:
    """Keep space for what must be written here when the disk is full. What is there already is left. Raises OSError."""
    (folder / RESERVE).mkdir(parents=True, exist_ok=True)
    for number in range(SPARES):
        spare = folder / RESERVE / f"{number:02}"
        if not spare.exists():
            # Not zeros: some file systems keep no space for these.
            _write(os.open(spare, os.O_WRONLY | os.O_CREAT, 0o600), os.urandom(SPARE_BYTES))


def _from_reserve(target: Path, temporary: Path, data: bytes, mode: int) -> bool:
    """Overwrite a spare file in place, which needs no space, and let it be the new one; return whether that worked."""
    for folder in target.parents[:2]:
        for spare in sorted((folder / RESERVE).glob("*")):
            try:
                os.rename(spare, temporary)
            except FileNotFoundError:
                continue  # another process has just taken it
            try:
                _write(os.open(temporary, os.O_WRONLY), data)
                os.chmod(temporary, mode & 0o644)
                return True
            except OSError:
                temporary.unlink(missing_ok=True)
    return False


def _write(handle: int, data: bytes) -> None:
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.truncate()
        stream.flush()
        os.fsync(stream.fileno())


def hand_on(**values: str) -> None:
    """Name values to the CI jobs that come next, in GitHub's `$GITHUB_OUTPUT`; nothing elsewhere. Raises OSError."""
    if os.environ.get("GITHUB_OUTPUT"):
        with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as stream:
            for name, value in values.items():
                stream.write(f"{name.replace('_', '-')}={' '.join(value.splitlines())}\n")


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries down to the disk, so that a rename in it outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
