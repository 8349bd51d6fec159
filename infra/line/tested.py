"""Say whether the tests have passed on what they would read now; a pass is recorded under the digest of all of that.

They read every file of the project that git does not ignore, all of `data/`, `model/` and `tests/`, the rows that settings
name, variables that change what tests do, and this Python. The lock of its libraries is one of the files.
"""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from pydantic import BaseModel, ConfigDict, ValidationError

from gateline.contracts import git, layout
from gateline.contracts.digest import of_file, of_value
from gateline.contracts.files import place
from gateline.settings import load, passing
from gateline.settings.errors import GatelineError
from gateline.settings.front_door import front_door
from gateline.settings.shown import tell

RECORD = layout.STATE / "tested.json"
KEPT = 20
"""Enough to go to other branches and back."""
OWN = ("data", "model", "tests")
MADE = {*git.NEVER, ".git", "__pycache__", ".pytest_cache", ".mypy_cache"}
REPORTS = Path("reports")
"""These, at the top, and `MADE`, anywhere, are what tools write, and no source."""
JUNIT = REPORTS / "test/junit.xml"
TURNING = ("GATELINE_*", "PYTEST_*", "HYPOTHESIS_*")
"""Variables that change what tests do, besides those of `variables.pass`."""


class Passed(BaseModel):
    """One run in which every test passed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str
    ended: str
    cases: int
    skipped: int
    report: str
    """Digest of the report that it wrote."""


def read_by_tests(root: Path = Path(".")) -> str:
    """Return the digest of all that the tests read; empty where that cannot be known: settings or rows are not here.

    Raises OSError where a file cannot be read.
    """
    config = root / "pipeline.toml"
    try:
        settings = load(config)
    except GatelineError:
        return ""
    rows = settings.data
    named = [url for url in (rows.train, rows.test, rows.sample_train, rows.sample_test, rows.schema_path) if url]
    if any(not (root / url).exists() for url in named):
        return ""
    files = {path for folder in (*OWN, *named) for path in below(root / folder)} | of_project(root)
    turning = (*TURNING, *settings.variables.pass_)
    return of_value({
        "files": {str(path): _content(path) for path in sorted(files)},
        "variables": {name: value for name, value in passing.variables("test").items() if passing.named(name, turning)},
        "python": [sys.version, sys.platform],
    })  # fmt: skip


def of_project(root: Path) -> set[Path]:
    """Return the files that git knows or would add; where it knows none, all."""
    listed = git.ask(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    files = below(root) if listed is None else {root / name for name in listed.split("\0") if name}
    own = {path: path.relative_to(root) for path in files}
    return {path for path, name in own.items() if not MADE & set(name.parts) and REPORTS not in name.parents}


def below(path: Path) -> set[Path]:
    """Return a file, or all files in a folder, links among them."""
    if not path.is_dir():
        return {path} if path.exists() else set()
    found = set[Path]()
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if name not in MADE]
        linked = [name for name in folders if Path(folder, name).is_symlink()]  # which `walk` does not enter
        found |= {Path(folder, name) for name in (*names, *linked)}
    return found


def _content(path: Path) -> str:
    """A link to a folder is where it leads; a file that was deleted is named, and is none."""
    if path.is_file():
        return of_file(path)
    return f"to {os.readlink(path)}" if path.is_symlink() else ""


def passes() -> list[Passed]:
    """Return the runs that passed, the newest last; a record that cannot be read holds none."""
    try:
        return [Passed.model_validate_json(line) for line in RECORD.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, ValidationError):
        return []


def found(digest: str) -> str:
    """Return what is to be said where the tests passed on exactly this; nothing where they did not."""
    run = next((run for run in reversed(passes()) if digest and run.digest == digest), None)
    if run is None:
        return ""
    report = "" if JUNIT.is_file() and of_file(JUNIT) == run.report else "; reports/test is of another run"
    return (
        f"tests: passed at {run.ended} on the same sources, data, settings and Python "
        f"({run.cases:,} cases, {run.skipped} skipped) [recorded{report}]; again: nox -s test -- --fresh"
    )


def record(digest: str) -> bool:
    """Keep that the tests, which began at `digest`, have passed; not where something was changed while they ran."""
    if read_by_tests() != digest:
        return False
    suite = next(ElementTree.parse(JUNIT).getroot().iter("testsuite")).attrib  # nosec B314: pytest has just written it
    ended = datetime.now(UTC).isoformat(timespec="seconds")
    counts = {"cases": int(suite["tests"]), "skipped": int(suite["skipped"])}
    kept = [run for run in passes() if run.digest != digest]
    kept.append(Passed(digest=digest, ended=ended, report=of_file(JUNIT), **counts))
    place({RECORD: "".join(run.model_dump_json() + "\n" for run in kept[-KEPT:])})
    return True


def main() -> int:
    """Print the digest of what the tests read, and after a blank what is recorded of it; or record that they passed."""
    parser = argparse.ArgumentParser(prog="python -m infra.line.tested", description=__doc__)
    parser.add_argument("--passed", metavar="DIGEST", help="all tests have just passed; they began when this was the digest")
    given = parser.parse_args()
    try:
        if given.passed is None:
            digest = read_by_tests()
            tell(f"{digest} {found(digest)}")
        elif not record(given.passed):
            tell("tests: sources, data or settings were changed while they ran: this pass is not recorded")
    except OSError as error:
        tell(f"tests: whether they passed is not known: {error.filename}: {error.strerror}", error=True)
    return 0


if __name__ == "__main__":
    sys.exit(front_door(main))
