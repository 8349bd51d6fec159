"""Make a copy a project of its own: its rows, schema and settings, a first model and its limits, its first pages, and git."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import tomlkit

from gateline.contracts.digest import of_bytes
from gateline.rows.infer import render
from gateline.rows.importing import write
from gateline.settings.errors import OutsideError, UsageError
from gateline.settings.shown import tell
from infra.commands.answers import Answers, note
from infra.host.ports import is_free
from infra.host.python_env import forget, python_for, run_in
from template.adopting import git, limits
from template.adopting.proposal import Proposal
from template.scratch import change_settings

TRAIN_LOCK = Path("requirements/train.txt")
TEMPLATE = "template"
"""What makes copies: this package, which a project does not need."""
FIRST = "training.first"
AHEAD = 100_000
"""The most rows that are written a second time, so that a first model is trained while the template is copied: with more rows,
copying is a small part of the waiting time."""

PAGES = {"README.md": "README.md", "CHANGELOG.md": "CHANGELOG.md", "test_project.txt": "tests/test_project.py"}
"""What a copy has of its own, from `pages/` here."""
FIRST_PORT, PAIRS = 8102, 900
"""Even ports from here on, up to 9900: above the example's own, below what programs take for themselves."""


def refuse_adopted(root: Path) -> None:
    """Raise UsageError if a copy is a project already."""
    if (root / "README.md").exists():
        raise UsageError("this copy is adopted already", "edit pipeline.toml, data/schema.json and model/ by hand")


def adopt(
    root: Path,
    answers: Answers,
    proposal: Proposal | None,
    python: Callable[[], Path],
    ahead: Callable[[], str] = str,
) -> None:
    """Write a project's own files into a copy, and keep it in git; without a proposal it keeps the example's rows.

    `python` returns the interpreter that trains, `ahead` what `trained_ahead` found; after '' the first model is trained here.
    Until it has ended once, it can be repeated from the beginning.
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
    _write_pages(root, answers)
    shutil.rmtree(root / TEMPLATE, ignore_errors=True)
    _tell(f"{answers.slug} is a project of its own; production will listen on {production}, staging on {staging}.")
    for left in git.keep(root, [f"data/{name}" for name in proposal.names] if proposal else ()):
        _tell(left)


def ports_of(slug: str, folder: Path) -> tuple[int, int]:
    """Return the ports of production and staging: the first pair from the copy's place on that nobody listens on.

    The place follows from name and folder, so that two copies on one host do not meet, not even of one name.
    """
    start = int(of_bytes(f"{slug} in {folder.absolute()}".encode())[:8], 16) % PAIRS
    pairs = [(FIRST_PORT + 2 * (place % PAIRS), FIRST_PORT + 2 * (place % PAIRS) + 1) for place in range(start, start + PAIRS)]
    free = (pair for pair in pairs if all(is_free("127.0.0.1", port) for port in pair))
    return next(free, pairs[0])


def _write_pages(root: Path, answers: Answers) -> None:
    """Write the copy's own pages and its first test, except those the user has already changed."""
    for template, target in PAGES.items():
        if not (root / target).exists():
            text = Path(__file__).with_name("pages").joinpath(template).read_text(encoding="utf-8")
            (root / target).parent.mkdir(parents=True, exist_ok=True)
            (root / target).write_text(text.replace("{{ name }}", answers.name), encoding="utf-8")
    (root / "tests" / "__init__.py").touch()


def trained_ahead(template: Path, proposal: Proposal, python: Path) -> str:
    """Train the first model in a separate folder, made from what the template has committed and removed afterwards.

    Returns what `python -m training.first` prints; '' if it failed, or if there are more than `AHEAD` rows. Training in the
    project itself then shows why, with files that the user can look at.
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
    """Write the two parts of the rows, their schema and the settings that follow; remove the example's files."""
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
    path = root / "pipeline.toml"
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    table = tomlkit.table()
    for name, (value, comment) in follows.gate.items():
        table.add(name, tomlkit.item(value).comment(comment))
    document["gates"]["model"] = table
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
    _tell("limits: " + ", ".join(f"{name} = {value}" for name, (value, _) in follows.gate.items()))


def _run(root: Path, python: Path, module: str) -> str:
    """Run a package's command in a project's folder; return what it prints.

    If it does not end with 0, it has said why and what to do next; this ends in the same way.
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
    """Return the interpreter that trains what is in `root`; its Python environment is one of those of `environments`.

    It is made if it does not exist yet, without compiling what one training never imports.
    """
    return python_for(root / TRAIN_LOCK, environments, compiled=False)


def _tell(text: str, *, error: bool = False) -> None:
    tell(*text.splitlines(), error=error)
