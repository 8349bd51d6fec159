"""What is proposed for data that nobody has described."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from infra.adopting.proposal import kind_of, labels_of, schema_of
from rows.infer import ALSO_WHEN, Note

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
