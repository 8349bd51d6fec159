"""The releases on this host: unpacked bundles, compared with their digest, each with the environment of its lock."""

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


def fetch(layout: Layout, release: Release, archive: bytes) -> None:
    """Unpack a release and make its environment; what is there and intact is left as it is.

    Raises GateRefused (rule `digest`) if the archive holds something else; then nothing is kept of it.
    """
    add(layout, release, archive)
    lock = layout.bundle(release.digest) / LOCK_FILE
    python = python_in(layout.envs, lock, verified(layout, release).python)
    libraries.adopt(python.parent.parent, lock)


def add(layout: Layout, release: Release, archive: bytes) -> None:
    """Unpack a release, whole or not at all; one that is there and intact is left as it is. Raises as `fetch` does."""
    target = layout.bundle(release.digest)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(layout.releases / f".{release.digest}.lock", timeout=WAIT_SECONDS):
            try:
                verify(target, release)
            except GateRefused:
                _replace(target, release, archive)
    except Timeout:
        raise OutsideError(
            f"{target} stayed locked for {WAIT_SECONDS:.0f} s", "end the command that holds it"
        ) from None


def kept(layout: Layout) -> list[Release]:
    """Return the releases that are here, oldest first."""
    found = []
    for record in layout.releases.glob(f"[!.]*/{RELEASE_FILE}"):
        with contextlib.suppress(GateRefused):  # one that cannot be read is none to go back to
            found.append(record_in(record.parent, record.parent.name))
    return sorted(found, key=lambda release: release.created)


def verified(layout: Layout, release: Release) -> Release:
    """Return the record of a release as its own bundle has it, after every file was compared with the digest.

    Raises UsageError if the release was not fetched, and GateRefused (rule `digest`) if its files were changed.
    """
    folder = layout.bundle(release.digest)
    if not folder.exists():
        raise UsageError(
            f"release {release.name} ({short(release.digest)}) is not on this host: {folder} is missing",
            "fetch it from the registry first: invoke deploy",
        )
    verify(folder, release)
    return record_in(folder, release.digest)


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
    for path in (*target.rglob("*"), target):  # a running release is never changed
        path.chmod(0o555 if path.is_dir() else 0o444)


def _remove(folder: Path) -> None:
    if folder.exists():
        for path in (folder, *folder.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(folder)
