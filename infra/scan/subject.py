"""What is scanned: the tree, and the release or candidate whose model it carries."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contracts.git import ask
from contracts.image import Image
from contracts.release import Release
from settings import SecurityGate

LOCKS = "requirements"
ALWAYS_IGNORED = {".git", ".gateline", ".nox", ".venv", "reports", "__pycache__", ".mypy_cache", ".pytest_cache"}


@dataclass(frozen=True)
class Subject:
    """Everything the scanners look at. Nothing of it is imported, loaded or run."""

    root: Path
    """The project's folder."""
    gate: SecurityGate = SecurityGate()
    files: tuple[str, ...] = ()
    """Posix paths below `root` of the files that are not ignored."""
    rows: frozenset[str] = frozenset()
    """Those of `files` that are the declared data: judged by `validate_data`, not read here."""
    project: str = ""
    release: Release | None = None
    image: Image | None = None
    """The release's image, where an environment runs containers and it was built."""
    in_containers: bool = False
    """Whether an environment runs containers."""
    artifact: Mapping[str, bytes] = field(default_factory=dict)
    """The artifact's files as they lie there, unverified; empty where there is neither release nor candidate."""
    recorded_manifest: bytes | None = None
    """The manifest that the registry recorded for this artifact, or None where it has none."""
    service_lock: str = ""
    """The lock of the release's environment, or of the tree's service."""
    refusals: tuple[str, ...] = ()
    """What the registry or the bundle itself refused when they were read."""

    @property
    def locks(self) -> dict[str, str]:
        """The text of every lock file of the tree, by path."""
        found = [name for name in self.files if name.startswith(f"{LOCKS}/") and name.endswith(".txt")]
        return {name: (self.root / name).read_text(encoding="utf-8") for name in found}

    def named(self, *patterns: str) -> list[str]:
        """Return the files whose path fits one of the patterns (`*` crosses folders)."""
        return [name for name in self.files if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]


def files_of(root: Path) -> tuple[str, ...]:
    """Return the files git tracks or would track; without git, those that .gitignore's plain patterns leave."""
    listed = _from_git(root)
    if listed is None:
        listed = sorted(path.relative_to(root).as_posix() for path in _walk(root, _ignored(root)))
    return tuple(name for name in listed if (root / name).is_file())


def _from_git(root: Path) -> list[str] | None:
    listed = ask(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return None if listed is None else sorted(set(filter(None, listed.split("\0"))))


def _ignored(root: Path) -> set[str]:
    path = root / ".gitignore"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return ALWAYS_IGNORED | {line.strip().strip("/") for line in lines if line.strip() and not line.startswith("#")}


def _walk(folder: Path, ignored: set[str]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if any(fnmatch.fnmatchcase(path.name, pattern) for pattern in ignored):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path, ignored)
        elif path.is_file():
            yield path
