"""Make this copy a project of its own, as the answers say. It is done once, right after copying.

Examples: invoke new ../my-project · nox -s adopt
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import tomlkit

from infra.adopting import first_pages, git, limits, proposal
from infra.adopting.answers import EXAMPLE, FILE, Answers, note, read
from infra.adopting.ports import ports_of
from infra.process.python_env import python_for
from infra.scratch import change_settings
from settings.errors import UsageError, front_door

TRAIN_LOCK = Path("requirements/train.txt")


def adopt(root: Path, answers: Answers) -> None:
    """Write name, data, schema, settings, limits and first pages of a copy, and keep it in git.

    Raises UsageError for answers that do not fit.
    """
    if (root / "README.md").exists():
        raise UsageError("this copy is adopted already", "edit pipeline.toml, data/schema.json and model/ by hand")
    production, staging = ports_of(answers.slug, root)
    ports = {"environments.production.port": production, "environments.staging.port": staging}
    change_settings(root, {"project.name": answers.slug} | ports)
    if answers.own_data:
        _take_in(root, answers)
    first_pages.write(root, answers)
    print(
        f"{answers.slug} is a project of its own; production will listen on {production}, staging on {staging}.",
        flush=True,
    )
    for left in git.keep(root):
        print(left)


def _take_in(root: Path, answers: Answers) -> None:
    source = Path(answers.data).expanduser()
    source = source if source.is_absolute() else root / source
    if not source.is_file():
        raise UsageError(
            f"data: {answers.data} is no file",
            f"name a CSV or Parquet file, or '{EXAMPLE}', in {FILE}; then nox -s adopt",
        )
    parts = json.loads(_run(root, "training.splitting", str(source), "--target", answers.target, "--into", "data"))
    for conversion in parts["conversions"]:
        print(f"read: {conversion}")
    print(f"{parts['train_rows']} rows to train on, {parts['test_rows']} to test on" + _how(parts["time"]))
    if parts["unlabelled"]:
        print(f"{parts['unlabelled']} rows have no {answers.target}: they are left out")
    about = ("--target", answers.target, "--time", parts["time"], "--task", answers.task, "--later", *parts["later"])
    proposed = json.loads(_run(root, "infra.adopting.proposal", str(source), *about))
    for remark in proposed["notes"]:
        print(f"note: {remark}")
    _drop_the_example(root, {parts["train"], parts["test"], "schema.json"})
    (root / "data/schema.json").write_text(proposed["schema"] + "\n", encoding="utf-8")
    kind = proposed["kind"]
    change_settings(root, proposal.settings_of(kind, answers.task, answers.target, parts["time"], parts))
    print("training a first model, to propose limits from", flush=True)
    first = json.loads(_run(root, "training.first"))
    note(root, data=source.name)
    follows = limits.proposed(kind, first)
    for sentence in follows.said:
        print(sentence)
    change_settings(root, follows.settings | limits.data_sizes_of(parts["test_rows"]))
    _write_gate(root, follows.gate)
    print("limits: " + ", ".join(f"{name} = {value}" for name, (value, _) in follows.gate.items()))


def _how(time: str) -> str:
    return f": the latest by {time}" if time else ", by a digest of each row"


def _drop_the_example(root: Path, kept: set[str]) -> None:
    for path in (root / "data").iterdir():
        if path.is_file() and path.name not in kept:
            path.unlink()


def _write_gate(root: Path, gate: Mapping[str, tuple[float, str]]) -> None:
    path = root / "pipeline.toml"
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    table = tomlkit.table()
    for name, (value, comment) in gate.items():
        table.add(name, tomlkit.item(value).comment(comment))
    document["gates"]["model"] = table
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


def _run(root: Path, module: str, *arguments: str) -> str:
    """Run a package's command in the environment of the training lock; return what it prints.

    Where it ends otherwise than with 0, it has said why and what to do next: this ends so too.
    """
    argv = [str(python_for(root / TRAIN_LOCK, root)), "-m", module, *arguments]
    done = subprocess.run(argv, cwd=root, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode:
        print((done.stderr or done.stdout).strip(), file=sys.stderr)
        raise SystemExit(done.returncode)
    return done.stdout


def main() -> int:
    """Adopt the copy in this folder."""
    parser = argparse.ArgumentParser(
        prog="nox -s adopt", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--new", metavar="FOLDER", default="", help="this folder, as it was named to invoke new")
    new = parser.parse_args().new
    again = "invoke new" if new else f"nox -s adopt, which reads the answers in {FILE} again"
    root = Path(".").resolve()
    try:
        adopt(root, read(root))
    except SystemExit:
        print(f"  then: {again}", file=sys.stderr)
        raise
    there = f"cd {shlex.quote(new)} (the environment that is active here serves it too), " if new else ""
    print(f"next: {there}read pipeline.toml and data/schema.json, then nox -s pipeline")
    return 0


if __name__ == "__main__":
    sys.exit(front_door(main))
