"""Candidate and champion score the same rows; whoever cannot is a reason, not a crash."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest

from gateline.contracts.manifest import GOLDEN_FILE
from gateline.contracts.schema import Schema
from gateline.contracts.verdict import Outcome
from gateline.registry.made_here import MODEL, SIGNED_MODEL, Made
from gateline.settings import Settings
from gateline.settings.errors import GateRefused, UsageError
from gateline.settings.service import Signing
from tests.training.example import artifacts_of, settings_of, trained
from tests.validation.conftest import Own
from tests.validation.trained import golden_with, stored_again
from training.run import Trained
from validation.model.case import ModelCase, gather, named_now
from validation.model.gate import judge
from validation.model.artifacts import ModelTask, contender_of


def gathered(
    settings: Settings, candidate: str, champion: str = "", test: str = "", asked: bool = False, accepted: bool = False
) -> ModelCase:
    artifacts = artifacts_of(settings)
    other = contender_of(champion, artifacts) if champion else None
    by_hand = other.content if other and accepted else ""
    contest = ModelTask(contender_of(candidate, artifacts), other, asked, test or settings.data.test, (), by_hand)
    return gather(contest, settings)


def copied(settings: Settings, result: Trained, name: str = "b", **changes: Any) -> str:
    return stored_again(artifacts_of(settings), result.files, name, **changes)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_the_candidate_is_measured_as_training_measured_it(own: Own, kind: str) -> None:
    settings, result = own(kind)
    found = gathered(settings, result.manifest.identity)
    assert found.metrics == result.manifest.metrics
    assert len(found.candidate) == 600
    assert found.champion.scored is None and not found.champion.version
    np.testing.assert_array_equal(found.golden.scores, found.golden.recorded)
    assert found.golden.own_classes == (None if kind == "regression" else result.manifest.classes)


def test_a_champion_scores_the_same_rows_with_a_threshold_of_its_own(own: Own) -> None:
    settings, result = own("binary")
    model = json.dumps({"rows": [], "scores": []}).encode()
    champion = copied(settings, result, threshold=0.0, files={GOLDEN_FILE: model, "model.skops": other_model(result)})
    found = gathered(settings, result.manifest.identity, champion)
    assert found.champion.scored is not None and found.champion.version == "20260101-b"
    np.testing.assert_array_equal(found.champion.scored.truth, found.candidate.truth)
    assert set(found.champion.scored.called.tolist()) == {1}


def test_both_models_are_measured_on_the_positive_class_of_the_candidate(own: Own) -> None:
    settings, result = own("binary")
    none = json.dumps({"rows": [], "scores": []}).encode()
    champion = copied(settings, result, positive=0, files={GOLDEN_FILE: none, "model.skops": other_model(result)})
    found = gathered(settings, result.manifest.identity, champion)
    assert found.champion.scored is not None and found.candidate.positive_column == 1
    assert found.champion.scored.positive_column == 1
    assert found.champion_metrics["average_precision"] == found.metrics["average_precision"]


def test_a_champion_that_no_longer_scores_as_recorded_is_an_error(own: Own) -> None:
    settings, result = own("binary")
    recorded = result.manifest.metrics | {"log_loss": result.manifest.metrics["log_loss"] + 0.01}
    faulty = {"metrics": recorded, "files": {"model.skops": other_model(result)}}
    champion = copied(settings, result, "b", **faulty)
    with pytest.raises(GateRefused, match="champion_score: champion 20260101-b has log_loss .* recorded was "):
        gathered(settings, result.manifest.identity, champion)
    for name, changed in (("model", "c"), ("sources", "d"), ("test", "e")):
        inputs = result.manifest.inputs | {name: changed}
        other = copied(settings, result, changed, **faulty, inputs=inputs)
        accepted = gathered(settings, result.manifest.identity, other, accepted=True)
        assert accepted.champion.scored is not None, name


def test_the_same_model_under_another_identity_is_the_champion_itself(own: Own) -> None:
    settings, result = own("binary")
    for champion in (result.manifest.identity, copied(settings, result)):
        found = gathered(settings, result.manifest.identity, champion, asked=True).champion
        assert found.same and found.asked and found.scored is None


@pytest.mark.parametrize("changes", [{"threshold": 0.999}, {"positive": 0}])
def test_the_same_model_that_decides_otherwise_is_compared(own: Own, changes: dict[str, Any]) -> None:
    settings, result = own("binary")
    other = copied(settings, result, "c", **changes, files={GOLDEN_FILE: json.dumps({"rows": [], "scores": []}).encode()})
    found = gathered(settings, other, result.manifest.identity)
    assert not found.champion.same and found.champion.scored is not None
    failed = [rule for rule in judge(found) if rule.name == "noninferiority" and rule.outcome is Outcome.FAIL]
    assert bool(failed) is ("threshold" in changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"libraries": {"scikit-learn": "0.1"}}, "env_lock: 20260101-b was trained with scikit-learn 0.1"),
        ({"target": "late"}, "it predicts 'late' (binary)"),
        ({"classes": (1, 0)}, "it no longer answers as it was trained"),
        ({"inputs": {"model": "0" * 64}}, "vouched: it holds types of model/ as of 000000000000, which is neither"),
        (
            {"files": {"model.skops": b"cos\nsystem\n(S'touch executed'\ntR."}},
            "unsafe_load: model.skops is not a skops file",
        ),
    ],
)
def test_a_champion_that_cannot_be_compared_is_a_reason(own: Own, changes: dict[str, Any], reason: str) -> None:
    settings, result = own("binary")
    files = {"model.skops": other_model(result)} | changes.pop("files", {})
    champion = copied(settings, result, files=files, **changes)
    found = gathered(settings, result.manifest.identity, champion).champion
    assert found.scored is None and reason in found.reason and found.version == "20260101-b"
    assert f"--accept-champion={contender_of(champion, artifacts_of(settings)).content}; for CI: " in found.next_step
    assert not Path("executed").exists()


def test_a_champion_whose_file_was_touched_is_a_reason(own: Own) -> None:
    settings, result = own("binary")
    champion = copied(settings, result)
    stored = Path(settings.registry.url) / "small" / "artifacts" / champion / "model.skops"
    stored.write_bytes(stored.read_bytes() + b"x")
    found = gathered(settings, result.manifest.identity, champion).champion
    assert found.scored is None and "cannot be compared: digest: model.skops" in found.reason


@pytest.mark.parametrize(
    ("changes", "rule"),
    [({"libraries": {"numpy": "0.1"}}, "env_lock"), ({"files": {"model.skops": b"\x80\x04."}}, "unsafe_load")],
)
def test_a_candidate_that_cannot_be_loaded_is_refused_by_name(own: Own, changes: dict[str, Any], rule: str) -> None:
    settings, result = own("binary")
    with pytest.raises(GateRefused, match=f"^{rule}: "):
        gathered(settings, copied(settings, result, **changes))


@pytest.mark.parametrize(("mood", "reason"), [("raise", "ValueError: not today"), ("above", "outside 0 to 1")])
def test_a_candidate_that_cannot_score_is_refused_and_a_champion_is_a_reason(
    own: Own, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mood: str, reason: str
) -> None:
    settings, good = own("binary")
    trusting = settings.model.model_copy(update={"trusted": ("tests.training.moody.Moody",)})
    settings = settings.model_copy(update={"model": trusting})
    model = {"estimator": "tests.training.moody:moody", "parameters": {}}
    moody = trained(settings_of(tmp_path / "moody", model=model))
    identity = copied(settings, moody, "moody")
    monkeypatch.setenv("MOOD", mood)
    with pytest.raises(GateRefused, match=f"^score: .*{reason}"):
        gathered(settings, identity)
    found = gathered(settings, good.manifest.identity, identity).champion
    assert found.scored is None and found.reason.startswith("the champion cannot be compared: ")


def test_golden_rows_of_exchanged_classes_fail(own: Own) -> None:
    settings, result = own("multiclass")
    golden = json.loads(result.files[GOLDEN_FILE])
    exchanged = [[row[1], row[0], row[2]] for row in golden["scores"]]
    faults: dict[str, dict[str, Any]] = {
        "scores": {"files": {GOLDEN_FILE: golden_with(result.files, scores=exchanged)}},
        "classes": {"classes": ("mid", "low", "top")},
        "stale": {
            "files": {GOLDEN_FILE: golden_with(result.files, scores=(np.array(golden["scores"]) + 1e-6).tolist())}
        },
    }
    for name, changes in faults.items():
        rules = judge(gathered(settings, copied(settings, result, name, **changes)))
        assert [rule.outcome for rule in rules if rule.name == "golden"] == [Outcome.FAIL], name


def test_a_positive_class_exchanged_after_training_fails_on_golden_decisions(own: Own) -> None:
    settings, result = own("binary")
    rules = judge(gathered(settings, copied(settings, result, threshold=0.999)))
    (golden,) = [rule for rule in rules if rule.name == "golden"]
    assert golden.outcome is Outcome.FAIL and "decided otherwise" in golden.reason


def test_a_model_of_another_target_or_task_is_refused(own: Own, tmp_path: Path) -> None:
    settings, result = own("binary")
    other = settings.model_copy(update={"data": settings.data.model_copy(update={"target": "size"})})
    with pytest.raises(UsageError, match="predicts 'y', but data.target is 'size'"):
        gathered(other, result.manifest.identity)
    task = settings.model_copy(update={"project": settings.project.model_copy(update={"task": "regression"})})
    with pytest.raises(UsageError, match="is for binary, but project.task is regression"):
        gathered(task, result.manifest.identity)


def test_test_data_of_one_class_is_refused(own: Own, tmp_path: Path) -> None:
    settings, result = own("binary")
    table = pd.read_csv(settings.data.test, dtype=str, keep_default_na=False)
    table[table["y"] == "1"].to_csv(tmp_path / "ones.csv", index=False)
    with pytest.raises(UsageError, match="rows have one value of the target 'y'"):
        gathered(settings, result.manifest.identity, test=str(tmp_path / "ones.csv"))


def test_test_data_without_a_column_is_refused(own: Own, tmp_path: Path) -> None:
    settings, result = own("binary")
    pd.read_csv(settings.data.test).drop(columns="size").to_csv(tmp_path / "less.csv", index=False)
    with pytest.raises(UsageError, match="there is no column 'size'"):
        gathered(settings, result.manifest.identity, test=str(tmp_path / "less.csv"))


def other_model(result: Trained) -> bytes:
    """Return the same model packed once more: other bytes, equal answers."""
    import skops.io

    read = skops.io.loads(result.files["model.skops"], trusted=list(result.manifest.trusted_types))
    packed = io.BytesIO(skops.io.dumps(read))
    with ZipFile(packed, "a") as archive:
        archive.comment = b"packed once more"
    return packed.getvalue()


def hostile_model(result: Trained, mark: Path, rows: Path) -> bytes:
    """Return the model with a step before it that opens a pickle; the pickle writes `mark`."""
    import functools
    import pickle

    import skops.io
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    rows.write_bytes(pickle.dumps(Touch(mark)))
    honest = skops.io.loads(result.files["model.skops"], trusted=list(result.manifest.trusted_types))
    opened = functools.partial(np.load, str(rows), allow_pickle=True)
    return bytes(skops.io.dumps(make_pipeline(FunctionTransformer(opened), honest)))


class Touch:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("accepted", [False, True])
def test_a_champion_whose_manifest_names_its_own_types_runs_nothing(own: Own, tmp_path: Path, accepted: bool) -> None:
    settings, result = own("binary")
    mark = tmp_path / "ran"
    model = hostile_model(result, mark, tmp_path / "rows.npy")
    names = (*result.manifest.trusted_types, "numpy.load", "functools.partial")
    champion = copied(settings, result, trusted_types=names, files={"model.skops": model})
    found = gathered(settings, result.manifest.identity, champion, accepted=accepted).champion
    assert found.scored is None and "unsafe_load: model.skops names numpy.load, which may not be loaded" in found.reason
    with pytest.raises(GateRefused, match="unsafe_load: model.skops names numpy.load"):
        gathered(settings, champion)
    assert not mark.exists()
    np.load(tmp_path / "rows.npy", allow_pickle=True)
    assert mark.exists(), "the model is not hostile: this test showed nothing"


@pytest.mark.parametrize(("columns", "names"), [("a b y", "z b y"), ("a z y", "a z y")])
def test_a_champion_reads_renamed_columns_by_their_new_names(columns: str, names: str) -> None:
    """A dropped column whose name went to another one is none that was renamed."""

    def schema(*named: dict[str, str]) -> Schema:
        return Schema.model_validate({"columns": [{"dtype": "number"} | one for one in named], "target": "y"})

    champion = schema(*({"name": name} for name in columns.split()))
    now = named_now(champion, schema({"name": "z", "was": "a"}, {"name": "y"}))
    assert [column.name for column in now.columns] == names.split()
    assert len(now.features) == 2


@pytest.mark.parametrize("known", ["", MODEL, SIGNED_MODEL, "asked", "accepted"])
def test_where_releases_are_signed_a_champion_is_one_that_somebody_vouches_for(
    own: Own, known: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, result = own("binary")
    model = json.dumps({"rows": [], "scores": []}).encode()
    champion = copied(settings, result, f"v{known}", files={GOLDEN_FILE: model, "model.skops": other_model(result)})
    content = contender_of(champion, artifacts_of(settings)).content
    monkeypatch.chdir(tmp_path)
    signing = settings.model_copy(update={"signing": Signing(keys=("keys/release.pub",))})
    Made.of(signing).add(known or "release", content)
    found = gathered(signing, result.manifest.identity, champion, asked=known == "asked", accepted=known == "accepted")
    if known:
        assert found.champion.scored is not None
    else:
        assert found.champion.scored is None and "no key of the settings vouches for it" in found.champion.reason
        assert f"--accept-champion={content}" in found.champion.next_step
