"""A copy becomes a project of its own, and what fails on the way can be gone on with."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from gateline.settings import load
from gateline.settings.errors import OutsideError, UsageError
from infra.commands.answers import FILE, read
from template.adopting.project import adopt
from template.adopting.proposal import Proposal, propose

ROOT = Path(__file__).parents[3]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What copier leaves: the template's settings, the example's rows, and the answers."""
    folder = tmp_path / "churn"
    (folder / "data").mkdir(parents=True)
    shutil.copyfile(ROOT / "pipeline.toml", folder / "pipeline.toml")
    (folder / "data/sample.csv").touch()
    lines = [f"{i + 1},{i % 97},{'fraud' if i % 97 > 70 else 'legit'}" for i in range(900)]
    (tmp_path / "rows.csv").write_text("\n".join(["customerID,spend,kind", *lines]) + "\n", encoding="utf-8")
    answers = {"name": "churn", "task": "classification", "data": str(tmp_path / "rows.csv"), "target": "kind"}
    (folder / FILE).write_text(json.dumps(answers), encoding="utf-8")
    return folder


def proposal_of(copy: Path) -> Proposal:
    answers = read(copy)
    return propose(Path(answers.data), answers)


def nowhere() -> Path:
    raise OutsideError("the training environment cannot be made: no network")


def test_a_training_that_cannot_begin_leaves_all_that_was_made_and_the_way_on(copy: Path) -> None:
    for _ in range(2):
        with pytest.raises(OutsideError, match="no network"):
            adopt(copy, read(copy), proposal_of(copy), nowhere)
    settings = load(copy / "pipeline.toml", {})
    assert (settings.project.name, settings.data.target, settings.metrics.positive) == ("churn", "kind", "fraud")
    assert sorted(path.name for path in (copy / "data").iterdir()) == ["schema.json", "test.csv", "train.csv"]
    assert not (copy / "README.md").exists() and Path(read(copy).data).is_file(), "adopting it again goes on"


def test_a_training_that_breaks_off_is_told_without_its_traceback(copy: Path) -> None:
    with pytest.raises(OutsideError, match="python -m training.first broke off") as told:
        (copy / "training").mkdir()
        (copy / "training/first.py").write_text("raise RuntimeError('a bug')\n", encoding="utf-8")
        adopt(copy, read(copy), proposal_of(copy), lambda: Path(sys.executable))
    assert told.value.message.endswith("RuntimeError: a bug") and "Traceback" not in str(told.value)


def test_a_project_is_adopted_once(copy: Path) -> None:
    (copy / "README.md").touch()
    with pytest.raises(UsageError, match="adopted already"):
        adopt(copy, read(copy), None, nowhere)
