"""The tables that everybody starts with, from `invoke new --defaults` through the gates on data and model, untouched.

All of them, to production: `python -m benchmarks.first_tables`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from tests.acceptance.project import Project
from tests.acceptance.test_copies import copied

pytestmark = pytest.mark.slow
STAGES = ("validation.data", "training", "validation.model")


def through(project: Project) -> dict[str, tuple[int, str]]:
    """Run the stages until one stops; return how each ended."""
    ends: dict[str, tuple[int, str]] = {}
    for stage in STAGES:
        done = project.module(stage)
        ends[stage] = done.code, done.output
        if done.code:
            break
    return ends


@pytest.mark.parametrize(("name", "task"), [("iris", "classification"), ("diabetes", "regression")])
def test_a_table_of_scikit_learn_passes_untouched(tmp_path: Path, name: str, task: str) -> None:
    rows = tmp_path / f"{name}.csv"
    getattr(datasets, f"load_{name}")(as_frame=True).frame.to_csv(rows, index=False)
    project, made = copied(tmp_path / name, f"--data={rows}", "--target=target", f"--task={task}")
    assert made.code == 0, made.output
    assert "first model: " in made.output and "(a constant answer: " in made.output, made.output
    assert "because the test rows are few" in made.output, made.output
    ends = through(project)
    assert [code for code, _ in ends.values()] == [0, 0, 0], ends
    manifest = json.loads((project.path / ".gateline/candidate/manifest.json").read_text(encoding="utf-8"))
    assert manifest["settings"]["model"]["estimator"] == project.settings.model.estimator


def test_two_columns_that_add_up_to_the_target_stop_and_are_named(tmp_path: Path) -> None:
    chance = np.random.default_rng(8)
    casual, registered = chance.gamma(1.2, 30, 3000).round(), np.abs(chance.normal(120, 60, 3000)).round()
    table = pd.DataFrame({"hour": np.arange(3000) % 24, "casual": casual.astype(int), "registered": registered.astype(int)})
    table.assign(bikers=table["casual"] + table["registered"]).to_csv(tmp_path / "rows.csv", index=False)
    project, made = copied(tmp_path / "rides", f"--data={tmp_path / 'rows.csv'}", "--target=bikers", "--task=regression")
    assert made.code == 0, made.output
    ends = through(project)
    code, said = ends["validation.model"]
    assert code == 1 and "too_good" in said and "the sum of 'casual' and 'registered'" in said, said
