"""What git says of a folder, and which sources stand in it.

Where git refuses to look, that is said once, with the cure, and nothing is known.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gateline.contracts.programs import TooSlow, run
from gateline.settings import passing
from gateline.settings.shown import tell

SECONDS = 20.0
"""A network drive may be slow; a command that only wants to name its commit waits no longer than this."""
NOTHING: Mapping[str, str] = {}
CURE = "safe.directory"
"""Git names this setting in every language when it refuses a folder of another account's."""
NEVER = (".venv", ".nox", ".gateline")
"""What tools make: a rule such as `.venv/` ignores a folder, but no link to one elsewhere."""


def ask(folder: Path, *arguments: str, environ: Mapping[str, str] = NOTHING) -> str | None:
    """Return what git prints, without the last line break, or None where it fails, takes too long or is not there.

    A folder that git refuses because it belongs to another account is named on stderr, the first time.
    """
    argv, variables = ["git", "-C", str(folder), *arguments], {**passing.without_keys(), **environ}
    try:
        done = run(argv, variables, seconds=SECONDS, errors="surrogateescape")
    except (OSError, TooSlow):
        return None
    if done.code and CURE in done.errors:
        # Git's own line holds the folder as git compares it.
        own = (line.strip() for line in done.errors.splitlines() if line.strip().startswith("git config") and CURE in line)
        _say_refused(next(own, f"git config --global --add {CURE} {folder.absolute()}"))
    return done.output.strip("\n") if done.code == 0 else None


def packed(folder: Path, commit: str) -> bytes | None:
    """Return a folder as it was at a commit, as a tar whose names begin below it; None where git cannot say."""
    argv = ["git", "-C", str(folder), "archive", "--format=tar", commit]
    try:
        done = subprocess.run(argv, capture_output=True, timeout=SECONDS, check=True, env=passing.without_keys())
        return done.stdout
    except (OSError, subprocess.SubprocessError):
        return None


def say_where_refused(folder: Path) -> None:
    """Say now that git refuses a folder, where it does: for a command whose parts say it to a log."""
    ask(folder, "rev-parse", "--git-dir")


@cache
def _say_refused(cure: str) -> None:
    tell(
        "warning: git refuses this folder, which belongs to another account (dubious ownership): "
        "commit and changes are not known here",
        f"  next: {cure}",
        error=True,
    )


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
