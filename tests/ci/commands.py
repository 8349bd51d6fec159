"""The sessions, tasks and options that exist, read from the front doors without running them."""

from __future__ import annotations

import ast
import shlex
from dataclasses import dataclass
from pathlib import Path

FORBIDDEN = set(";|&<>`\n(){}")


@dataclass(frozen=True)
class FrontDoors:
    """What `nox -s` and `invoke` can be asked for."""

    sessions: frozenset[str]
    tasks: dict[str, frozenset[str]]
    """Long options by task."""


def front_doors(root: Path) -> FrontDoors:
    """Read noxfile.py and tasks.py."""
    sessions = {function.name for function in _decorated(root / "noxfile.py", "session", "offered")}
    tasks = {_dashed(function.name): _options(function) for function in _decorated(root / "tasks.py", "task", "offered")}
    return FrontDoors(frozenset(sessions), tasks)


def problems_of(command: str, doors: FrontDoors, variables: frozenset[str]) -> list[str]:
    """Say why a `run:` line is not exactly one nox or invoke command that exists."""
    if "${{" in command:
        return [f"an expression is pasted into the command: {command}"]
    if FORBIDDEN & set(command.strip()):
        return [f"more than one plain command: {command}"]
    words = shlex.split(command)
    unknown = [word for word in words if "$" in word and word.rpartition("$")[2] not in variables]
    if unknown:
        return [f"{unknown[0]} reads a variable that the step does not set"]
    match words:
        case ["nox", "-s", name, "--", *_]:
            return [] if name in doors.sessions else [f"no session {name}"]
        case ["nox", "-s", name, *more]:
            return [f"no session {each}" for each in (name, *more) if each not in doors.sessions]
        case ["invoke", name, *options]:
            return _task_problems(name, options, doors)
    return [f"neither `nox -s` nor `invoke`: {command}"]


def _task_problems(name: str, options: list[str], doors: FrontDoors) -> list[str]:
    if name not in doors.tasks:
        return [f"no task {name}"]
    return [f"{name} has no option {each}" for each in options if each.partition("=")[0] not in doors.tasks[name]]


def _decorated(path: Path, *decorators: str) -> list[ast.FunctionDef]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    functions = [node for node in body if isinstance(node, ast.FunctionDef)]
    return [function for function in functions if any(_name(each) in decorators for each in function.decorator_list)]


def _name(node: ast.expr) -> str:
    target = node.func if isinstance(node, ast.Call) else node
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


def _options(function: ast.FunctionDef) -> frozenset[str]:
    return frozenset(f"--{_dashed(argument.arg)}" for argument in function.args.args[1:])


def _dashed(name: str) -> str:
    return name.replace("_", "-")
