"""Which sources stand in the work tree: what a result was made from, and whether it is still about what is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SECONDS = 20.0
EMPTY: Mapping[str, str] = {}


@dataclass(frozen=True)
class Sources:
    """The commit, `-dirty` where a file differs from it, and git's digest of the tree; both empty where git knows neither."""

    commit: str = ""
    tree: str = ""


def sources(folder: Path = Path(".")) -> Sources:
    """Return the sources of a project's folder as they stand, new files included, ignored ones left out.

    Equal trees have one digest, committed or not. Neither the index nor the objects of the repository are changed.
    """
    head = _git(folder, "rev-parse", "--verify", "HEAD")
    prefix = _git(folder, "rev-parse", "--show-prefix") or ""
    tree = _tree(folder, prefix) if head else None
    if not head or not tree:
        return Sources()
    clean = tree == _git(folder, "rev-parse", f"HEAD:{prefix}")
    return Sources(head if clean else f"{head}-dirty", tree)


def _tree(folder: Path, prefix: str) -> str | None:
    """A copy of the index keeps what git knows of unchanged files, so that only changed ones are read."""
    index, objects = (_git(folder, "rev-parse", "--git-path", name) for name in ("index", "objects"))
    if not index or not objects:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        own = Path(scratch, "index")
        if (folder / index).is_file():
            shutil.copyfile(folder / index, own)
        Path(scratch, "objects").mkdir()
        apart = {
            "GIT_INDEX_FILE": str(own),
            "GIT_OBJECT_DIRECTORY": str(Path(scratch, "objects")),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str((folder / objects).resolve()),
        }
        if _git(folder, "add", "--all", "--", ".", environ=apart) is None:
            return None
        return _git(folder, "write-tree", *([f"--prefix={prefix}"] if prefix else []), environ=apart)


def _git(folder: Path, *arguments: str, environ: Mapping[str, str] = EMPTY) -> str | None:
    """Return what git prints, or None where it fails or is not there."""
    argv = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, env={**os.environ, **environ})
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
