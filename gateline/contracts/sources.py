"""Which sources stand in the work tree: what a result was made from, and whether it is still about what is there."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gateline.contracts.git import ask

NEVER = (".venv", ".nox", ".gateline")
"""What tools make: a rule such as `.venv/` ignores a folder, but no link to one that lies elsewhere."""


@dataclass(frozen=True)
class Sources:
    """The commit, `-dirty` where a file differs from it, and git's digest of the tree; both empty where git knows neither."""

    commit: str = ""
    tree: str = ""


def sources(folder: Path = Path(".")) -> Sources:
    """Return the sources of a project's folder as they stand, new files included, ignored ones left out.

    Equal trees have one digest, committed or not. Neither the index nor the objects of the repository are changed.
    """
    head = ask(folder, "rev-parse", "--verify", "HEAD")
    prefix = ask(folder, "rev-parse", "--show-prefix") or ""
    tree = _tree(folder, prefix) if head else None
    if not head or not tree:
        return Sources()
    clean = tree == ask(folder, "rev-parse", f"HEAD:{prefix}")
    return Sources(head if clean else f"{head}-dirty", tree)


def _tree(folder: Path, prefix: str) -> str | None:
    """A copy of the index keeps what git knows of unchanged files, so that only changed ones are read."""
    index, objects = (ask(folder, "rev-parse", "--git-path", name) for name in ("index", "objects"))
    if not index or not objects:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        own = Path(scratch, "index")
        if (folder / index).is_file():
            # With its time: git reads a file again that is as old as the index, since it may have been edited right after.
            shutil.copy2(folder / index, own)
        Path(scratch, "objects").mkdir()
        apart = {
            "GIT_INDEX_FILE": str(own),
            "GIT_OBJECT_DIRECTORY": str(Path(scratch, "objects")),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str((folder / objects).resolve()),
        }
        # Left out of the copy afterwards: told to exclude what is ignored anyway, `add` takes the rest and then fails.
        for step in (("add", "--all", "--", "."), ("rm", "-rfq", "--cached", "--ignore-unmatch", "--", *NEVER)):
            if ask(folder, *step, environ=apart) is None:
                return None
        return ask(folder, "write-tree", *([f"--prefix={prefix}"] if prefix else []), environ=apart)
