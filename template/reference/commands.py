"""The page of all commands: nox sessions from the noxfile, tasks and modules as they explain themselves."""

from __future__ import annotations

import ast
import io
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from pathlib import Path

from invoke.program import Program

from gateline.contracts.programs import run
from gateline.settings.errors import OutsideError

HEAD = """# Commands

Made from the code by `nox -s reference`; a test fails when the two differ. What a task or a module prints with `--help` stands
below its name.

Exit codes of tasks and modules: 0 pass · 1 a gate said no · 2 bad settings or usage · 3 inconclusive · 4 something outside
failed. nox makes every failure a 1.

## nox sessions

`nox -s <session>`, dashes or underscores. Arguments after `--` reach the command.

| session | what it does | what it runs |
|---|---|---|
"""
TASKS = """
## invoke tasks
"""
MODULES = """
## Modules

`python -m <module>`. Where the libraries that one needs are not installed, it goes on in the environment of their lock.
"""
INTERNAL = (
    "infra.releases.image.health",
    "infra.releases.image.agent",
    "infra.host.within",
    "infra.within",
    "infra.engines.process.supervisor",
    "template.adopting",
    "template.flights",
    "training.first",
    "training.golden",
)
"""Modules that other commands start; nobody types them."""
APART = ("tests", "benchmarks", "data", "docs")
"""Folders that are no rooms."""
WIDTH = "100"


def page(root: Path) -> str:
    """Return the whole page. Raises OutsideError where a command cannot explain itself."""
    sessions = "".join(f"| `{name}` | {about} | {runs} |\n" for name, about, runs in _sessions(root / "noxfile.py"))
    tasks = "".join(_section(f"invoke {name}", invoke("--help", name)) for name in _tasks())
    names = _modules(root)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        modules = "".join(_section(f"python -m {name}", said) for name, said in zip(names, pool.map(explained, names)))
    return f"{HEAD}{sessions}{TASKS}{tasks}{MODULES}{modules}"


def _section(title: str, said: str) -> str:
    lines = "\n".join(line.rstrip() for line in said.strip().splitlines())
    return f"\n### `{title}`\n\n```text\n{lines}\n```\n"


def invoke(*words: str) -> str:
    """Return what invoke prints in this folder, at the width that it takes where there is no terminal."""
    with redirect_stdout(io.StringIO()) as said:
        Program().run(["invoke", *words], exit=False)
    return said.getvalue()


def explained(module: str) -> str:
    """Return a module's help, at one width and without colours. Raises OutsideError where it has none."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GATELINE_")}
    variables |= {"COLUMNS": WIDTH, "NO_COLOR": "1"}
    done = run([sys.executable, "-m", module, "--help"], variables)
    if done.code:
        raise OutsideError(f"python -m {module} --help ended with {done.code}:\n{done.tail(8)}", "nox -s reference")
    return done.output


def _tasks() -> list[str]:
    listed = json.loads(invoke("--list", "--list-format=json"))
    return sorted(task["name"] for task in listed["tasks"])


def _modules(root: Path) -> list[str]:
    """Return the modules that can be run and explain themselves, outside the tests."""
    found = []
    for path in root.glob("*/**/*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        if parts[0].startswith(".") or parts[0] in APART or "\nif __name__ == " not in path.read_text("utf-8"):
            continue
        found.append(".".join(parts).removesuffix(".__main__"))
    return sorted(name for name in found if name not in INTERNAL)


def _sessions(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield name, first line and commands of every session, in the order of the noxfile."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.decorator_list and not node.name.startswith("_"):
            about = (ast.get_docstring(node) or "").splitlines()[0]
            yield node.name, about + _where(node), "<br>".join(f"`{command}`" for command in _runs(node))


def _where(function: ast.FunctionDef) -> str:
    """Say what a session needs to be offered at all: a copy of the template has no `tests/template`, say."""
    calls = (call for call in function.decorator_list if isinstance(call, ast.Call))
    needed = [ast.literal_eval(call.args[0]) for call in calls if ast.unparse(call.func) == "offered"]
    return "".join(f" Only where there is `{path}`." for path in needed)


def _runs(function: ast.FunctionDef) -> Iterator[str]:
    for call in ast.walk(function):
        if isinstance(call, ast.Call):
            words = [_word(argument) for argument in call.args]
            if ast.unparse(call.func) == "front":
                yield " ".join(["python -m", *words[1:], "…"])
            elif ast.unparse(call.func) == "run":
                yield " ".join(words[1:])


def _word(argument: ast.expr) -> str:
    """Return an argument as it is typed; what the noxfile computes is an ellipsis."""
    return str(argument.value) if isinstance(argument, ast.Constant) else "…"
