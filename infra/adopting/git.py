"""A new project in git: what runs is traced back to a commit, and later versions of the template are found."""

from __future__ import annotations

import subprocess
from pathlib import Path

from settings.errors import OutsideError
from settings.secrets import redacted

MESSAGE = "Copy Gateline"
BY_HAND = f"git init && git add --all && git commit -m '{MESSAGE}'"


def keep(root: Path) -> str:
    """Make a repository of a folder that lies in none and commit it; return what is left to do, empty for nothing.

    Where git knows nobody's name, the first commit is left to whoever makes it. Raises OutsideError where git fails.
    """
    try:
        if _git(root, "rev-parse", "--is-inside-work-tree").returncode == 0:
            return "it lies in a git repository: commit it there"
        for step in (("init", "--quiet", "--initial-branch=main"), ("add", "--all")):
            _must(root, *step)
        if _git(root, "config", "user.email").returncode != 0:
            return "not committed: git knows no name yet (git config user.name, user.email)"
        _must(root, "commit", "--quiet", "-m", MESSAGE)
        return ""
    except FileNotFoundError:
        return f"not in git: it is not installed here. later: {BY_HAND}"


def source(template: Path) -> str:
    """Return where later versions come from: the clone's origin where that has this commit, else the clone itself."""
    url, shared = (
        _git(template, *asked).stdout.strip()
        for asked in (("remote", "get-url", "origin"), ("branch", "--remotes", "--contains", "HEAD"))
    )
    return url if url and shared and redacted(url) == url else str(template)


def _must(root: Path, *arguments: str) -> None:
    done = _git(root, *arguments)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise OutsideError(f"git {arguments[0]} ended with {done.returncode}: {said}", f"mend it, then: {BY_HAND}")


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, encoding="utf-8", errors="replace", check=False)
