"""A model that cannot take what its schema allows is refused, with the line of `model/` that failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings.errors import UsageError
from tests.training.example import artifacts_of, command, copy_of_project, settings_of, trained

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
        ("nan", "600 of 600 test rows with no finite number"),
        ("short", r"shape \(600, 1\), expected \(600, 2\)"),
        ("raise", "cannot score the test rows: ValueError: not today"),
    ],
)
def test_scores_that_are_none_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mood: str, message: str
) -> None:
    settings = settings_of(tmp_path, model={"estimator": "tests.training.moody:moody", "parameters": {}})
    monkeypatch.setenv("MOOD", mood)
    with pytest.raises(UsageError, match=message):
        trained(settings)
    assert not artifacts_of(settings).versions()
