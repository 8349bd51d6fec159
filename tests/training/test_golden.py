"""A model that cannot take what its schema allows is refused, with the line of `model/` that failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.registry.loaded import load_files
from gateline.settings.errors import UsageError
from tests.training.conftest import Small
from tests.training.example import artifacts_of, command, copy_of_project, settings_of, trained
from tests.training.moody import Moody
from training.golden import ask_another_process, otherwise

STRICT = '''
class Strict(TransformerMixin, BaseEstimator):
    """Knows the colours it saw, and no other."""

    def fit(self, features, labels=None):
        self.known_ = sorted({row[2] for row in features if row[2] is not None})
        return self

    def transform(self, features):
        return [[self.known_.index(row[2] or "red")] for row in features]


def strict(schema, seed):
    return make_pipeline(Strict(), LogisticRegression())
'''


@pytest.mark.slow
def test_a_feature_that_fails_on_a_value_the_schema_allows_is_named_by_its_line(tmp_path: Path) -> None:
    folder = copy_of_project(tmp_path, model={"estimator": "model.strict:strict", "parameters": {}})
    head = "from sklearn.base import BaseEstimator, TransformerMixin\nfrom sklearn.linear_model import LogisticRegression\n"
    (folder / "model" / "strict.py").write_text(f"{head}from sklearn.pipeline import make_pipeline\n{STRICT}")
    schema = folder / "schema.json"
    schema.write_text(schema.read_text().replace('"blue"]', '"blue", "black"]'))
    done = command(folder, "training")
    assert done.returncode == 2
    assert "cannot score rows that the schema allows: ValueError: 'black' is not in list" in done.stderr
    assert "model/strict.py, line" in done.stderr
    assert "narrow the schema" in done.stderr


@pytest.mark.parametrize(
    ("mood", "message"),
    [
        ("nan", "predict_proba gave 600 of 600 rows no finite probability"),
        ("short", r"shape \(600, 1\) for 600 rows, expected \(600, 2\): one column per class, in the order 0, 1"),
        ("text", "test rows: ValueError: what predict_proba returned, a list, is no array of numbers: could"),
        ("ragged", "what predict_proba returned, a list, is no array of numbers: setting an array"),
        ("complex", "what predict_proba returned, a ndarray, is no array of numbers: they are complex"),
        ("wide", r"shape \(600, 3\) for 600 rows, expected \(600, 2\)"),
        ("flat", r"shape \(600,\) for 600 rows, expected \(600, 2\)"),
        ("above", "600 of 600 rows a probability outside 0 to 1, such as 2.25"),
        ("negative", "600 of 600 rows a probability outside 0 to 1, such as -0.25"),
        ("unsummed", "600 of 600 rows probabilities that add up to 0.9, not to 1"),
        ("raise", "cannot score the test rows: ValueError: not today"),
        ("write", "cannot score the test rows: ValueError: assignment destination is read-only"),
        ("write in fit", "could not be fitted to 600 rows: ValueError: assignment destination is read-only"),
        ("counting", "golden: an answer depends on more than its own row: asked once more, 20 of 20"),
        ("scaling", "golden: an answer depends on more than its own row: asked one at a time, 20 of 20"),
        ("ordering", "golden: an answer depends on more than its own row: asked in reverse order, 20 of 20"),
    ],
)
def test_a_model_that_breaks_its_contract_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mood: str, message: str
) -> None:
    settings = settings_of(tmp_path, model={"estimator": "tests.training.moody:moody", "parameters": {}})
    monkeypatch.setenv("MOOD", mood)
    with pytest.raises(UsageError, match=message):
        trained(settings)
    assert not artifacts_of(settings).versions()


def test_a_list_is_an_array_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOOD", "listed")
    assert trained(settings_of(tmp_path, model={"estimator": "tests.training.moody:moody", "parameters": {}})).manifest


def test_probabilities_in_another_order_than_the_classes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOOD", "")
    settings = settings_of(tmp_path, model={"estimator": "tests.training.moody:swapped", "parameters": {}})
    with pytest.raises(UsageError, match="predict and predict_proba name different classes for 600 of 600") as raised:
        trained(settings)
    assert "in the order 0, 1" in raised.value.next_step


def test_what_a_module_keeps_to_itself_is_no_part_of_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOOD", "module")
    model = {"estimator": "tests.training.moody:moody", "parameters": {}}
    loaded = load_files(trained(settings_of(tmp_path, model=model)).files, ("tests.training.moody.Moody",))
    assert otherwise(loaded) == ""
    monkeypatch.setattr(Moody, "learned", 0.0)
    assert otherwise(loaded) == "20 of 20 golden rows score otherwise than in training, by up to 0.01"
    monkeypatch.setenv("MOOD", "raise")
    assert otherwise(loaded) == "the model cannot score the golden rows: ValueError: not today"
    monkeypatch.setenv("MOOD", "above")
    assert "20 of 20 rows a probability outside 0 to 1" in otherwise(loaded)


@pytest.mark.slow
def test_another_process_answers_the_golden_rows_or_the_training_is_refused(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_another_process(small("binary")[1].files)
    with pytest.raises(UsageError, match="digest: model.skops of .* is not the file that was written\n  next: "):
        ask_another_process({**small("binary")[1].files, "model.skops": b"PK"})
    for mood in ("module", "dated", "today"):
        monkeypatch.setenv("MOOD", mood)
        model = {"estimator": "tests.training.moody:moody", "parameters": {}}
        files = trained(settings_of(tmp_path / mood, model=model)).files
        with pytest.raises(UsageError, match="golden: in a process of its own, a year later, 20 of 20 golden rows score"):
            ask_another_process(files)
