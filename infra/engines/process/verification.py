"""What is compared before a release starts on this host: its files, its signed statement, its libraries, and what runs it."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from gateline.contracts.digest import short
from gateline.contracts.release import Release
from gateline.contracts.slots import WantedSlot
from gateline.settings.errors import GatelineError, GateRefused
from infra.engines.process.record import Record
from infra.host import libraries
from infra.host.layout import Layout
from infra.host.notes import FolderNotes
from infra.host.python_env import interpreter, python_in
from infra.host.unpacked import LOCK_FILE, verified
from infra.releases.signing.trust import Check, Trust, asked


def startable(layout: Layout, release: Release) -> tuple[Release, str]:
    """Return the record of a release, as `verified`, and the interpreter to start it with. Raises as `require` does."""
    known = verified(layout, release)
    python = str(python_in(layout.envs, layout.bundle(release.digest) / LOCK_FILE, known.python))
    require(layout, known, python)
    return known, python


def require(layout: Layout, release: Release, program: str) -> str:
    """Return who vouches for what is about to start: it is as it was let in.

    That is: the bundle by its digest, the signed statement by the keys kept with the environment, and the libraries of
    `program`, its interpreter. Raises GateRefused (rules `digest` and `signature`).
    """
    vouched = in_memory(layout, release)
    folder = Path(program).parent.parent
    if folder.parent.resolve() != layout.envs.resolve():
        raise GateRefused(f"{program} is no interpreter of this environment's", "invoke deploy", rule="digest")
    libraries.verify(folder, layout.bundle(release.digest) / LOCK_FILE)
    return vouched


def in_memory(layout: Layout, release: Release) -> str:
    """Return as `require` does for a release that runs: its libraries are not read again."""
    try:
        verified(layout, release)
        return Trust(FolderNotes(layout.folder)).require(release)
    except (GatelineError, OSError):
        raise
    except Exception as error:  # what was damaged, and how, is anything; a supervisor that asks must go on
        why = f"{release.name} cannot be compared: {type(error).__name__}: {error}"
        raise GateRefused(why, "deploy another release", rule="digest") from None


def require_unused(layout: Layout, release: Release) -> str:
    """Return as `require` does for a release that no slot has; libraries that are not installed yet are left out."""
    python = interpreter(layout.envs, layout.bundle(release.digest) / LOCK_FILE, verified(layout, release).python)
    return require(layout, release, str(python)) if python.exists() else in_memory(layout, release)


def evidence(layout: Layout, wanted: WantedSlot, record: Record) -> Iterator[Check]:
    """Yield what holds of a slot's release on this host, and of the processes that run it."""
    release, folder = wanted.release, layout.bundle(wanted.release.digest)
    lock, python = folder / LOCK_FILE, Path(wanted.program)
    trust = Trust(FolderNotes(layout.folder))
    yield asked("files", lambda: verified(layout, release), f"{short(release.digest)}, in {folder}")
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
    replaced = "" if same or where != folder.resolve() else ", which was replaced since: invoke down, then up, starts it again"
    return Check(f"process {pid}", same and line == [program, "-m", "service"], f"`{' '.join(line)}` in {where}{replaced}")
