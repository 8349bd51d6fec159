"""Make a copy a project of its own: its rows, schema and settings, a first model and its limits, its first pages, and git."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import tomlkit

from gateline.rows.infer import render
from gateline.rows.taking import write
from gateline.settings.errors import OutsideError, UsageError
from gateline.settings.shown import tell
from infra.commands.answers import Answers, note
from infra.host.python_env import forget, python_for, run_in
from template.adopting import first_pages, git, limits
from template.adopting.ports import ports_of
from template.adopting.proposal import Proposal
from template.scratch import change_settings

TRAIN_LOCK = Path("requirements/train.txt")
TEMPLATE = "template"
"""What makes copies: this very package, which a project of its own has no use for."""
FIRST = "training.first"
AHEAD = 100_000
"""Most rows that are written a second time, for a first model to be trained while the template is copied: with more of them
copying is a small part of what there is to wait for."""


def refuse_adopted(root: Path) -> None:
    """Raise UsageError where a copy is a project already."""
    if (root / "README.md").exists():
        raise UsageError("this copy is adopted already", "edit pipeline.toml, data/schema.json and model/ by hand")


def adopt(
    root: Path,
    answers: Answers,
    proposal: Proposal | None,
    python: Callable[[], Path],
    ahead: Callable[[], str] = str,
) -> None:
    """Write what is a project's own into a copy, and keep it in git; without a proposal it keeps the example's rows.

    `python` gives the interpreter that trains, `ahead` what `trained_ahead` found; after '' the first model is trained here.
    What it does can be done again from the beginning until it has ended once.
    Raises UsageError for a copy that is adopted already, SystemExit with the code of a training that failed.
    """
    refuse_adopted(root)
    production, staging = ports_of(answers.slug, root)
    ports = {"environments.production.port": production, "environments.staging.port": staging}
    change_settings(root, {"project.name": answers.slug} | ports)
    if proposal is not None:
        take_in(root, proposal)
        _propose_limits(root, proposal, python, ahead)
        note(root, data=Path(answers.data).name)
    first_pages.write(root, answers)
    shutil.rmtree(root / TEMPLATE, ignore_errors=True)
    _tell(f"{answers.slug} is a project of its own; production will listen on {production}, staging on {staging}.")
    for left in git.keep(root, [f"data/{name}" for name in proposal.names] if proposal else ()):
        _tell(left)


def trained_ahead(template: Path, proposal: Proposal, python: Path) -> str:
    """Train the first model in a folder of its own, made of what the template has committed and removed afterwards.

    Returns what `python -m training.first` prints; '' where it did not come to that, or there are more than `AHEAD` rows. Why
    it did not is told by training in the project itself, whose files the user can look at.
    """
    if proposal.train.rows + proposal.test.rows > AHEAD:
        return ""
    try:
        with git.committed(template) as clean:
            if clean.folder == template:
                return ""
            take_in(clean.folder, proposal)
            done = run_in(python, "-m", FIRST, folder=clean.folder)
            forget(python, clean.folder)
    except (OSError, OutsideError):
        return ""
    return done.output if done.code == 0 else ""


def take_in(root: Path, proposal: Proposal) -> None:
    """Write the two parts of the rows, their schema and the settings that follow; the example's files go."""
    train, test = proposal.names
    write(proposal.train, root / "data" / train)
    write(proposal.test, root / "data" / test)
    (root / "data/schema.json").write_text(render(proposal.schema) + "\n", encoding="utf-8")
    for path in (root / "data").iterdir():
        if path.is_file() and path.name not in (train, test, "schema.json"):
            path.unlink()
    change_settings(root, proposal.settings)


def _propose_limits(root: Path, proposal: Proposal, python: Callable[[], Path], ahead: Callable[[], str]) -> None:
    _tell("training a first model, to propose limits from")
    follows = limits.proposed(proposal.kind, json.loads(ahead() or _run(root, python(), FIRST)))
    for sentence in follows.said:
        _tell(sentence)
    change_settings(root, follows.settings | limits.data_sizes_of(proposal.test.rows))
    _write_gate(root, follows.gate)
    _tell("limits: " + ", ".join(f"{name} = {value}" for name, (value, _) in follows.gate.items()))


def _write_gate(root: Path, gate: Mapping[str, tuple[float, str]]) -> None:
    path = root / "pipeline.toml"
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    table = tomlkit.table()
    for name, (value, comment) in gate.items():
        table.add(name, tomlkit.item(value).comment(comment))
    document["gates"]["model"] = table
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


def _run(root: Path, python: Path, module: str) -> str:
    """Run a package's command in a project's folder; return what it prints.

    Where it ends otherwise than with 0, it has said why and what to do next: this ends so too.
    """
    done = run_in(python, "-m", module, folder=root)
    said = (done.errors or done.output).strip()
    if "Traceback (most recent call last)" in said:
        last = said.splitlines()[-1]
        raise OutsideError(f"python -m {module} broke off: {last}", f"run it in {root} to see where, and report it")
    if done.code:
        _tell(said, error=True)
        raise SystemExit(done.code)
    return done.output


def training_python(root: Path, environments: Path) -> Path:
    """Return the interpreter that trains what is in `root`; its environment is one of those of `environments`.

    It is made where it is not there yet, without compiling what one training never imports.
    """
    return python_for(root / TRAIN_LOCK, environments, compiled=False)


def _tell(text: str, *, error: bool = False) -> None:
    tell(*text.splitlines(), error=error)
