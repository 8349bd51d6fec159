"""`invoke new`."""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.process.python_env import python_for
from settings.errors import ExitCode, OutsideError, UsageError

QUESTIONS = Path("copier.yml")
LOCK = Path("requirements/template.txt")
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
    def flags(self) -> list[str]:
        """The answers as copier takes them; a data file is named from wherever the copy will be."""
        given = {key: value for key, value in asdict(self).items() if value}
        if Path(self.data).is_file():
            given["data"] = str(Path(self.data).resolve())
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
    copier = [str(python_for(LOCK, Path("."))), "-m", "copier", "copy", "--quiet", "--vcs-ref=HEAD", *wanted.flags]
    _run([*copier, *(["--defaults"] if defaults else []), ".", folder], Path("."))
    try:
        _run([sys.executable, "-m", "infra.adopting"], target)
    except BaseException:
        print(
            f"the copy is in {folder}, not adopted yet: mend what stands above, then nox -s adopt there",
            file=sys.stderr,
        )
        raise
    print(
        f"next: cd {shlex.quote(str(target))} && "
        "python3 -m venv .venv && .venv/bin/pip install --require-hashes -r requirements/dev.txt"
    )
    return 0


def _run(argv: list[str], folder: Path) -> None:
    code = subprocess.call(argv, cwd=folder)
    if code in (ExitCode.FAIL, ExitCode.USAGE, ExitCode.INCONCLUSIVE):
        raise SystemExit(code)
    if code:
        raise OutsideError(f"{' '.join(argv[:4])}… ended with {code} in {folder}", "read what it says above")
