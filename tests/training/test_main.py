"""The command: trains once, says so the second time, hands over, and refuses what is wrong in words."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from gateline.contracts.digest import of_bytes
from gateline.registry.artifacts import CANDIDATE
from gateline.registry.made_here import MODEL, Made, content_of
from gateline.settings import load
from tests.training.conftest import Small
from tests.training.example import artifacts_of, command, copy_of_project, frame, project
from training.__main__ import main

FILES = {"model.skops", "schema.json", "metrics.json", "reference.json", "golden.json", "manifest.json"}
CUSTOM = '''"""A transformer of this project's own."""

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

import numpy as np


class Ratio(TransformerMixin, BaseEstimator):
    """Size, count, and their product, missing as 0."""

    def fit(self, features, labels=None):
        self.columns_ = features.shape[1]
        return self

    def transform(self, features):
        size, count = (np.nan_to_num(features[:, place].astype(float)) for place in (0, 1))
        return np.stack([size, count, size * count], axis=1)


def ratio(schema, seed, alpha=1.0):
    return make_pipeline(Ratio(), Ridge(alpha=alpha, random_state=seed))
'''
SLOW = """import pathlib, time


def slow(schema, seed):
    class Slow:
        def fit(self, features, labels):
            pathlib.Path("fitting").touch()
            time.sleep(60)

        predict_proba = fit

    return Slow()
"""


AS_AT_A_TERMINAL = """import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background inherits that it is ignored
runpy.run_module("training", run_name="__main__")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a small project."""
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path


@pytest.fixture
def stored(folder: Path, small: Small) -> Path:
    """The same project, with what another run of the same rows and settings has stored: trained once for all tests."""
    shutil.copytree(small("binary")[0].registry.url, folder / "store")
    return folder


def test_a_candidate_is_stored_copied_reported_and_pointed_to(folder: Path) -> None:
    assert main([]) == 0
    artifacts = artifacts_of(load())
    identity = artifacts.resolve(CANDIDATE)
    assert {path.name for path in Path(".gateline/candidate").iterdir()} == FILES
    assert Path(".gateline/candidate/model.skops").read_bytes() == artifacts.files(identity)["model.skops"]
    metrics = json.loads(Path("reports/train/metrics.json").read_text())
    assert metrics == artifacts.manifest(identity).metrics
    verdict = json.loads(Path("reports/train/verdict.json").read_text())
    assert (verdict["stage"], verdict["outcome"], verdict["judged"]["artifact"]) == ("train", "pass", identity)
    assert verdict["metrics"]["accuracy"] == metrics["accuracy"]
    assert [(rule["name"], rule["sample"]) for rule in verdict["rules"]] == [("trained", 600)]


def test_equal_inputs_are_not_trained_again(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    written = {path: path.stat().st_mtime_ns for path in (stored / "store").rglob("model.skops")}
    capsys.readouterr()
    artifacts_of(load()).point(CANDIDATE, "0" * 64)
    assert main(["--output", "elsewhere"]) == 0
    assert "nothing to train: equal inputs made" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in (stored / "store").rglob("model.skops")} == written
    assert artifacts_of(load()).alias(CANDIDATE) != "0" * 64
    assert {path.name for path in Path("elsewhere").iterdir()} == FILES
    assert json.loads(Path("reports/train/verdict.json").read_text())["recorded"] is True


def test_fresh_trains_again_and_keeps_the_stored_artifact(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    before = Path(".gateline/candidate/manifest.json").read_bytes()
    capsys.readouterr()
    assert main(["--fresh"]) == 0
    said = capsys.readouterr().err
    assert "[3/6] fit" in said
    assert f"keeps its name, {json.loads(before)['version']}" in said
    assert Path(".gateline/candidate/manifest.json").read_bytes() == before


def switch_signing_on() -> None:
    path = Path("pipeline.toml")
    path.write_text(path.read_text(encoding="utf-8") + '\n[signing]\nkeys = ["keys/release.pub"]\n', encoding="utf-8")


@pytest.mark.slow
def test_where_releases_are_signed_only_what_was_trained_here_spares_the_training(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([])
    switch_signing_on()
    capsys.readouterr()
    assert main([]) == 0 and "nothing to train" in capsys.readouterr().err
    made = Made.of(load())
    made.path.unlink()
    assert main([]) == 0
    said = capsys.readouterr().err
    assert "were trained elsewhere" in said and "[3/6] fit" in said
    assert made.all(MODEL) == [content_of(artifacts_of(load()).files(artifacts_of(load()).resolve(CANDIDATE)))]


def of_another(model: bytes) -> bytes:
    """Return a model file with one number of one array changed."""
    packed = io.BytesIO()
    with ZipFile(io.BytesIO(model)) as old, ZipFile(packed, "w") as new:
        files = {name: old.read(name) for name in old.namelist()}
        largest = max((name for name in files if name.endswith(".npy")), key=lambda name: len(files[name]))
        files[largest] = files[largest][:-1] + bytes([files[largest][-1] ^ 1])
        for name, data in files.items():
            new.writestr(name, data)
    return packed.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["threshold", "model", "no model"])
def test_a_model_that_somebody_put_in_the_place_of_equal_inputs_is_not_taken_for_ones_own(
    folder: Path, capsys: pytest.CaptureFixture[str], changed: str
) -> None:
    main([])
    switch_signing_on()
    Made.of(load()).path.unlink()
    manifest = next((folder / "store").rglob("artifacts/*/manifest.json"))
    body = json.loads(manifest.read_text())
    model = manifest.with_name("model.skops")
    if changed == "threshold":
        body["threshold"] = 0.01
    else:
        model.write_bytes(of_another(model.read_bytes()) if changed == "model" else b"no zip")
        body["files"]["model.skops"] = of_bytes(model.read_bytes())
    manifest.write_text(json.dumps(body))
    record = next((folder / "store").rglob(f"versions/{body['version']}.json"))
    record.write_text(json.dumps({"identity": body["identity"], "manifest": of_bytes(manifest.read_bytes())}))
    assert main([]) == 0
    assert "it differs from what was trained now" in capsys.readouterr().err
    assert Made.of(load()).all(MODEL) == []


def test_an_artifact_handed_on_without_its_verdict_is_recognised(stored: Path) -> None:
    main([])
    for verdict in (stored / "store").rglob("verdicts/train/*"):
        verdict.unlink()
    assert main([]) == 0
    verdict = json.loads(Path("reports/train/verdict.json").read_text())
    assert verdict["recorded"] is True and verdict["rules"][0]["name"] == "trained"


def test_a_broken_artifact_is_trained_again_and_the_command_says_so(
    stored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([])
    model = next((stored / "store").rglob("model.skops"))
    model.write_bytes(b"x" + model.read_bytes()[1:])
    capsys.readouterr()
    assert main([]) == 0
    assert "is not the one that was written: training it again" in capsys.readouterr().err
    assert model.read_bytes()[:2] == b"PK"


def test_ci_is_told_version_and_metrics(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(folder / "output"))
    main([])
    version, model, metrics = (folder / "output").read_text().splitlines()
    manifest = json.loads(Path(".gateline/candidate/manifest.json").read_text())
    assert version == f"model-version={manifest['version']}" and model == f"model={manifest['identity']}"
    assert json.loads(metrics.removeprefix("metrics=")) == manifest["metrics"]


@pytest.mark.slow
def test_the_recognising_path_imports_neither_pandas_nor_scikit_learn(tmp_path: Path) -> None:
    folder = copy_of_project(tmp_path)
    assert command(folder, "training").returncode == 0
    code = (
        "import sys; from training.__main__ import main; code = main([])\n"
        "heavy = {'pandas', 'sklearn', 'scipy', 'skops', 'numpy'} & set(sys.modules)\n"
        "print(code, sorted(heavy))"
    )
    (folder / "again.py").write_text(code)
    assert command(folder, "again").stdout.endswith("0 []\n")


@pytest.mark.slow
def test_a_regression_with_a_transformer_of_the_project_trains_and_reads_back(tmp_path: Path) -> None:
    estimator = {"estimator": "model.custom:ratio", "parameters": {"alpha": 0.5}}
    folder = copy_of_project(tmp_path, "regression", model=estimator)
    (folder / "model" / "custom.py").write_text(CUSTOM)
    done = command(folder, "training")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((folder / ".gateline/candidate/manifest.json").read_text())
    assert manifest["trusted_types"] == ["model.custom.Ratio"]
    judged = command(folder, "validation.model")
    assert judged.returncode == 0, judged.stdout + judged.stderr


@pytest.mark.slow
def test_a_change_of_the_projects_code_trains_again(tmp_path: Path) -> None:
    folder = copy_of_project(tmp_path)
    command(folder, "training")
    with (folder / "model" / "features.py").open("a") as stream:
        stream.write("\nUSED = 1\n")
    done = command(folder, "training")
    assert "[3/6] fit" in done.stderr and done.returncode == 0
    assert len(list((folder / "store/small/artifacts").iterdir())) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": {"target": "yy"}}, "target column 'yy' is not declared; did you mean 'y'?"),
        ({"data": {"train": "nowhere.csv"}}, "nowhere.csv: no such data file"),
        ({"data": {"schema": "nowhere.json"}}, "nowhere.json: no such schema file"),
        ({"model": {"estimator": "sklearn.tree.DecisionTreClassifier"}}, "did you mean 'DecisionTreeClassifier'?"),
        ({"model": {"parameters": {"max_dept": 3}}}, "did you mean 'max_depth'?"),
        ({"project": {"task": "regresion"}}, "project.task"),
    ],
)
def test_bad_settings_end_with_2_and_a_word_on_what_to_do(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    folder = copy_of_project(tmp_path, **change)
    done = command(folder, "training")
    assert done.returncode == 2
    assert message in done.stderr and "next:" in done.stderr and "Traceback" not in done.stderr
    assert not (folder / "store").exists() and not (folder / ".gateline").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("content", "message"), [("", "train.csv"), ("header", "train.csv: holds no rows")])
def test_empty_data_ends_with_2(folder: Path, content: str, message: str) -> None:
    header = ",".join(frame(1, 1).columns) + "\n"
    (folder / "train.csv").write_text(header if content else "")
    done = subprocess.run(
        [sys.executable, "-m", "training", "--config", str(folder / "pipeline.toml")],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.slow
def test_an_interrupt_in_mid_fit_stores_nothing(tmp_path: Path) -> None:
    folder = copy_of_project(tmp_path, model={"estimator": "model.slow:slow", "parameters": {}})
    (folder / "model" / "slow.py").write_text(SLOW)
    running = subprocess.Popen(
        [sys.executable, "-c", AS_AT_A_TERMINAL], cwd=folder, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    try:
        deadline = time.monotonic() + 60
        while not (folder / "fitting").exists() and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == 130, said
    assert "interrupted" in said and "Traceback" not in said
    assert not (folder / "store").exists()


@pytest.mark.slow
def test_a_full_disk_ends_with_4_and_leaves_no_candidate(tmp_path: Path) -> None:
    folder = copy_of_project(tmp_path)
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n" + AS_AT_A_TERMINAL
    (folder / "full.py").write_text(code)
    done = command(folder, "full", PYTHONDONTWRITEBYTECODE="1")  # a cut-off .pyc would break the next import
    assert done.returncode == 4
    assert "File too large" in done.stderr and "that its disk has space" in done.stderr
    artifacts = artifacts_of(load(folder / "pipeline.toml"))
    assert not artifacts.versions() and artifacts.alias(CANDIDATE) is None
    assert not (folder / ".gateline").exists()
    assert command(folder, "training").returncode == 0
