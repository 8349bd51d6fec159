"""A new project in git: made from what the template has committed, traceable to a commit, able to find later versions."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from gateline.contracts.git import ask
from gateline.contracts.programs import run
from gateline.settings import passing
from gateline.settings.errors import OutsideError
from gateline.settings.secrets import redacted

MESSAGE = "Copy Gateline"
COMMIT = f"git add --all && git commit -m '{MESSAGE}'"
BY_HAND = f"git init && {COMMIT}"
SHOWN = 5


class Committed(NamedTuple):
    """What a template has committed."""

    folder: Path
    commit: str
    """What copies record, and updates start from; '' if the template is not a repository."""


@contextmanager
def committed(template: Path) -> Iterator[Committed]:
    """Yield a folder with what the template has committed, and nothing else that is in it, removed afterwards.

    It is no repository: of one, copier makes a clone, looks at each file of `.git` (thousands, where nothing is packed), and
    it would be the third. A template that is no repository itself is yielded as it is. Raises OutsideError where git refuses
    the folder.
    """
    if not (template / ".git").exists():
        yield Committed(template, "")
        return
    with TemporaryDirectory(prefix="gateline-template-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch, "template")
        _must(template, "-c", "advice.detachedHead=false", "clone", "--quiet", "--shared", str(template), str(folder))
        commit = ask(folder, "describe", "--tags", "--always") or ""
        shutil.rmtree(folder / ".git")
        yield Committed(folder, commit)


def edited(template: Path) -> list[str]:
    """Return the files of the template that differ from what is committed; [] where git cannot tell."""
    found = ask(template, "status", "--porcelain", "-z", "--untracked-files=no", "--no-renames")
    return [line[3:] for line in (found or "").split("\0") if line]


def keep(root: Path, data: Sequence[str] = ()) -> list[str]:
    """Make a repository of a folder that is not in one, and commit it; return what is left to do, [] for nothing.

    Nothing that git refuses undoes the project: a signature that cannot be made, a hook that says no, a name that git does
    not know, `data` that it ignores.
    """
    try:
        if ask(root, "rev-parse", "--is-inside-work-tree"):
            return ["it is in a git repository: commit it there", *_ignored(root, data)]
        for step in (("init", "--quiet", "--initial-branch=main"), ("add", "--all")):
            failed = _failed(root, *step)
            if failed:
                return [f"not committed: {failed}\n  next: fix that, then in the project's folder: {BY_HAND}"]
        return [*_ignored(root, data), *_commit(root)]
    except FileNotFoundError:
        return [f"not in git: it is not installed here. later: {BY_HAND}"]


def source(template: Path) -> str:
    """Return where later versions come from: the clone's origin where that has this commit, else the clone itself."""
    url, shared = ask(template, "remote", "get-url", "origin"), ask(template, "branch", "--remotes", "--contains", "HEAD")
    return url if url and shared and redacted(url) == url else str(template)


def _commit(root: Path) -> list[str]:
    if not ask(root, "config", "user.email"):
        return [f"not committed: git knows no name yet (git config user.name, user.email)\n  next: then {COMMIT}"]
    failed = _failed(root, "commit", "--quiet", "-m", MESSAGE)
    return [f"not committed: {failed}\n  next: fix that, then in the project's folder: {COMMIT}"] if failed else []


def _ignored(root: Path, data: Sequence[str]) -> list[str]:
    """Ask git which of the project's rows it will never take, and by which rule."""
    found = ask(root, "check-ignore", "--verbose", "--", *data) if data else ""
    lines = [line.partition("\t") for line in (found or "").splitlines()]
    rules = {path: rule for rule, _, path in lines}
    if not rules:
        return []
    by = lines[0][0].rpartition(":")
    return [
        f"git ignores {', '.join(rules)} (by '{by[2]}' in {by[0]}), so that no clone of the project and no CI has these rows\n"
        f"  next: git add --force {' '.join(rules)}, or keep them elsewhere and name the place under [data] in pipeline.toml"
    ]


def _must(root: Path, *arguments: str) -> None:
    failed = _failed(root, *arguments)
    if failed:
        raise OutsideError(f"what the template has committed cannot be read: {failed}", "fix that, then run it again")


def _failed(root: Path, *arguments: str) -> str:
    """Run git; return what it says where it fails, '' where it does what it is asked."""
    done = run(["git", *arguments], passing.without_keys(), folder=root)
    if done.code == 0:
        return ""
    command = next(word for word in arguments if word in ("init", "add", "commit", "clone"))
    return f"git {command} ended with {done.code}: {' / '.join(done.said()[-SHOWN:])}"
