"""The page of all commands: nox sessions from the noxfile, tasks and modules as they explain themselves."""

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

Generated from the code by `nox -s reference`; a test fails if the two differ. Each task and module is shown with what it
prints for `--help`.

Exit codes of tasks and modules: 0 pass · 1 a gate said no · 2 bad settings or usage · 3 inconclusive · 4 something outside
failed. nox ends with 1 for every failure.

## nox sessions

`nox -s <session>`, with dashes or underscores. Arguments after `--` are passed to the command.

| session | what it does | what it runs |
|---|---|---|
"""
TASKS = """
## invoke tasks
"""
MODULES = """
## Modules

`python -m <module>`. If the libraries that a module needs are not installed, it continues in the Python environment of their
lock file.
"""
INTERNAL = (
    "infra.releases.image.health",
    "infra.releases.image.agent",
    "infra.releases.signing.champion",
    "infra.host.within",
    "infra.within",
    "infra.engines.process.supervisor",
    "infra.engines.kubernetes.watcher",
    "template.adopting",
    "template.flights",
    "training.first",
    "training.golden",
)
"""Modules that only other commands start."""
APART = ("tests", "benchmarks", "data", "docs")
"""Folders that are not packages."""
WIDTH = "100"


def page(root: Path) -> str:
    """Return the whole page. Raises OutsideError where a command cannot explain itself."""
    sessions = "".join(f"| `{name}` | {about} | {runs} |\n" for name, about, runs in _sessions(root / "noxfile.py"))
    tasks = "".join(_section(f"invoke {name}", invoke("--help", name)) for name in _tasks())
    names = modules(root)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        told = "".join(_section(f"python -m {name}", said) for name, said in zip(names, pool.map(explained, names)))
    return f"{HEAD}{sessions}{TASKS}{tasks}{MODULES}{told}"


def _section(title: str, said: str) -> str:
    lines = "\n".join(line.rstrip() for line in said.strip().splitlines())
    return f"\n### `{title}`\n\n```text\n{lines}\n```\n"


def invoke(*words: str) -> str:
    """Return what invoke prints in this folder, at the width that it uses without a terminal."""
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


def modules(root: Path) -> list[str]:
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
