"""A copy becomes a project of its own, and what fails on the way can be gone on with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateline.settings import load
from gateline.settings.errors import OutsideError, UsageError
from infra.commands.answers import FILE, read
from template.adopting.project import adopt, trained_ahead
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


FIRST = {
    "estimator": "model.estimators:logistic", "parameters": {}, "tried": {}, "metrics": {"roc_auc": 0.9},
    "constant": {"roc_auc": 0.5}, "worst": {"roc_auc": 0.85}, "spreads": {}, "doubt": "", "never": [],
    "features": ["spend"], "train_rows": 600, "test_rows": 300, "positives": 80,
}  # fmt: skip
TRAINS = "import json, os, training.other\nprint(json.dumps(sorted(os.listdir('data'))))\n"


@pytest.fixture
def template(copy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with settings, the example's rows and a training that tells which rows it found."""
    folder = copy.parent / "template"
    (folder / "training").mkdir(parents=True)
    (folder / "data").mkdir()
    shutil.copyfile(ROOT / "pipeline.toml", folder / "pipeline.toml")
    (folder / "data/sample.csv").touch()
    (folder / "training/first.py").write_text(TRAINS, encoding="utf-8")
    (folder / "training/other.py").touch()
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for step in (["init", "--quiet"], ["add", "--all"], [*who, "commit", "--quiet", "-m", "one"]):
        subprocess.run(["git", *step], cwd=folder, check=True)
    return folder


def interpreter(folder: Path) -> Path:
    """An environment that holds nothing, so that what is compiled is kept in it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--symlinks", str(folder)], check=True)
    return folder / "bin/python"


def test_a_first_model_is_trained_on_what_is_committed_and_nothing_of_it_stays(template: Path, copy: Path) -> None:
    (template / "training/first.py").write_text("print('edited')\n", encoding="utf-8")
    before = sorted(template.rglob("*"))
    python = interpreter(copy.parent / "venv")
    assert json.loads(trained_ahead(template, proposal_of(copy), python)) == ["schema.json", "test.csv", "train.csv"]
    assert sorted(template.rglob("*")) == before and (template / "data/sample.csv").exists()
    assert not [path for path in (copy.parent / "venv/compiled").rglob("*") if "gateline-template" in path.name]


def test_what_cannot_be_trained_ahead_is_left_to_the_project(
    template: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal, python = proposal_of(copy), Path(sys.executable)
    assert trained_ahead(template, proposal, copy / "no python") == ""
    with monkeypatch.context() as patch:
        patch.setattr("template.adopting.project.AHEAD", 100)
        assert trained_ahead(template, proposal, python) == ""
    shutil.rmtree(template / ".git")
    before = sorted(template.rglob("*"))
    assert trained_ahead(template, proposal, python) == "" and sorted(template.rglob("*")) == before


def test_a_training_that_fails_ahead_says_nothing(template: Path, copy: Path) -> None:
    (template / "training/first.py").write_text("print('{}')\nraise SystemExit(2)\n", encoding="utf-8")
    subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qam", "two"], cwd=template, check=True)
    assert trained_ahead(template, proposal_of(copy), interpreter(copy.parent / "venv")) == ""


def test_a_project_takes_its_limits_from_the_model_that_was_trained_ahead(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adopt(copy, read(copy), proposal_of(copy), nowhere, lambda: json.dumps(FIRST))
    settings = load(copy / "pipeline.toml", {})
    assert settings.model.estimator == "model.estimators:logistic" and settings.gates.model.min_roc_auc == 0.81
    assert "first model: logistic regression on 1 features: spend" in capsys.readouterr().out
