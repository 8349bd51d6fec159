"""The copy's own code that training does not run, but a release or a measurement will: tried before anything is fitted."""

import ast
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from gateline.contracts.release import FORMER, PACKED
from gateline.settings import Metrics
from gateline.settings.errors import UsageError, explain, place_in_model
from training.identity import ROOT
from validation.metrics import function_of

HOOKS = "model.hooks"
LOCK = "requirements/service.txt"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
RELEASED = tuple(f"{package}." for package in (*PACKED, *FORMER))
ADD = "add it to the group `model` in pyproject.toml, then nox -s lock; or import it in the function that needs it"


def refuse_broken(metrics: Metrics) -> None:
    """Import the hooks and the metrics of the copy's own. Raises UsageError with file and line where that fails."""
    refuse_unservable([HOOKS])
    try:
        hooks = importlib.import_module(HOOKS)
    except Exception as error:
        # A service may have a library that is not here.
        if not isinstance(error, ModuleNotFoundError) or not _is_locked(str(error.name).partition(".")[0]):
            raise UsageError(
                f"model/hooks.py cannot be imported, so no release would start: {explain(error)}",
                f"correct {place_in_model(error).partition(',')[0] or 'model/hooks.py'}, and train again",
            ) from error
    else:
        for name in ("before", "after"):
            if not callable(getattr(hooks, name, None)):
                told = f"model/hooks.py has no function '{name}', so no release would answer"
                raise UsageError(told, "docs/model.md has both")
    for reference in metrics.custom:
        function_of(reference)


def refuse_unservable(modules: Iterable[str]) -> None:
    """Raise UsageError where modules of `model/`, which a release imports, need what a release does not hold.

    What they import of `model/` in turn is looked at, too. An import in a function, in `try` or in `if` is their own affair.
    """
    waiting, seen = [name for name in modules if name.startswith("model.")], set[str]()
    while waiting:
        name = waiting.pop()
        path = None if name in seen else _source(name)
        seen.add(name)
        for line, wanted in _imports(path) if path else ():
            top = wanted.partition(".")[0]
            if top == "model":
                waiting.append(wanted)
            elif not f"{wanted}.".startswith(RELEASED) and top not in sys.stdlib_module_names and not _is_locked(top):
                raise UsageError(
                    f"{name.replace('.', '/')}.py, line {line}, imports '{wanted}', which no release holds: its service would "
                    "not start",
                    "of Gateline's packages, model/ may import gateline.contracts" if (ROOT / top).is_dir() else ADD,
                )


def _source(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and name of each module that is imported when a file is; a file that is no Python has none."""
    try:
        body = ast.parse(path.read_bytes()).body
    except SyntaxError:
        return
    for each in body:
        if isinstance(each, ast.Import):
            yield from ((each.lineno, alias.name) for alias in each.names)
        elif isinstance(each, ast.ImportFrom):
            module = ".".join(filter(None, ["model" if each.level else "", each.module]))
            names = [f"{module}.{alias.name}" for alias in each.names] if module in ("model", "gateline") else [module]
            yield from ((each.lineno, name) for name in names)


def _is_locked(library: str) -> bool:
    """Say whether a release's environment has a library, by the name it is imported by."""
    locked = {canonicalize_name(name) for name in PINNED.findall((ROOT / LOCK).read_text(encoding="utf-8"))}
    return any(canonicalize_name(name) in locked for name in (library, *_installed().get(library, ())))


@cache
def _installed() -> Mapping[str, list[str]]:
    """Return the distributions of each import name: it takes a quarter of a second, and stays the same in one process."""
    return packages_distributions()
