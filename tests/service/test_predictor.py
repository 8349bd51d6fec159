"""The predictor scores, decides and answers as the model does, and holds hooks to their contract."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateline.contracts import samples
from gateline.contracts.release import Release
from gateline.registry.loaded import LoadedModel, load_folder
from gateline.settings.errors import GateRefused
from service.predictor import BrokenModel, Predictor, Refused
from service.state import Loaded, load
from tests.service import bundles
from tests.service.conftest import model_of as served

TYPED = ["AA", "JFK", 17.0, 12.5, None, False, 1370088000.0]


@dataclass(frozen=True)
class Steps:
    """Hooks of a test."""

    before: Callable[[list[list[Any]]], list[list[Any]]] = lambda rows: rows
    after: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = lambda answers: answers


@pytest.fixture(scope="module", params=["binary", "multiclass", "regression"])
def any_bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("any") / str(request.param)
    bundles.write(folder, bundles.Recipe(task=request.param))
    return folder


def model_of(folder: Path) -> LoadedModel:
    return load_folder(folder / "artifact")


def test_scores_are_those_of_the_estimator(any_bundle: Path) -> None:
    predictor = Predictor(model_of(any_bundle), Steps())
    rows = samples.rows(bundles.schema(), 30, seed=9)
    scores = predictor.score(predictor.prepare(rows))
    assert scores == bundles.expected(any_bundle, rows)


def test_a_binary_answer_has_the_probability_of_the_positive(loaded: Loaded) -> None:
    predictor = loaded.predictor
    answers = predictor.answer([[0.4, 0.6], [0.5, 0.5], [0.51, 0.49]])
    assert answers == [
        {"prediction": 1, "probability": 0.6},
        {"prediction": 1, "probability": 0.5},
        {"prediction": 0, "probability": 0.49},
    ]
    assert predictor.labels([[0.4, 0.6], [0.9, 0.1]]) == ["1", "0"]
    assert predictor.logged([[0.4, 0.6]]) == [0.6]
    assert predictor.all_labels() == ["0", "1"]


def test_the_positive_class_may_stand_first(loaded: Loaded) -> None:
    model = served(loaded)
    manifest = model.manifest.model_copy(update={"positive": 0, "threshold": 0.7})
    predictor = Predictor(replace(model, manifest=manifest), Steps())
    scores = [[0.6, 0.4], [0.8, 0.2]]
    assert predictor.answer(scores) == [{"prediction": 1, "probability": 0.6}, {"prediction": 0, "probability": 0.8}]
    assert predictor.logged(scores) == [0.6, 0.8]


def test_many_classes_answer_every_probability(tmp_path: Path) -> None:
    bundles.write(tmp_path / "b", bundles.Recipe(task="multiclass"))
    predictor = Predictor(model_of(tmp_path / "b"), Steps())
    scores = [[0.2, 0.7, 0.1]]
    assert predictor.answer(scores) == [
        {"prediction": "late", "probabilities": {"early": 0.2, "late": 0.7, "on time": 0.1}}
    ]
    assert predictor.labels(scores) == ["late"]
    assert predictor.logged(scores) == [[0.2, 0.7, 0.1]]


def test_a_number_is_counted_by_the_reference_bin(tmp_path: Path) -> None:
    bundles.write(tmp_path / "b", bundles.Recipe(task="regression"))
    predictor = Predictor(model_of(tmp_path / "b"), Steps())
    scores = [[19.9], [20.0], [60.0], [1e9]]
    assert predictor.labels(scores) == ["0", "1", "2", "3"]
    assert predictor.all_labels() == ["0", "1", "2", "3"]
    assert predictor.answer(scores)[0] == {"prediction": 19.9}
    assert predictor.logged(scores) == [19.9, 20.0, 60.0, 1e9]


def test_missing_values_reach_the_model_as_nan_and_none(loaded: Loaded) -> None:
    encoded = loaded.predictor.prepare([["AA", None, 17.0, 1.0, None, True, 0.0]])
    assert encoded[0][1] is None
    seats = encoded[0][4]
    assert isinstance(seats, float) and math.isnan(seats)
    assert encoded[0][5] == 1.0


def test_golden_rows_are_answered(any_bundle: Path, release: Release) -> None:
    release = Release.model_validate_json((any_bundle / "release.json").read_bytes())
    assert load(any_bundle, release).predictor.width == max(1, len(bundles.CLASSES[any_bundle.name]))


@pytest.mark.parametrize(("shift", "refused"), [(1e-8, True), (1e-11, False)])
def test_golden_scores_must_agree_to_the_tolerance(tmp_path: Path, shift: float, refused: bool) -> None:
    release = bundles.write(tmp_path / "b", bundles.Recipe(golden_shift=shift))
    if refused:
        with pytest.raises(GateRefused, match="golden: row 0 of 20 golden rows scores otherwise"):
            load(tmp_path / "b", release)
    else:
        load(tmp_path / "b", release)


def test_no_golden_rows_and_a_wrong_shape_are_refused(loaded: Loaded) -> None:
    model = served(loaded)
    with pytest.raises(GateRefused, match="no golden rows"):
        Predictor(replace(model, golden={"rows": [], "scores": []}), Steps()).check_golden([])
    with pytest.raises(GateRefused, match="shape of 1 golden rows"):
        Predictor(replace(model, golden={"scores": [[0.5]]}), Steps()).check_golden([TYPED])


def test_hooks_change_rows_and_answers(loaded: Loaded) -> None:
    def later(rows: list[list[Any]]) -> list[list[Any]]:
        return [[*row[:2], 23, *row[3:]] for row in rows]

    def short(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"late": answer["prediction"] == 1} for answer in answers]

    predictor = Predictor(loaded.predictor.model, Steps(later, short))
    assert predictor.prepare([TYPED])[0][2] == 23.0
    assert predictor.answer([[0.1, 0.9]]) == [{"late": True}]


def test_a_hook_refuses_rows_by_value_error(loaded: Loaded) -> None:
    def refuse(rows: list[list[Any]]) -> list[list[Any]]:
        raise ValueError("no flights on Sunday")

    with pytest.raises(Refused, match="no flights on Sunday"):
        Predictor(loaded.predictor.model, Steps(before=refuse)).prepare([TYPED])


@pytest.mark.parametrize(
    "before",
    [lambda rows: rows[1:], lambda rows: [row[1:] for row in rows], lambda rows: [["AA", "JFK", {}, 1, 2, 3, 4]]],
)
def test_a_hook_that_returns_other_rows_is_broken(loaded: Loaded, before: Any) -> None:
    with pytest.raises(BrokenModel, match="hook before"):
        Predictor(loaded.predictor.model, Steps(before=before)).prepare([TYPED])


def test_a_hook_that_loses_answers_is_broken(loaded: Loaded) -> None:
    with pytest.raises(BrokenModel, match="hook after: it returned 0 answers for 1 rows"):
        Predictor(loaded.predictor.model, Steps(after=lambda answers: [])).answer([[0.5, 0.5]])


@pytest.mark.parametrize(
    ("scores", "flaw"),
    [
        ([[math.nan, 1.0]], "no finite probability"),
        ([[0.5]], r"expected \(1, 2\)"),
        ([[math.inf, 0.0]], "no finite probability"),
        ([[-1.0, 2.0]], "outside 0 to 1"),
        ([[0.5, 0.25]], "add up to 0.75"),
    ],
)
def test_scores_that_are_no_probabilities_are_broken(loaded: Loaded, scores: list[list[float]], flaw: str) -> None:
    class Odd:
        def predict_proba(self, rows: Any) -> Any:
            return np.array(scores)

    predictor = Predictor(replace(served(loaded), estimator=Odd()), Steps())
    with pytest.raises(BrokenModel, match=flaw):
        predictor.score(predictor.prepare([TYPED]))
