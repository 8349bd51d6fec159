"""What a command imports at its start is in the lock of the environment it runs in."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.architecture.source import Import, imports, where

STARTS = {
    "train": ("training.__main__", "validation.data.__main__", "validation.model.__main__", "gateline.rows.infer"),
    "service": ("service.__main__",),
    "load": ("load.__main__", "load.locustfile"),
    "security": ("infra.security.__main__",),
    "dev": ("tasks", "gateline.settings.__main__"),
}
"""The modules that are started in the environment of each lock."""
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


def missing(root: Path, starts: Mapping[str, tuple[str, ...]], distributions: Mapping[str, list[str]]) -> list[str]:
    """Complain of libraries that are imported at the start of a command and not in its lock.

    `distributions` names the packages that bring an importable name, as `importlib.metadata.packages_distributions` does.
    """
    return [complaint for group in starts for complaint in _missing(root, group, starts[group], distributions)]


def _missing(root: Path, group: str, modules: tuple[str, ...], distributions: Mapping[str, list[str]]) -> Iterator[str]:
    text = (root / "requirements" / f"{group}.txt").read_text(encoding="utf-8")
    locked = {normal(name) for name in PINNED.findall(text)}
    for path in reached(root, modules):
        for each in eager(path):
            library = each.module.partition(".")[0]
            if library in sys.stdlib_module_names or (root / library).is_dir() or (root / f"{library}.py").is_file():
                continue
            names = {normal(name) for name in distributions.get(library, [library])}
            if not names & locked:
                yield f"{where(root, path, each.line)}: imports {library}, which requirements/{group}.txt does not lock"


def reached(root: Path, modules: tuple[str, ...]) -> list[Path]:
    """Return the files of ours that are imported, at once and by whatever way, when the modules are."""
    waiting, seen = [path for module in modules for path in _files(root, module)], set[Path]()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += [file for each in eager(path) for file in _imported(root, each)]
    return sorted(seen)


def eager(path: Path) -> list[Import]:
    """Return the imports that happen at once."""
    return [each for each in imports(path) if each.eager]


def _imported(root: Path, each: Import) -> list[Path]:
    return [path for name in ("", *each.names) for path in _files(root, f"{each.module}.{name}".rstrip("."))]


def _files(root: Path, module: str) -> list[Path]:
    """Return the file of a module of ours and those of the packages around it; nothing for a module of others."""
    parts = module.split(".")
    packages = [root.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)]
    plain = root.joinpath(*parts[:-1], f"{parts[-1]}.py")
    return [path for path in (*packages, plain) if path.is_file()]


def normal(name: str) -> str:
    """Return a distribution's name in its one normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()
