"""`invoke new`."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.prompt import Prompt

from gateline.settings.errors import GatelineError, OutsideError, UsageError, did_you_mean
from gateline.settings.shown import tell
from infra.commands.answers import ALSO, ASKED, EXAMPLE, READ, Answers, note
from infra.host.python_env import is_made, python_for, run_in
from template.adopting import git

if TYPE_CHECKING:
    from template.adopting.proposal import Proposal

QUESTIONS = Path("copier.yml")
LOCK = Path("requirements/template.txt")
TASKS = ("classification", "regression")
EXAMPLE_TARGET = "late"
HELP = ("-h", "--help")
"""invoke takes any word after a task as its positional argument."""
SHOWN = 5


@dataclass(frozen=True)
class Wanted:
    """The answers given as options; an empty one is asked for, detected, or the default."""

    name: str = ""
    task: str = ""
    data: str = ""
    target: str = ""
    time: str = ""
    positive: str = ""
    missing: str | None = None
    encoding: str = ""

    @property
    def file(self) -> Path:
        """The data file; a shell leaves the `~` of `--data=~/rows.csv` as it is."""
        return Path(self.data).expanduser()

    @property
    def own_data(self) -> bool:
        """Whether the user named rows of their own."""
        return self.data not in ("", EXAMPLE)

    def answers(self, folder: Path) -> Answers:
        """Return all answers, with defaults for those not given; a data file has its full path, as the copy is elsewhere."""
        return Answers(
            name=self.name or folder.resolve().name,
            task=self.task or TASKS[0],
            data=str(self.file.resolve()) if self.own_data else EXAMPLE,
            target=self.target or EXAMPLE_TARGET,
            time=self.time,
            positive=self.positive,
            missing=self.missing,
            encoding=self.encoding,
            task_given=bool(self.task),
        )


def new(folder: str, wanted: Wanted, defaults: bool, dry_run: bool = False) -> int:
    """Copy the template, and turn the copy into a project; a dry run shows what that would be, and creates nothing.

    What cannot become a project is refused before anything is created. Raises UsageError, OutsideError.
    """
    if folder in HELP:
        return subprocess.call([sys.executable, "-m", "invoke", "--help", "new"])
    if not QUESTIONS.exists():
        raise UsageError(
            "this is a copy itself: new projects are made from the template", "clone the template, then invoke new"
        )
    target = Path(folder)
    if not dry_run and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{folder} is there already, and is not empty", "name a new folder")
    wanted = _complete(wanted, target, defaults)
    answers = wanted.answers(target)
    proposal = _proposal(answers) if answers.own_data else None
    if dry_run:
        _show(proposal)
        return 0
    _make(target, answers, proposal)
    there = f"cd {shlex.quote(folder)} (the environment that is active here serves it too)"
    tell(f"next: {there}, read pipeline.toml and data/schema.json, then nox -s pipeline")
    return 0


def _complete(wanted: Wanted, folder: Path, defaults: bool) -> Wanted:
    """Ask for anything not given, unless defaults are wanted; refuse what the first megabyte shows to be wrong."""
    missing = [f"--{key}" for key in ASKED if not getattr(wanted, key)]
    if missing and not defaults and not sys.stdin.isatty():
        raise UsageError(f"there is no terminal to ask for {', '.join(missing)}", "give them, or add --defaults")
    if wanted.task and wanted.task not in TASKS:
        raise UsageError(f"--task is '{wanted.task}'{did_you_mean(wanted.task, TASKS)}", f"one of: {', '.join(TASKS)}")
    if not defaults:
        wanted = replace(
            wanted,
            name=wanted.name or Prompt.ask("What is the project called?", default=folder.resolve().name),
            data=wanted.data or Prompt.ask(f"Which file has your rows? '{EXAMPLE}' keeps the example.", default=EXAMPLE),
        )
    columns = _columns(wanted) if wanted.own_data else []
    if not defaults:
        default = EXAMPLE_TARGET if not wanted.own_data else (columns[-1] if columns else "")
        wanted = replace(
            wanted,
            target=wanted.target or Prompt.ask("Which column should be predicted?", default=default),
            task=wanted.task or Prompt.ask("What does the model predict?", choices=[*TASKS], default=TASKS[0]),
        )
    _refuse_target(wanted, columns)
    return wanted


def _columns(wanted: Wanted) -> list[str]:
    """Print what the first megabyte of the file shows, and return its columns; none if only the whole file shows them."""
    if not wanted.file.is_file():
        raise UsageError(f"data: {wanted.data} is no file", f"name a CSV or Parquet file, or '{EXAMPLE}'")
    tell(f"reading {wanted.file.name}")
    from gateline.rows.importing import glance

    seen = glance(wanted.file, wanted.encoding)
    for conversion in seen.conversions:
        tell(f"{READ}{conversion}")
    return list(seen.columns)


def _refuse_target(wanted: Wanted, columns: list[str]) -> None:
    if not wanted.own_data:
        return
    if not wanted.target:
        raise UsageError(f"which column of {wanted.data} is to be predicted?", _one_of(columns))
    if columns and wanted.target not in columns:
        near = did_you_mean(wanted.target, columns)
        raise UsageError(f"{wanted.data} has no column '{wanted.target}'{near}", _one_of(columns))


def _one_of(columns: list[str]) -> str:
    if len(columns) == 1:
        from gateline.rows.infer import ONE_COLUMN

        return ONE_COLUMN
    return f"--target=COLUMN, one of: {', '.join(columns)}" if columns else "--target=COLUMN"


def _proposal(answers: Answers) -> Proposal:
    from gateline.rows.importing import glance
    from template.adopting.proposal import propose

    source = Path(answers.data)
    proposal = propose(source, answers)
    told = {f"{READ}{conversion}" for conversion in glance(source, answers.encoding).conversions}
    tell(*(line for line in proposal.said if line not in told))
    return proposal


def _show(proposal: Proposal | None) -> None:
    """Print what a dry run would write: the schema, and the settings that follow from the rows."""
    if proposal is not None:
        from gateline.rows.infer import render

        tell("data/schema.json:", *render(proposal.schema).splitlines(), "pipeline.toml:")
        for key, value in proposal.settings.items():
            if value not in (None, {}):
                tell(f"  {key} = {str(value).lower() if isinstance(value, bool) else repr(value)}")
    tell("nothing was made: this is what would be proposed; limits come from a first model")


def _make(target: Path, answers: Answers, proposal: Proposal | None) -> None:
    """Copy and adopt; meanwhile make the training environment, which the next project will share, and a first model."""
    from template.adopting.project import TRAIN_LOCK, adopt, trained_ahead, training_python

    template = Path(".").resolve()
    _tell_of_libraries(template, [LOCK] if proposal is None else [LOCK, TRAIN_LOCK])
    python: Callable[[], Path] = partial(training_python, target, target)
    ahead: Callable[[], str] = str
    with ThreadPoolExecutor(1) as pool:
        if proposal is not None:
            made = pool.submit(training_python, template, template)
            ahead = pool.submit(lambda: trained_ahead(template, proposal, made.result())).result
            python = made.result
        with _gone_again(target):
            _copy(template, target, answers)
        with _to_go_on(target):
            adopt(target, answers, proposal, python, ahead)


def _tell_of_libraries(template: Path, locks: Sequence[Path]) -> None:
    """Say what the first project of a clone has to wait for."""
    if not all(is_made(template / lock, template) for lock in locks):
        tell("installing the libraries that copy and train: once, later projects use them too")


def _copy(template: Path, target: Path, answers: Answers) -> None:
    """Copy what the template has committed; the answers keep where later versions will come from."""
    tell(f"copying the template to {target}")
    edited = git.edited(template)
    if edited:
        more = f" and {len(edited) - SHOWN} more" if len(edited) > SHOWN else ""
        tell(f"note: copied as committed, without the edits of {', '.join(edited[:SHOWN])}{more}")
    flags = [part for key in ASKED for part in ("--data", f"{key}={getattr(answers, key)}")]
    python = python_for(LOCK, template, compiled=False)
    with git.committed(template) as clean:
        argv = ("-m", "copier", "copy", "--quiet", "--defaults", *flags, str(clean.folder), str(target.absolute()))
        # `alone` hides git: copier would ask it once per file about an index that a new folder lacks.
        done = run_in(python, *argv, folder=template, alone=True)
    if done.code:
        raise OutsideError(f"copier ended with {done.code}: {' / '.join(done.said()[-SHOWN:])}", "fix that, then run it again")
    also = {key: value for key in ALSO if (value := getattr(answers, key)) not in ("", None)}
    commit = {"_commit": clean.commit} if clean.commit else {}
    note(target, **commit, _src_path=git.source(template), **also)


@contextmanager
def _gone_again(target: Path) -> Iterator[None]:
    """Remove a half-made copy."""
    try:
        yield
    except BaseException:
        if target.exists():
            shutil.rmtree(target, ignore_errors=True)
            tell(f"{target} is removed again: no project was made", error=True)
        raise


@contextmanager
def _to_go_on(target: Path) -> Iterator[None]:
    """Rows, schema and settings are written: a later failure leaves them, and says how to continue."""
    on = f"cd {shlex.quote(str(target))} && nox -s adopt"
    try:
        yield
    except GatelineError as error:
        error.next_step = f"fix that, then continue with what has been made: {on}"
        raise
    except BaseException:
        tell(f"{target} stays as it is. To continue from there: {on}", error=True)
        raise
