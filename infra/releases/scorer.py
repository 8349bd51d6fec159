"""What scores a row in a release, and in which environment: decided at build, and written into the release's record."""

import ast
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateline.contracts.digest import of_file
from gateline.contracts.programs import run
from gateline.contracts.release import SCORER_FILE, Release
from gateline.settings import Settings, passing
from gateline.settings.errors import OutsideError
from infra.host.python_env import python_for

FULL, LEAN, TRAIN = (Path(f"requirements/{name}.txt") for name in ("service", "lean", "train"))
HERE = Path(__file__).resolve().parents[2]
HOOKS = "model.hooks"
TURNED_OFF = "service.fast_path is false"
IMPORTED = """
import importlib, importlib.util, json, sys
said = ""
try:
    importlib.import_module(sys.argv[2])
    said = next((name for name in sys.argv[3:] if importlib.util.find_spec(name) is None), "")
except ModuleNotFoundError as error:
    said = error.name.partition(".")[0]
except Exception as error:
    said = f"what fails with {type(error).__name__}"
with open(sys.argv[1], "w", encoding="utf-8") as stream:
    json.dump(said, stream)
"""


@dataclass(frozen=True)
class Chosen:
    """What scores, and the lock of what serves it."""

    generated: bool
    reason: str
    """Why scikit-learn does: one sentence without a full stop; of `generated`, nothing."""
    lock: Path
    told: str
    """For people: which path serves, why, and what was compared."""


def choose(folder: Path, settings: Settings, root: Path) -> Chosen:
    """Write `scorer.py` into a bundle whose artifact and code are there, where it answers as scikit-learn does.

    Raises OutsideError where it cannot be tried.
    """
    if not settings.service.fast_path:
        return _scikit_learn(TURNED_OFF)
    found = _made(folder, settings, root)
    if not found["text"]:
        return _scikit_learn(found["reason"], found["told"])
    (folder / SCORER_FILE).write_text(found["text"], encoding="utf-8")
    told = f"fast path: {SCORER_FILE} scores, without scikit-learn; {found['told']}"
    if not (root / LEAN).is_file():
        return Chosen(True, "", FULL, f"{told}; there is no {LEAN} (nox -s lock makes it): the worker carries scikit-learn")
    if heavy := heavy_import(folder, root):
        return Chosen(True, "", FULL, f"{told}; model/hooks.py imports {heavy}: the worker carries it")
    return Chosen(True, "", LEAN, told)


def _scikit_learn(reason: str, more: str = "") -> Chosen:
    """The reason is part of the digest: more, which may name folders or times, is only told."""
    return Chosen(False, reason, FULL, f"fast path: none, scikit-learn scores: {reason}" + (f": {more}" if more else ""))


def _made(folder: Path, settings: Settings, root: Path) -> dict[str, str]:
    """Write and compare a scorer in the environment of training: this process has no scikit-learn."""
    python = python_for(root / TRAIN, root, compiled=False).absolute()
    with tempfile.TemporaryDirectory(prefix="gateline-scorer-") as scratch:
        result = Path(scratch) / "result.json"
        argv = [str(python), "-m", "infra.releases.fast_path", str(folder.resolve()), f"--result={result}"]
        test = settings.data.test if "://" in settings.data.test else str((root / settings.data.test).resolve())
        variables = passing.variables("validate_model") | {"OMP_NUM_THREADS": "1"}
        done = run([*argv, f"--test={test}"], variables, folder=HERE)
        if done.code or not result.exists():
            raise OutsideError(
                f"the fast path could not be tried: it ended with {done.code}:\n{done.tail(8)}",
                "correct that, or build without it: service.fast_path = false",
            )
        found: dict[str, str] = json.loads(result.read_bytes())
        return found


def heavy_import(folder: Path, root: Path) -> str:
    """Return which library, that the lean environment does not hold, the bundle's hooks import anywhere; else nothing.

    They are imported there once, and what they would import later is looked for.
    """
    python = python_for(root / LEAN, root).absolute()
    with tempfile.TemporaryDirectory(prefix="gateline-hooks-") as scratch:
        result = Path(scratch) / "result.json"
        argv = [str(python), "-B", "-c", IMPORTED, str(result), HOOKS, *sorted(_imported(folder))]
        run(argv, passing.variables("image"), folder=folder)
        return str(json.loads(result.read_bytes())) if result.exists() else "what ends the process"


def _imported(folder: Path) -> set[str]:
    """Return the libraries that the hooks, and what they import of `model/`, name in an import: also late, or by the way."""
    waiting, seen, found = [HOOKS], set[str](), set[str]()
    while waiting:
        name = waiting.pop()
        path = folder.joinpath(*name.split(".")).with_suffix(".py")
        path = path if path.is_file() else path.with_suffix("") / "__init__.py"
        if name in seen or not path.is_file():
            continue
        seen.add(name)
        for wanted in _names(path):
            waiting.append(wanted)
            found.add(wanted.partition(".")[0])
    return found - sys.stdlib_module_names - {"model", "gateline"}


def _names(path: Path) -> Iterator[str]:
    for each in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(each, ast.Import):
            yield from (alias.name for alias in each.names)
        elif isinstance(each, ast.ImportFrom):
            module = ".".join(filter(None, ["model" if each.level else "", each.module]))
            yield from [module, *(f"{module}.{alias.name}" for alias in each.names if module)]


def lock_of(release: Release, root: Path) -> Path:
    """Return the lock of the tree that a release was built with."""
    known = [root / path for path in (LEAN, FULL) if (root / path).is_file()]
    return next((path for path in known if of_file(path) == release.lock), root / FULL)
