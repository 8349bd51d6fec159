"""How long files and functions are, and whether they say what they are for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import FRONT_DOORS, files, rooms, tree, where

LONGEST_FILE = 400
LONGEST_FUNCTION = 40
FREE = {"model"}
"""The copy's own code: no limits of style apply to it."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def ours(root: Path) -> list[Path]:
    """Return the files that the limits apply to."""
    return files(root, *(room for room in rooms(root) if room not in FREE), *FRONT_DOORS)


def long_files(root: Path) -> list[str]:
    """Complain of files of 400 lines or more."""
    counts = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in ours(root)}
    return [
        f"{where(root, path, 1)}: has {count} lines; allowed: fewer than {LONGEST_FILE}"
        for path, count in counts.items()
        if count >= LONGEST_FILE
    ]


def long_functions(root: Path) -> list[str]:
    """Complain of functions of more than 40 lines."""
    return [
        f"{where(root, path, node.lineno)}: {node.name} has {_length(node)} lines; allowed: at most {LONGEST_FUNCTION}"
        for path in ours(root)
        for node in ast.walk(tree(path))
        if isinstance(node, Function) and _length(node) > LONGEST_FUNCTION
    ]


def silent(root: Path) -> list[str]:
    """Complain of modules, public classes and public functions without a docstring."""
    return [complaint for path in ours(root) for complaint in _silent(root, path)]


def _silent(root: Path, path: Path) -> Iterator[str]:
    module = tree(path)
    if not ast.get_docstring(module):
        yield f"{where(root, path, 1)}: the module has no docstring"
    for node in _public(module):
        if not ast.get_docstring(node):
            yield f"{where(root, path, node.lineno)}: {node.name} has no docstring"


def _public(node: ast.Module | ast.ClassDef) -> Iterator[Function | ast.ClassDef]:
    """Yield what others can call: functions inside functions are not among it."""
    for child in node.body:
        if isinstance(child, Function | ast.ClassDef) and not child.name.startswith("_"):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from _public(child)


def _length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
