"""The identity of an artifact follows its inputs, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateline.settings import load
from tests.training.example import command, copy_of_project, project
from training.identity import ROOT, SHAPING, plan

BESIDE = {
    *(f"gateline/contracts/{name}.py" for name in ("digest", "plot", "verdict", "event", "files", "image")),
    *(f"gateline/contracts/{name}.py" for name in ("layout", "programs", "release")),
    *(f"gateline/contracts/{name}.py" for name in ("git", "shaping")),
    "gateline/rows/sources.py",
    "validation/model/vouched.py",
    "model/features.py",
}
"""Modules that training imports and that shape no artifact by themselves: digests, verdicts, releases, who vouches for a
model; what parses or proposes a schema (the schema that comes out is digested), or picks settings (they are digested);
`model/`, which is digested as a folder."""
PROPOSING = ("first.py",)
"""Modules of training that propose settings and data for a new project, and make no artifact."""


def identity(folder: Path, **more: Any) -> str:
    return plan(load(project(folder, **more))).identity


def test_equal_inputs_have_one_identity_wherever_the_project_stands(tmp_path: Path) -> None:
    assert identity(tmp_path / "a") == identity(tmp_path / "b")


@pytest.mark.parametrize(
    "change",
    [
        {"rows": 601},
        {"kind": "regression"},
        {"model": {"seed": 8}},
        {"model": {"parameters": {"min_samples_leaf": 16}}},
        {"metrics": {"threshold": 0.4}},
        {"data": {"label_delay_hours": 2.0}},
        {"data": {"time": ""}},
    ],
)
def test_all_that_shapes_the_artifact_changes_the_identity(tmp_path: Path, change: dict[str, Any]) -> None:
    assert identity(tmp_path / "a") != identity(tmp_path / "b", **change)


@pytest.mark.parametrize(
    "change",
    [{"gates__model": {"min_accuracy": 0.9}}, {"environments__staging": {"port": 9001}}, {"project": {"name": "b"}}],
)
def test_what_only_judges_or_runs_it_does_not(tmp_path: Path, change: dict[str, Any]) -> None:
    assert identity(tmp_path / "a") == identity(tmp_path / "b", **change)


def test_a_schema_written_otherwise_is_the_same(tmp_path: Path) -> None:
    before, schema = identity(tmp_path), tmp_path / "schema.json"
    schema.write_text(schema.read_text().replace(": ", ":  "))
    assert plan(load(tmp_path / "pipeline.toml")).identity == before
    schema.write_text(schema.read_text().replace('"maximum":  9', '"maximum":  10'))
    assert plan(load(tmp_path / "pipeline.toml")).identity != before


@pytest.mark.slow
def test_sources_and_lock_count_and_caches_do_not(tmp_path: Path) -> None:
    folder = copy_of_project(tmp_path)

    def inputs() -> str:
        code = "from gateline import settings; import training.identity as i; print(i.plan(settings.load()).identity)"
        (folder / "ask.py").write_text(code)
        return command(folder, "ask").stdout

    seen = [inputs()]
    (folder / "model" / "__pycache__").mkdir(exist_ok=True)
    (folder / "model" / "__pycache__" / "junk.pyc").write_bytes(b"junk")
    assert inputs() == seen[0] != ""
    for path in ("model/features.py", "training/golden.py", "gateline/rows/cells.py", "requirements/train.txt"):
        with (folder / path).open("a") as stream:
            stream.write("\n# changed\n")
        seen.append(inputs())
    assert len(set(seen)) == len(seen)


def test_a_lock_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = copy_of_project(tmp_path)
    (folder / "requirements" / "train.txt").unlink()
    done = command(folder, "training")
    assert done.returncode == 2
    assert "requirements/train.txt" in done.stderr and "nox -s lock" in done.stderr


def test_every_module_that_shapes_an_artifact_is_listed() -> None:
    shaping = ("gateline/contracts/", "gateline/rows/", "validation/", "model/")
    reached = {path for path in closure("training") if path.startswith(shaping)}
    assert {path for path in reached - set(SHAPING) - BESIDE if not path.endswith("__init__.py")} == set()
    assert {path for path in SHAPING if not (ROOT / path).exists()} == set()


def closure(package: str) -> set[str]:
    """Return the paths of our modules that a package imports, directly or through others."""
    paths = (path for path in (ROOT / package).glob("*.py") if path.name not in PROPOSING)
    waiting, seen = [path.relative_to(ROOT).as_posix() for path in paths], set()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            apart = ("gateline/settings", "gateline/report")
            waiting += [name for name in imported(ROOT / path) if not name.startswith(apart)]
    return seen


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            for candidate in (f"{name.replace('.', '/')}.py", f"{name.replace('.', '/')}/__init__.py"):
                if (ROOT / candidate).is_file():
                    yield candidate
