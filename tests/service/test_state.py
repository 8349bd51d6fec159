"""Loading a bundle: what is whole is loaded, what is not is refused by name."""

from __future__ import annotations

import queue
from pathlib import Path

import pytest

from gateline.contracts.release import Release
from gateline.settings.errors import GateRefused
from service.state import Loaded, load, load_in_thread, typed
from tests.service import bundles
from tests.service.test_main import raised_in_model


def flip(files: dict[str, bytes]) -> None:
    files["model.skops"] = files["model.skops"][:-1] + b"!"


def pickled(files: dict[str, bytes]) -> None:
    files["model.skops"] = b"cos\nsystem\n(S'true'\ntR."


@pytest.mark.parametrize("change", [flip, pickled])
def test_a_changed_file_is_refused(tmp_path: Path, change: bundles.Change) -> None:
    release = bundles.write(tmp_path / "b", bundles.Recipe(change=change))
    with pytest.raises(GateRefused, match="digest: model.skops"):
        load(tmp_path / "b", release)


@pytest.mark.parametrize("name", ["manifest.json", "model.skops", "schema.json", "reference.json", "golden.json"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    release = bundles.write(tmp_path / "b")
    (tmp_path / "b/artifact" / name).unlink()
    with pytest.raises(GateRefused, match=f"the artifact holds no {name}"):
        load(tmp_path / "b", release)


def test_another_artifact_than_the_release_names_is_refused(tmp_path: Path) -> None:
    release = bundles.write(tmp_path / "b", bundles.Recipe(artifact="f" * 64))
    with pytest.raises(GateRefused, match="the release names artifact ffffffffffff, the bundle holds"):
        load(tmp_path / "b", release)


def test_a_whole_bundle_is_loaded_with_an_example_without_missing_values(loaded: Loaded, release: Release) -> None:
    assert loaded.predictor.model.manifest.identity == release.artifact
    assert None not in loaded.requests.example


def test_a_golden_row_that_no_request_may_carry_is_refused(loaded: Loaded) -> None:
    assert len(typed(loaded.requests, [bundles.ROW])) == 1
    with pytest.raises(GateRefused, match=r"golden row is not one of the schema: \S+ \(hour\) is 99"):
        typed(loaded.requests, [[*bundles.ROW[:2], 99, *bundles.ROW[3:]]])


def test_the_outcome_is_handed_over_either_way(loaded: Loaded, caplog: pytest.LogCaptureFixture) -> None:
    outcomes: queue.Queue[Loaded | BaseException] = queue.Queue()
    load_in_thread(lambda: loaded, outcomes.put)
    assert outcomes.get(timeout=10) is loaded

    def fail() -> Loaded:
        raise ZeroDivisionError

    load_in_thread(fail, outcomes.put)
    assert isinstance(outcomes.get(timeout=10), ZeroDivisionError)
    assert "Traceback" in caplog.text
    caplog.clear()

    def fail_in_model() -> Loaded:
        raise raised_in_model("raise ZeroDivisionError")

    load_in_thread(fail_in_model, outcomes.put)
    assert isinstance(outcomes.get(timeout=10), ZeroDivisionError)
    assert "Traceback" not in caplog.text, "the message that the process ends with names file and line"
