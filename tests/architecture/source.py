"""Source files and what they import, read without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FRONT_DOORS = ("noxfile", "tasks")
APART = {"tests", "data", "docs", "benchmarks", "requirements", "reports", "build"}
"""Top-level folders that are no packages."""


@dataclass(frozen=True)
class Import:
    """One imported name. `eager` says that it is imported as soon as its file is."""

    line: int
    module: str
    names: tuple[str, ...] = ()
    eager: bool = True
    relative: bool = False


def packages(root: Path) -> list[str]:
    """Return the top-level folders that hold Python files and are none of the known others."""
    folders = [path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted(path.name for path in folders if path.name not in APART and any(path.rglob("*.py")))


def files(root: Path, *names: str) -> list[Path]:
    """Return the Python files of packages and front doors, sorted."""
    found = [
        path
        for name in names
        for path in ([root / f"{name}.py"] if name in FRONT_DOORS else (root / name).rglob("*.py"))
    ]
    return sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts)


def module_of(root: Path, path: Path) -> str:
    """Return the name that a file is imported by."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules(root: Path) -> dict[str, Path]:
    """Return every module of the packages and front doors, by name."""
    return {module_of(root, path): path for path in files(root, *packages(root), *FRONT_DOORS)}


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> list[Import]:
    """Return every import of a file, those inside functions and under TYPE_CHECKING marked as not eager."""
    return list(_imports(tree(path).body, eager=True))


def _imports(body: list[ast.stmt], *, eager: bool) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name, eager=eager) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield Import(node.lineno, node.module or "", names, eager, node.level > 0)
        else:
            yield from _imports(_inner(node), eager=eager and not _waits(node))


def _inner(node: ast.stmt) -> list[ast.stmt]:
    return [child for child in _descend(node) if isinstance(child, ast.stmt)]


def _descend(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements directly inside a statement, through `except` and `case` clauses."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            yield from _descend(child)


def _waits(node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return True
    test = ast.unparse(node.test) if isinstance(node, ast.If) else ""
    return "TYPE_CHECKING" in test or "__main__" in test


def where(root: Path, path: Path, line: int) -> str:
    """Return `package/file.py:line`, as editors read it."""
    return f"{path.relative_to(root).as_posix()}:{line}"
