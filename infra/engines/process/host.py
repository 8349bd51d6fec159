"""The releases on this host: unpacked bundles, verified, each with the environment of its lock."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from gateline.contracts.digest import short
from gateline.contracts.release import RELEASE_FILE, Release
from gateline.contracts.state import WantedSlot
from gateline.settings.errors import GatelineError, GateRefused, OutsideError, UsageError
from infra.engines.process.place import Place
from infra.engines.process.record import Record
from infra.host import libraries
from infra.host.bundle import checked, record_in, unpack, verify
from infra.host.notes import FolderNotes
from infra.host.python_env import interpreter, python_in
from infra.releases.signing.provenance import Check, asked
from infra.releases.signing.trust import Trust

LOCK_FILE = "service.txt"
WAIT_SECONDS = 120.0


def fetch(place: Place, release: Release, archive: bytes) -> None:
    """Unpack a release and make its environment; what is there and intact is left as it is.

    Raises GateRefused (rule `digest`) if the archive holds something else; then nothing is kept of it.
    """
    unpacked(place, release, archive)
    lock = place.bundle(release.digest) / LOCK_FILE
    python = python_in(place.envs, lock, verified(place, release).python)
    libraries.adopt(python.parent.parent, lock)


def unpacked(place: Place, release: Release, archive: bytes) -> None:
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


def kept(place: Place) -> list[Release]:
    """Return the releases that are here, oldest first."""
    found = []
    for record in place.releases.glob(f"[!.]*/{RELEASE_FILE}"):
        with contextlib.suppress(GateRefused):  # one that cannot be read is none to go back to
            found.append(record_in(record.parent, record.parent.name))
    return sorted(found, key=lambda release: release.created)


def verified(place: Place, release: Release) -> Release:
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


def startable(place: Place, release: Release) -> tuple[Release, str]:
    """Return the record of a release, as `verified`, and the interpreter to start it with. Raises as `require` does."""
    known = verified(place, release)
    python = str(python_in(place.envs, place.bundle(release.digest) / LOCK_FILE, known.python))
    require(place, known, python)
    return known, python


def require(place: Place, release: Release, program: str) -> str:
    """Return who vouches for what is about to start: it is as it was let in.

    That is: the bundle by its digest, the signed statement by the keys kept with the environment, and the libraries of
    `program`, its interpreter. Raises GateRefused (rules `digest` and `signature`).
    """
    vouched = in_memory(place, release)
    folder = Path(program).parent.parent
    if folder.parent.resolve() != place.envs.resolve():
        raise GateRefused(f"digest: {program} is no interpreter of this environment's", "invoke deploy")
    libraries.verify(folder, place.bundle(release.digest) / LOCK_FILE)
    return vouched


def in_memory(place: Place, release: Release) -> str:
    """Return as `require` does for a release that runs: its libraries are not read again."""
    try:
        verified(place, release)
        return Trust(FolderNotes(place.folder)).require(release)
    except (GatelineError, OSError):
        raise
    except Exception as error:  # what was damaged, and how, is anything; a supervisor that asks must go on
        why = f"digest: {release.name} cannot be compared: {type(error).__name__}: {error}"
        raise GateRefused(why, "deploy another release") from None


def lies_here(place: Place, release: Release) -> str:
    """Return as `require` does for a release that no slot has; libraries that are not installed yet are left out."""
    python = interpreter(place.envs, place.bundle(release.digest) / LOCK_FILE, verified(place, release).python)
    return require(place, release, str(python)) if python.exists() else in_memory(place, release)


def evidence(place: Place, wanted: WantedSlot, record: Record) -> Iterator[Check]:
    """Yield what holds of a slot's release on this host, and of the processes that run it."""
    release, folder = wanted.release, place.bundle(wanted.release.digest)
    lock, python = folder / LOCK_FILE, Path(wanted.program)
    trust = Trust(FolderNotes(place.folder))
    yield asked("files", lambda: verified(place, release), f"{short(release.digest)}, in {folder}")
    yield asked("statement", lambda: trust.require(release))
    yield asked("libraries", lambda: libraries.verify(python.parent.parent, lock), f"in {python.parent.parent}")
    for replica in wanted.replicas:
        seen = record.replicas.get(replica.name)
        if seen is not None and seen.child() is not None:
            yield _process(seen.pid, wanted.program, folder)


def _process(pid: int, program: str, folder: Path) -> Check:
    """Say whether a process is the interpreter's, running the service in the release's own folder, not in an earlier one."""
    try:
        line, where = psutil.Process(pid).cmdline()[:3], Path(psutil.Process(pid).cwd())
        link = Path(f"/proc/{pid}/cwd")
        same = folder.exists() and os.path.samefile(link if link.exists() else where, folder)
    except (psutil.Error, OSError) as error:
        return Check(f"process {pid}", False, f"cannot be asked: {error}")
    replaced = "" if same or where != folder.resolve() else ", which was replaced since: invoke down, then up, starts it anew"
    return Check(f"process {pid}", same and line == [program, "-m", "service"], f"`{' '.join(line)}` in {where}{replaced}")


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
