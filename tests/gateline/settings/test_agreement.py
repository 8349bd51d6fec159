"""What the sections promise each other: each promise kept, and broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gateline.settings.files import good, refusal, write

REGRESSION = {"project": 'task = "regression"'}


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"data": 'group = "late"'}, "'data.group' is 'late', which is the target; allowed: another column, or empty"),
        ({"data": 'time = "late"'}, "'data.time' is 'late', which is the target; allowed: another column, or empty"),
        (
            {"metrics": 'primary = "rocauc"'},
            "'metrics.primary' is 'rocauc'; allowed for classification: accuracy, precision, recall, f1, roc_auc, "
            "average_precision, recall_at_fpr, log_loss; did you mean 'roc_auc'?",
        ),
        (REGRESSION, "'metrics.primary' is 'roc_auc'; allowed for regression: mae, rmse, r2"),
        (
            {**REGRESSION, "metrics": 'primary = "rmse"'},
            "'metrics.direction' is 'maximize'; allowed for 'rmse': 'minimize'",
        ),
        (
            {"metrics": 'primary = "accuracy"\ndirection = "minimize"'},
            "'metrics.direction' is 'minimize'; allowed for 'accuracy': 'maximize'",
        ),
        (
            {"metrics": 'custom = ["model.metrics:accuracy"]'},
            "'metrics.custom' names a function 'accuracy', which is a known metric; allowed: a name of its own",
        ),
        (
            {"metrics": 'custom = ["a:gain", "b:gain"]'},
            "'metrics.custom' names two functions 'gain'; allowed: names that differ",
        ),
        (
            {
                "gates__model": "custom_min = { gain = 1.0 }",
                "metrics": 'custom = ["a:gain"]\nprimary = "gain"\ndirection = "minimize"',
            },
            "'metrics.direction' is 'minimize', but 'gates.model.custom_min' asks for more of 'gain'; "
            "allowed: 'maximize', or a limit under 'custom_max'",
        ),
        (
            {"gates__model": "custom_min = { gain = 1.0 }"},
            "'gates.model.custom_min' limits 'gain'; allowed: nothing, because 'metrics.custom' is empty",
        ),
        (
            {"gates__model": "custom_max = { gian = 1.0 }", "metrics": 'custom = ["a:gain"]'},
            "'gates.model.custom_max' limits 'gian'; allowed: gain; did you mean 'gain'?",
        ),
        (
            {"gates__model": "max_rmse = 1.0"},
            "'gates.model.max_rmse' is set, but 'project.task' is 'classification', which has no rmse; remove one",
        ),
        (
            {**REGRESSION, "metrics": 'primary = "r2"', "gates__model": "min_accuracy = 0.5"},
            "'gates.model.min_accuracy' is set, but 'project.task' is 'regression', which has no accuracy; remove one",
        ),
        (
            {**REGRESSION, "metrics": 'primary = "r2"\npositive = 1'},
            "'metrics.positive' is set, but 'project.task' is 'regression'; remove one",
        ),
        (
            {"environments__dev": "port = 8100"},
            "'environments.dev.port' is 8100, as that of 'production'; allowed: a port of its own",
        ),
    ],
)
def test_a_broken_promise_is_named(tmp_path: Path, sections: dict[str, str], said: str) -> None:
    assert refusal(write(tmp_path, **sections)).splitlines()[0] == f"pipeline.toml: {said}"


@pytest.mark.parametrize(
    "sections",
    [
        {"data": 'group = "plane"\ntime = "hour"'},
        {"metrics": 'primary = "log_loss"\ndirection = "minimize"'},
        {**REGRESSION, "metrics": 'primary = "mae"\ndirection = "minimize"', "gates__model": "max_rmse = 3.0"},
        {"metrics": 'custom = ["a:gain"]\nprimary = "gain"\ndirection = "minimize"'},
        {"metrics": 'custom = ["a:gain"]', "gates__model": "custom_min = { gain = 1.0 }"},
        {"environments__dev": "port = 8100\nlocal = false"},
    ],
)
def test_a_kept_promise_is_let_through(tmp_path: Path, sections: dict[str, str]) -> None:
    assert good(tmp_path, **sections).data.target == "late"


def test_production_needs_two_replicas(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace("replicas = 2", "replicas = 1"), encoding="utf-8")
    assert "'environments.production.replicas' is 1; allowed: at least 2" in refusal(path)


def test_all_broken_promises_are_named_at_once(tmp_path: Path) -> None:
    said = refusal(
        write(tmp_path, data='time = "late"', metrics='primary = "acuracy"', environments__dev="port = 8100")
    )
    assert [line.split("'")[1] for line in said.splitlines()[1:4]] == [
        "data.time",
        "metrics.primary",
        "environments.dev.port",
    ]
