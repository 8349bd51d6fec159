"""The releases on this host: unpacked bundles, compared with their digest, each with the environment of its lock."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from filelock import FileLock, Timeout

from gateline.contracts.digest import short
from gateline.contracts.release import RELEASE_FILE, Release
from gateline.settings.errors import GateRefused, OutsideError, UsageError
from infra.host import libraries
from infra.host.bundle import checked, record_in, unpack, verify
from infra.host.layout import Layout
from infra.host.python_env import python_in

LOCK_FILE = "service.txt"
WAIT_SECONDS = 120.0


def fetch(place: Layout, release: Release, archive: bytes) -> None:
    """Unpack a release and make its environment; what is there and intact is left as it is.

    Raises GateRefused (rule `digest`) if the archive holds something else; then nothing is kept of it.
    """
    add(place, release, archive)
    lock = place.bundle(release.digest) / LOCK_FILE
    python = python_in(place.envs, lock, verified(place, release).python)
    libraries.adopt(python.parent.parent, lock)


def add(place: Layout, release: Release, archive: bytes) -> None:
    """Unpack a release, whole or not at all; one that is there and intact is left as it is. Raises as `fetch` does."""
    target = place.bundle(release.digest)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(place.releases / f".{release.digest}.lock", timeout=WAIT_SECONDS):
            if not _is_intact(target, release):
                _replace(target, release, archive)
    except Timeout:
        raise OutsideError(
            f"{target} stayed locked for {WAIT_SECONDS:.0f} s", "end the command that holds it"
        ) from None


def kept(place: Layout) -> list[Release]:
    """Return the releases that are here, oldest first."""
    found = []
    for record in place.releases.glob(f"[!.]*/{RELEASE_FILE}"):
        with contextlib.suppress(GateRefused):  # one that cannot be read is none to go back to
            found.append(record_in(record.parent, record.parent.name))
    return sorted(found, key=lambda release: release.created)


def verified(place: Layout, release: Release) -> Release:
    """Return the record of a release as its own bundle has it, after every file was compared with the digest.

    Raises UsageError if the release was not fetched, and GateRefused (rule `digest`) if its files were changed.
    """
    folder = place.bundle(release.digest)
    if not folder.exists():
        raise UsageError(
            f"release {release.name} ({short(release.digest)}) is not on this host: {folder} is missing",
            "fetch it from the registry first: invoke deploy",
        )
    verify(folder, release)
    return record_in(folder, release.digest)


def _is_intact(folder: Path, release: Release) -> bool:
    try:
        verify(folder, release)
        return True
    except GateRefused:
        return False


def _replace(target: Path, release: Release, archive: bytes) -> None:
    checked(archive, release.digest)
    fresh = target.with_name(f".{release.digest}.fresh")
    _remove(fresh)
    unpack(archive, fresh)
    try:
        verify(fresh, release)
        _remove(target)
        os.rename(fresh, target)
    finally:
        _remove(fresh)
    _protect(target)


def _protect(folder: Path) -> None:
    """Take away every right to write: a running release is never changed."""
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)


def _remove(folder: Path) -> None:
    if folder.exists():
        for path in (folder, *folder.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(folder)
