"""Text is read and written in an encoding that is stated: else it would be the one that a terminal happens to have."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.shape import ours
from tests.architecture.source import tree, where

SUBPROCESS = {"run", "Popen", "check_output"}
TEXT = {"text", "universal_newlines"}
PLACES = {"read_text": 0, "write_text": 1, "open": 2}
"""At which place of its positional arguments each of these takes the encoding."""


def unsaid_encodings(root: Path) -> list[str]:
    """Complain of text that is read, written or exchanged with a program in whatever encoding the machine has."""
    return [
        f"{where(root, path, line)}: {name} states no encoding: add encoding=\"utf-8\""
        for path in ours(root)
        for line, name in _unsaid(tree(path))
    ]


def _unsaid(module: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module):
        if not isinstance(node, ast.Call) or "encoding" in {keyword.arg for keyword in node.keywords}:
            continue
        name = ast.unparse(node.func)
        if name.startswith("subprocess.") and name.partition(".")[2] in SUBPROCESS:
            if TEXT & {keyword.arg for keyword in node.keywords}:
                yield node.lineno, name
        elif name == "open" or name.rpartition(".")[2] in ("read_text", "write_text"):
            if len(node.args) <= PLACES[name.rpartition(".")[2]] and not _binary(node):
                yield node.lineno, name


def _binary(node: ast.Call) -> bool:
    modes = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
    return any(isinstance(mode, ast.Constant) and "b" in str(mode.value) for mode in modes)
