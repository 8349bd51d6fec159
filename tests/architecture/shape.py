"""How long files and functions are, and whether they say what they are for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.architecture.source import FRONT_DOORS, files, packages, tree, where

LONGEST_FILE = 400
LONGEST_FUNCTION = 40
SHORT = 10
"""A function or class of at most so many lines may leave it to its name to say what it does."""
FREE = {"model"}
"""The copy's own code: no limits of style apply to it."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def ours(root: Path) -> list[Path]:
    """Return the files that the limits apply to."""
    return files(root, *(package for package in packages(root) if package not in FREE), *FRONT_DOORS)


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
    """Complain of modules without a docstring, and of public ones without one whose name cannot say it all.

    A method that fulfils a call which a base class of ours describes needs none of its own.
    """
    return [complaint for path in ours(root) for complaint in _silent(root, path)]


def _silent(root: Path, path: Path) -> Iterator[str]:
    module = tree(path)
    if not ast.get_docstring(module):
        yield f"{where(root, path, 1)}: the module has no docstring"
    for node, parent in _public(module):
        described = isinstance(parent, ast.ClassDef) and _described(root, parent, node.name)
        if not ast.get_docstring(node) and _has_a_contract(node) and not described:
            yield f"{where(root, path, node.lineno)}: {node.name} has no docstring"


def _has_a_contract(node: Function | ast.ClassDef) -> bool:
    """Whether it is long, or raises something that callers must know of."""
    return _length(node) > SHORT or any(isinstance(each, ast.Raise) for each in ast.walk(node))


def _described(root: Path, node: ast.ClassDef, method: str) -> bool:
    """Say whether a base class, or one of its own, describes a method."""
    bases = [base for name in node.bases for base in _classes(root).get(ast.unparse(name), [])]
    return any(
        _described(root, base, method)
        or any(isinstance(each, Function) and each.name == method and ast.get_docstring(each) for each in base.body)
        for base in bases
    )


@cache
def _classes(root: Path) -> dict[str, list[ast.ClassDef]]:
    found: dict[str, list[ast.ClassDef]] = {}
    for path in ours(root):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(node)
    return found


def _public(node: ast.Module | ast.ClassDef) -> Iterator[tuple[Function | ast.ClassDef, ast.Module | ast.ClassDef]]:
    """Yield what others can call, and where it stands: functions inside functions are not among it."""
    for child in node.body:
        if isinstance(child, Function | ast.ClassDef) and not child.name.startswith("_"):
            yield child, node
            if isinstance(child, ast.ClassDef):
                yield from _public(child)


def _length(node: Function | ast.ClassDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
