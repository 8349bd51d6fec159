"""What `invoke new` is told of a first model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from settings import load
from tests.training.conftest import Small
from tests.training.example import project
from training.first import first_model, main


@pytest.mark.parametrize(("kind", "metric"), [("binary", "roc_auc"), ("multiclass", "accuracy"), ("regression", "r2")])
def test_a_first_model_is_measured_beside_a_constant_answer(small: Small, kind: str, metric: str) -> None:
    settings, trained = small(kind)
    first = first_model(settings)
    assert first.metrics == trained.manifest.metrics and first.features == trained.manifest.features
    assert first.metrics[metric] > first.constant[metric] + 0.1 and first.doubt == ""


def test_it_is_printed_as_json_and_nothing_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["python -m training.first"])
    before = sorted(tmp_path.rglob("*"))
    assert main() == 0
    said = json.loads(capsys.readouterr().out)
    assert np.isfinite(said["metrics"]["roc_auc"]) and set(said) == {"metrics", "constant", "doubt", "features"}
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before and "__pycache__" not in str(path)] == []
    assert load().metrics.primary in said["metrics"]
