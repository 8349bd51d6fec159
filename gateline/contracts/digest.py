"""SHA-256 of files, folders and values."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import Any

WHOLE = re.compile(r"[0-9a-f]{64}")
"""A digest that nobody has shortened: there is one thing that it can name."""
CACHES = ("__pycache__", ".mypy_cache", ".pytest_cache")
LEFT_BEHIND = (".*", "*~", "#*#", "*.swp", "*.swo", "*.orig", "*.rej", "*.bak", "*.tmp", "*.pyc")
"""What editors, merges and file managers leave in a folder: nobody puts these in on purpose, and most come and go unseen."""
OF_THE_SYSTEM = ("__pycache__", "__MACOSX", "Thumbs.db", "desktop.ini", "Icon\r")
NO_SOURCES = (*LEFT_BEHIND, *OF_THE_SYSTEM)
"""Names of files and folders that are part of no source tree, no release and no image, as `fnmatch` reads them."""


def of_bytes(data: bytes) -> str:
    """Return the hex SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def of_file(path: Path) -> str:
    """Return the hex SHA-256 of a file, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def of_value(value: Any) -> str:
    """Return the hex SHA-256 of a JSON value in canonical form (sorted keys, no spaces)."""
    return of_bytes(canonical(value))


def canonical(value: Any) -> bytes:
    """Return the one JSON form of a value that is digested and signed (RFC 8785 for the values used here)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def belongs(path: PurePath) -> bool:
    """Say whether a relative path is part of a source tree: neither hidden, nor a cache, nor what an editor left behind."""
    return not any(fnmatchcase(part, pattern) for part in path.parts for pattern in NO_SOURCES)


def files_under(folder: Path) -> list[Path]:
    """Return the files in `folder` that belong to it, sorted."""
    return sorted(path for path in folder.rglob("*") if belongs(path.relative_to(folder)) and path.is_file())


def of_tree(folder: Path) -> dict[str, str]:
    """Return `{posix path below folder: hex SHA-256}` of every file in `folder` that belongs to it."""
    return {path.relative_to(folder).as_posix(): of_file(path) for path in files_under(folder)}


def of_sources(root: Path, packages: Iterable[str]) -> str:
    """Return one digest of the Python and data files of several folders or files below `root`."""
    parts: dict[str, str] = {}
    for package in packages:
        path = root / package
        tree: Mapping[str, str] = of_tree(path) if path.is_dir() else {"": of_file(path)}
        parts |= {f"{package}/{name}": digest for name, digest in tree.items()}
    return of_value(parts)


def short(digest: str) -> str:
    """Return the first 12 characters, as shown to people."""
    return digest[:12]
