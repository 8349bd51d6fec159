"""What is scanned: the tree, and the release or candidate whose model it carries."""

from __future__ import annotations

import fnmatch
import json
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateline.contracts.git import ask
from gateline.contracts.release import RELEASE_FILE, TRUSTED_FILE, Image, Release
from gateline.rows.encodings import is_binary, wide_of
from gateline.settings import SecurityGate

LOCKS = "requirements"
IN_THE_TREE = {"service.txt": f"{LOCKS}/service.txt"}
"""Where the tree has what lies elsewhere in a bundle."""
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
    bundle: Mapping[str, bytes] = field(default_factory=dict)
    """Every other file of the release, by its path in the bundle: the code that it runs, and its lock."""
    trusted: tuple[str, ...] = ()
    """The types that the checkout lets a model file name beyond the list: `[model] trusted`."""
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

    @property
    def foreign(self) -> dict[str, bytes]:
        """The files of the release that are not, byte for byte, those of the tree: only in it can they be judged."""
        ours = {name: self.root / IN_THE_TREE.get(name, name) for name in self.bundle if name != RELEASE_FILE}
        same = {name for name, path in ours.items() if path.is_file() and path.read_bytes() == self.bundle[name]}
        return {name: self.bundle[name] for name in ours if name not in same}

    @property
    def own_code(self) -> Mapping[str, bytes]:
        """The `model/` that the model is loaded with: the release's, or the tree's before one is built."""
        if self.release is not None:
            return self.bundle
        return {name: (self.root / name).read_bytes() for name in self.named("model/*.py")}

    @property
    def bundle_trusted(self) -> tuple[str, ...]:
        """The types that the release itself says may be loaded."""
        try:
            return tuple(map(str, json.loads(self.bundle.get(TRUSTED_FILE, b"[]"))))
        except (TypeError, ValueError):
            return (f"what its unreadable {TRUSTED_FILE} says",)

    def named(self, *patterns: str) -> list[str]:
        """Return the files whose path fits one of the patterns (`*` crosses folders)."""
        return [name for name in self.files if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]


def as_utf8(data: bytes) -> bytes | None:
    """Return a text as the scanners read it, line for line, whatever encoding it is in; None for what is no text."""
    wide = wide_of(data)
    if wide:
        return data.decode(wide, "replace").encode()
    try:
        data.decode()
    except UnicodeDecodeError:
        return None if is_binary(data) else data.decode("latin-1").encode()
    return data


@contextmanager
def laid_out(files: Mapping[str, bytes], names: Collection[str]) -> Iterator[Path]:
    """Yield a folder that holds these of `files`, for as long as a scanner looks at them."""
    with tempfile.TemporaryDirectory(prefix="gateline-scan-") as scratch:
        for name in names:
            path = Path(scratch) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files[name])
        yield Path(scratch)


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
