"""Hooks and metrics that would fail later are told before anything is fitted, by file and line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateline.settings import Metrics
from gateline.settings.errors import UsageError
from training.own_code import refuse_broken, refuse_unservable

GOOD = "def before(rows):\n    return rows\n\n\ndef after(answers):\n    return answers\n"
TRIED = "\ntry:\n    import pandas\nexcept ImportError:\n    pass\n"


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let `model` be a package in a folder of the test's own; the real one comes back afterwards."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "hooks.py").write_text(GOOD)
    kept = {name: sys.modules.pop(name) for name in [*sys.modules] if name.partition(".")[0] == "model"}
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "model"]:
        del sys.modules[name]
    sys.modules.update(kept)


def test_what_a_release_can_load_is_let_through(code: Path) -> None:
    (code / "hooks.py").write_text(
        f"import json\nimport numpy as np\nimport sklearn.base\nimport redis\nfrom gateline.contracts.schema import Schema\n"
        f"from model import names\nfrom .names import KNOWN\n{TRIED}\n\n{GOOD}"
    )
    (code / "names.py").write_text("KNOWN = 1\n\n\ndef table():\n    import pandas\n")
    (code / "metrics.py").write_text("def share(y_true, y_pred, y_score):\n    return 1.0\n")
    refuse_broken(Metrics(custom=("model.metrics:share",)))
    refuse_unservable(["sklearn.base", "model.names", "model.names.Inner"])


@pytest.mark.parametrize(
    ("source", "message", "step"),
    [
        ("def before(rows)\n    return rows\n", "SyntaxError: .*model/hooks.py, line 1", "correct model/hooks.py"),
        (f"{GOOD}\nLIMIT = 1 / 0\n", "ZeroDivisionError: .*model/hooks.py, line 8", "correct model/hooks.py"),
        (f"from model.names import LIMIT\n{GOOD}", "No module named 'model.names' .*line 1", "correct model/hooks.py"),
        (f"import nowhere\n{GOOD}", "model/hooks.py, line 1, imports 'nowhere', which no release holds", "nox -s lock"),
        (f"import os\nimport pandas as pd\n{GOOD}", "model/hooks.py, line 2, imports 'pandas'", "group `model`"),
        (f"from gateline.rows.text import MARKS\n{GOOD}", "line 1, imports 'gateline.rows.text'", "gateline.contracts"),
        ("def before(rows):\n    return rows\n", "has no function 'after'", "docs/model.md"),
    ],
)
def test_hooks_that_no_service_could_load_are_told_by_their_line(code: Path, source: str, message: str, step: str) -> None:
    (code / "hooks.py").write_text(source)
    with pytest.raises(UsageError, match=message) as raised:
        refuse_broken(Metrics())
    assert step in raised.value.next_step


def test_missing_hooks_are_named(code: Path) -> None:
    (code / "hooks.py").unlink()
    with pytest.raises(UsageError, match="model/hooks.py cannot be imported"):
        refuse_broken(Metrics())


def test_what_hooks_and_the_model_import_in_turn_is_looked_at(code: Path) -> None:
    (code / "hooks.py").write_text(f"from model import names\n{GOOD}")
    (code / "names.py").write_text("import pandas\n")
    with pytest.raises(UsageError, match="model/names.py, line 1, imports 'pandas'"):
        refuse_broken(Metrics())
    with pytest.raises(UsageError, match="model/names.py, line 1, imports 'pandas'"):
        refuse_unservable(["model.names"])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def share(y_true, y_pred, y_score)\n", "cannot be imported: SyntaxError: .*model/metrics.py, line 1"),
        ("def other(y_true, y_pred, y_score):\n    return 1.0\n", "has no 'share'"),
    ],
)
def test_a_metric_that_cannot_be_imported_is_told_before_the_fit(code: Path, source: str, message: str) -> None:
    (code / "metrics.py").write_text(source)
    with pytest.raises(UsageError, match=message):
        refuse_broken(Metrics(custom=("model.metrics:share",)))
