"""What is proposed for data that nobody has described."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from contracts.infer import ALSO_WHEN, Note
from infra.adopting.proposal import (
    PROPOSED,
    kind_of,
    labels_of,
    limits_of,
    margin_is,
    margin_of,
    schema_of,
    settings_of,
)

LABELS = {"rare": ["yes"] * 5 + ["no"] * 95, "binary": ["1"] * 40 + ["0"] * 60, "many": ["a", "b", "c", "d"] * 25}


def written(folder: Path, labels: list[str]) -> str:
    """Write a file with a key, a number and labels."""
    chance = random.Random(1)
    lines = [f"K{i:04d},{chance.random():.3f},{label}" for i, label in enumerate(labels)]
    (folder / "rows.csv").write_text("\n".join(["order_id,size,kind", *lines]) + "\n")
    return str(folder / "rows.csv")


@pytest.mark.parametrize("kind", LABELS)
def test_what_is_predicted_is_seen(tmp_path: Path, kind: str) -> None:
    labels = labels_of(written(tmp_path, [*LABELS[kind], " "]), "kind")
    assert kind_of(labels, "classification") == kind
    assert kind_of(labels, "regression") == "number"


def test_few_positives_are_never_judged_by_accuracy(tmp_path: Path) -> None:
    chosen = settings_of("rare", "classification", "kind", "", {"train": "train.csv", "test": "test.csv"})
    assert chosen["metrics.primary"] == "average_precision"
    metrics = {"accuracy": 0.95, "f1": 0.9, "average_precision": 0.333, "recall_at_fpr": 0.5}
    assert limits_of("rare", metrics) == {"min_average_precision": 0.29, "min_recall_at_fpr": 0.45}


def test_limits_leave_room_and_are_none_where_there_is_nothing_to_keep() -> None:
    assert limits_of("binary", {"roc_auc": 0.9}) == {"min_roc_auc": 0.81}
    assert limits_of("number", {"r2": -0.2, "rmse": 12.345}) == {"max_rmse": 13.6}
    assert limits_of("many", {"f1": 0.5, "log_loss": 1.0}) == {"min_f1": 0.45, "max_log_loss": 1.1}


def test_a_column_that_names_the_row_is_its_key(tmp_path: Path) -> None:
    schema, notes = schema_of(written(tmp_path, LABELS["binary"]), "kind", "")
    assert schema.column("order_id").key and [column.name for column in schema.features] == ["size"]
    assert "'order_id': is taken for the row's key, and is no feature" in map(str, notes)


def test_another_moment_than_the_time_may_be_known_too_late(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    lines = [
        f"2025-01-{1 + i % 28:02d}T10:00:00Z,2025-02-{1 + i % 27:02d}T10:00:00Z,{i / 7:.2f},{i % 2}" for i in range(60)
    ]
    path.write_text("\n".join(["opened,closed,size,kind", *lines]) + "\n", encoding="utf-8")
    notes = schema_of(str(path), "kind", "opened")[1]
    assert notes == [Note("closed", ALSO_WHEN)]
    schema, notes = schema_of(str(path), "kind", "opened", ["closed"])
    assert not schema.column("closed").feature and ["never before 'opened'" in note.text for note in notes] == [True]


def test_a_margin_is_what_the_gate_takes_it_for() -> None:
    assert margin_of("binary", 10) == 0.02 and ", in points of roc_auc:" in margin_is("binary")
    for kind, primary in (("number", "rmse"), ("many", "log_loss")):
        assert margin_of(kind, 0) == 0.05 and f", as a share of its {primary}:" in margin_is(kind)


def test_the_tutorial_shows_what_is_written_beside_the_limits() -> None:
    page = (Path(__file__).parents[3] / "docs/tutorial.md").read_text(encoding="utf-8")
    assert f"# {PROPOSED}\n" in page and f"# {margin_is('binary')}\n" in page


@pytest.mark.parametrize(("positives", "margin"), [(0.0, 0.45), (72, 0.06), (500, 0.03), (600, 0.02), (10_000, 0.02)])
def test_a_margin_can_be_shown_on_as_many_positives_as_there_are(positives: float, margin: float) -> None:
    assert margin_of("rare", positives) == margin
