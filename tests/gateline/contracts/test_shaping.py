"""What was trained by other settings is found, and which ones is said; what only judges or runs a model is none of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateline.contracts.manifest import Manifest
from gateline.contracts.shaping import changed_since
from gateline.settings import Settings, load
from tests.gateline.contracts.test_manifest import BODY
from tests.training.example import project
from training.identity import plan


def manifest_of(settings: Settings) -> Manifest:
    """Return what training would write of these settings, as it is read back."""
    planned = plan(settings)
    manifest = Manifest.model_validate(BODY | {"inputs": planned.inputs, "settings": planned.resolved})
    return Manifest.model_validate_json(manifest.model_dump_json())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": {"seed": 8}}, ["model.seed was 7, is 8"]),
        (
            {"model": {"parameters": {"min_samples_leaf": 16, "max_depth": 3}}},
            ["model.parameters.min_samples_leaf was 15, is 16", "model.parameters.max_depth was not set, is 3"],
        ),
        ({"model": {"parameters": {}}}, ["model.parameters.min_samples_leaf was 15, is not set"]),
        ({"metrics": {"threshold": 0.4}}, ["metrics.threshold was 0.5, is 0.4"]),
        ({"data": {"time": ""}}, ["data.time was 'when', is ''"]),
        ({"gates__model": {"min_accuracy": 0.9}}, []),
        ({"environments__staging": {"port": 9001}}, []),
        ({"project": {"name": "b"}}, []),
        ({}, []),
    ],
)
def test_what_shaped_it_is_compared(tmp_path: Path, change: dict[str, Any], said: list[str]) -> None:
    manifest = manifest_of(load(project(tmp_path)))
    assert changed_since(manifest, load(project(tmp_path, **change))) == said


def test_what_is_equal_but_of_another_type_is_a_change_too(tmp_path: Path) -> None:
    manifest = manifest_of(load(project(tmp_path)))
    changed = load(project(tmp_path, model={"parameters": {"min_samples_leaf": 15.0}}))
    assert changed_since(manifest, changed) == ["a setting has another type than it had"]


def test_an_edited_schema_is_another(tmp_path: Path) -> None:
    settings = load(project(tmp_path))
    manifest, schema = manifest_of(settings), tmp_path / "schema.json"
    schema.write_text(schema.read_text().replace(": ", ":  "))
    assert changed_since(manifest, settings) == [], "the same, written otherwise"
    schema.write_text(schema.read_text().replace('"maximum":  9', '"maximum":  10'))
    assert changed_since(manifest, settings) == [f"{schema} says otherwise than it did"]
