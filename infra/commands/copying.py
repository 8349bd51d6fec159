"""`invoke new`."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.adopting import git
from infra.adopting.answers import EXAMPLE, note
from infra.process.python_env import python_for
from settings.errors import ExitCode, OutsideError, UsageError, did_you_mean

QUESTIONS = Path("copier.yml")
LOCK = Path("requirements/template.txt")
TASKS = ("classification", "regression")
OTHER_SEPARATORS = (";", "\t", "|")
HELP = ("-h", "--help")
"""invoke takes the word after a task for its positional argument, whatever it is."""


@dataclass(frozen=True)
class Wanted:
    """The answers that were given as options; an empty one is asked for, or the default."""

    name: str = ""
    task: str = ""
    data: str = ""
    target: str = ""

    @property
    def file(self) -> Path:
        """The data file; a shell leaves the `~` of `--data=~/rows.csv` as it is."""
        return Path(self.data).expanduser()

    @property
    def flags(self) -> list[str]:
        """The answers as copier takes them; a data file is named from wherever the copy will be."""
        given = {key: value for key, value in asdict(self).items() if value}
        if self.file.is_file():
            given["data"] = str(self.file.resolve())
        return [part for key, value in given.items() for part in ("--data", f"{key}={value}")]


def new(folder: str, wanted: Wanted, defaults: bool) -> int:
    """Copy the template, and make the copy a project of its own."""
    if folder in HELP:
        return subprocess.call([sys.executable, "-m", "invoke", "--help", "new"])
    if not QUESTIONS.exists():
        raise UsageError(
            "this is a copy itself: new projects are made from the template", "clone the template, then invoke new"
        )
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{folder} is there already, and is not empty", "name a new folder")
    _refuse(wanted, defaults)
    template = Path(".").resolve()
    copier = [str(python_for(LOCK, Path("."))), "-m", "copier", "copy", "--quiet", "--vcs-ref=HEAD", *wanted.flags]
    try:
        _run([*copier, *(["--defaults"] if defaults else []), str(template), folder], template)
        note(target, _src_path=git.source(template))
        _run([sys.executable, "-m", "infra.adopting", f"--new={folder}"], target)
    except BaseException:
        if target.exists():
            shutil.rmtree(target, ignore_errors=True)
            print(f"{folder} is removed again: no project was made", file=sys.stderr)
        raise
    return 0


def _refuse(wanted: Wanted, defaults: bool) -> None:
    """What can be known to be wrong before anything is copied. Raises UsageError."""
    missing = [f"--{key}" for key, value in asdict(wanted).items() if not value]
    if missing and not defaults and not sys.stdin.isatty():
        raise UsageError(f"there is no terminal to ask for {', '.join(missing)}", "give them, or add --defaults")
    if wanted.task and wanted.task not in TASKS:
        raise UsageError(f"--task is '{wanted.task}'{did_you_mean(wanted.task, TASKS)}", f"one of: {', '.join(TASKS)}")
    if not wanted.data or wanted.data == EXAMPLE:
        return
    if not wanted.file.is_file():
        raise UsageError(f"data: {wanted.data} is no file", f"name a CSV or Parquet file, or '{EXAMPLE}'")
    columns = _columns(wanted.file)
    other = next((mark for mark in OTHER_SEPARATORS if len(columns) == 1 and mark in columns[0]), "")
    if other:
        raise UsageError(f"{wanted.data} is separated by {other!r}, a CSV file by commas", "save it with commas")
    if not wanted.target and defaults:
        raise UsageError(f"which column of {wanted.data} is to be predicted?", _one_of(columns))
    if wanted.target and columns and wanted.target not in columns:
        near = did_you_mean(wanted.target, columns)
        raise UsageError(f"{wanted.data} has no column '{wanted.target}'{near}", _one_of(columns))


def _one_of(columns: list[str]) -> str:
    return f"--target=COLUMN, one of: {', '.join(columns)}" if columns else "--target=COLUMN"


def _columns(data: Path) -> list[str]:
    """Return the names in a CSV file's header; none where only the training environment can read the file."""
    if data.suffix != ".csv":
        return []
    try:
        with data.open(encoding="utf-8-sig", newline="") as rows:
            return next(csv.reader(rows), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _run(argv: list[str], folder: Path) -> None:
    code = subprocess.call(argv, cwd=folder)
    if code in (ExitCode.FAIL, ExitCode.USAGE, ExitCode.INCONCLUSIVE):
        raise SystemExit(code)
    if code:
        raise OutsideError(f"{' '.join(argv[:4])}… ended with {code} in {folder}", "read what it says above")
