"""No secret is printed, logged or raised, and every variable that is read is declared."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from gateline.settings.passing import KEYS
from gateline.settings.secrets import LOOKS_SECRET
from gateline.settings.variables import OTHERS, OVERRIDES, PORT_PREFIX, STATE, STATE_PREFIX
from tests.architecture.source import FRONT_DOORS, files, packages, tree, where

SPEAKING = {
    "print",
    "tell",
    "tell_message",
    "write",
    "debug",
    "info",
    "warning",
    "error",
    "exception",
    "critical",
    "log",
    "append_text",
    "write_text",
}
"""Calls that show their arguments to someone."""
VARIABLE = re.compile(r"GATELINE_[A-Z_]+")


def spoken_secrets(root: Path) -> list[str]:
    """Complain of secrets among what is printed, logged, written or raised."""
    return [complaint for path in files(root, *packages(root), *FRONT_DOORS) for complaint in _spoken(root, path)]


def _spoken(root: Path, path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            arguments = [*node.exc.args, *(keyword.value for keyword in node.exc.keywords)]
        elif isinstance(node, ast.Call) and _name(node.func) in SPEAKING:
            arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        else:
            continue
        for inner in (inner for argument in arguments for inner in ast.walk(argument)):
            if _is_secret(inner):
                yield f"{where(root, path, node.lineno)}: shows {ast.unparse(inner)}, which is a secret"


def _is_secret(node: ast.AST) -> bool:
    """Say whether a node reads a secret: by its name, from the environment, or the whole environment at once."""
    if isinstance(node, ast.Subscript | ast.Call) and "environ" in ast.unparse(node):
        return any(secret in ast.unparse(node) for secret in KEYS)
    if isinstance(node, ast.Name | ast.Attribute):
        return bool(LOOKS_SECRET.search(_name(node))) or ast.unparse(node) == "os.environ"
    return False


def undeclared(root: Path) -> list[str]:
    """Complain of environment variables that `gateline/settings/variables.py` does not name: settings would refuse them."""
    known = {*OVERRIDES, *OTHERS, STATE, PORT_PREFIX.rstrip("_")}
    return [
        f"{where(root, path, node.lineno)}: {name} is not named in gateline/settings/variables.py"
        for path in files(root, *packages(root), *FRONT_DOORS)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for name in VARIABLE.findall(node.value)
        if name not in known and not name.startswith((PORT_PREFIX, STATE_PREFIX))
    ]


def printed(root: Path) -> list[str]:
    """Complain of text that reaches the terminal past `shown` and `terminal` of `gateline.settings`, which make it safe."""
    return [
        f"{where(root, path, node.lineno)}: {ast.unparse(node.func)}() shows text as it is, past settings.shown"
        for path in files(root, *packages(root))
        if path.relative_to(root).parts[0] not in ("benchmarks", "model")
        and path.relative_to(root).as_posix() not in OWN_WORDS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "Console")
    ]


OWN_WORDS = (
    "gateline/settings/shown.py",
    "infra/releases/image/agent.py",
    "infra/engines/kubernetes/watcher.py",
    "training/golden.py",
    "training/first.py",
    "gateline/rows/infer.py",
    "template/flights.py",
)
"""The owner, and programs whose output another program reads."""


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
