"""Runs without secrets: other rows, another name, another registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.settings.pipeline import resolve
from gateline.settings.variables import is_sample, take_sample
from tests.gateline.settings.files import refusal, write

ON = {"GATELINE_SAMPLE": "true"}


def test_nothing_is_shared_with_the_project(tmp_path: Path) -> None:
    elsewhere = 'train = "s3://rows/all"\ntest = "s3://rows/new"'
    few = 'sample_train = "data/few.csv"\nsample_test = "data/fewer.csv"'
    path = write(tmp_path, data=f"{elsewhere}\n{few}", registry='url = "s3://models"')
    before, _ = resolve(path, {})
    settings, replaced = resolve(path, ON)
    assert (settings.data.train, settings.data.test) == ("data/few.csv", "data/fewer.csv")
    assert settings.project.name == f"{before.project.name}-sample" and settings.registry.url == ".gateline/registry"
    assert replaced == dict.fromkeys(("project.name", "data.train", "data.test", "registry.url"), "GATELINE_SAMPLE")


def test_a_registry_that_the_environment_names_is_left_too(tmp_path: Path) -> None:
    settings, _ = resolve(write(tmp_path), ON | {"GATELINE_REGISTRY_URL": "s3://models"})
    assert settings.registry.url == ".gateline/registry"


def test_rows_in_the_repository_are_a_sample_already(tmp_path: Path) -> None:
    assert resolve(write(tmp_path), ON)[0].data.train == resolve(write(tmp_path), {})[0].data.train
    raw = {"project": {"name": "x" * 40}, "data": {"target": "y"}}
    take_sample(raw)
    assert raw["project"]["name"] == "x" * 33 + "-sample"


def test_rows_elsewhere_without_a_sample_are_refused(tmp_path: Path) -> None:
    said = refusal(write(tmp_path, data='train = "s3://rows/all"'), ON)
    assert "data.train is elsewhere (s3://rows/all)" in said and "data.sample_train" in said


@pytest.mark.parametrize(("value", "holds"), [("", False), ("false", False), ("true", True)])
def test_the_variable_is_true_or_false(value: str, holds: bool) -> None:
    assert is_sample({"GATELINE_SAMPLE": value}) is holds


def test_anything_else_is_refused(tmp_path: Path) -> None:
    assert "GATELINE_SAMPLE is 'yes'; allowed: true, false" in refusal(write(tmp_path), {"GATELINE_SAMPLE": "yes"})
