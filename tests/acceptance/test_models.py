"""Two other models go to production and back, by changing `pipeline.toml`, `data/` and `model/` alone."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.models import many_classes, regression
from tests.acceptance.project import Project


@pytest.mark.parametrize("become", [regression, many_classes])
def test_another_model_to_production_and_back(tmp_path: Path, become: Callable[[Project], None]) -> None:
    project = Project.copy(tmp_path, become.__name__.replace("_", "-"))
    try:
        become(project)
        target = project.settings.data.target
        inferred = project.module("gateline.contracts.schema", "infer", "data/train.csv", "--target", target)
        assert inferred.code == 0, inferred.output
        schema = inferred.output[inferred.output.index("{") : inferred.output.rindex("}") + 1]
        (project.path / "data" / "schema.json").write_text(schema)
        done = project.module("validation.data")
        assert done.code == 0, done.output
        first = project.release()
        assert project.invoke("canary", "--env=production").code == 0
        assert_predicts(project)
        project.change(model__seed=2)
        second = project.release()
        with project.traffic(rate=150) as traffic:
            traffic.wait_for(50)
            deployed = project.invoke("deploy", "--env=production", "--skip-canary")
            assert deployed.code == 0, deployed.output
            assert project.stable() == second
            undone = project.invoke("rollback", "--env=production")
            assert undone.code == 0, undone.output
            traffic.wait_for(50)
        assert project.stable() == first
        assert not traffic.lost
        assert set(traffic.releases) == {first, second}
        trial = project.nox("integration", f"--release={second}")
        assert trial.code == 0, trial.output
    finally:
        project.stop()


def assert_predicts(project: Project) -> None:
    """The answer names a prediction of the right kind."""
    body = json.dumps({"rows": [project.row()]}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{project.port}/predict", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        prediction = json.load(answer)["predictions"][0]
    if project.settings.project.task == "regression":
        assert isinstance(prediction["prediction"], float)
    else:
        assert abs(sum(prediction["probabilities"].values()) - 1) < 1e-9
        assert prediction["prediction"] in prediction["probabilities"]
