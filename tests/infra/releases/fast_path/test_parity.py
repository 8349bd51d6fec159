"""The rule `parity`: a scorer that differs anywhere is refused; what is drawn hits every threshold."""

from __future__ import annotations

import re
from typing import Any

import pytest

from benchmarks.zoo import cases, fitted, table
from gateline.registry.loaded import LoadedModel
from infra.releases.fast_path import __main__ as command
from infra.releases.fast_path.drawing import as_rows, draw
from infra.releases.fast_path.generating import Written, written
from infra.releases.fast_path.parity import Parity
from infra.releases.fast_path.writer import NotCoveredError

NAME = "binary: DecisionTree"
TEST = r"(?<= if x\d )(<=|>) (?=-?\d)"
"""A comparison of a feature: codes and what stands for a gap are never at what they are compared with."""


def of(name: str = NAME) -> LoadedModel:
    """Return a model of the zoo."""
    data, front, make = cases()[name]
    return fitted(table(data), front, make())


def test_what_is_drawn_hits_words_gaps_and_what_no_schema_allows() -> None:
    made = of()
    rows = draw(made.schema, written(made), seed=3)
    assert len(rows) == 10_000
    for place in (0, 1):
        assert set(made.estimator[0].transformers_[0][1].codes_[place]) <= {row[place] for row in rows}
    assert any(row[0] is None for row in rows) and any(row[0] == "no such word" for row in rows)
    assert any(row[2] != row[2] for row in rows)


def test_equal_seeds_draw_equal_rows() -> None:
    made = of()
    one, same, other = (repr(draw(made.schema, written(made), seed, 500)) for seed in (3, 3, 4))
    assert one == same != other


def swapped(text: str, number: int) -> str:
    """Return a scorer whose test of this number lets the threshold itself go the other way."""
    tests = list(re.finditer(TEST, text))
    found = tests[number]
    sign = found[0].strip()
    return text[: found.start()] + {"<=": "< ", ">": ">= "}[sign] + text[found.end() :]


@pytest.mark.parametrize("name", ["regression: DecisionTree", "regression: HistGradientBoosting"])
def test_a_threshold_that_goes_the_other_way_is_found(name: str) -> None:
    made = of(name)
    right, found = written(made), []
    rows = as_rows(draw(made.schema, right, 3, 600))
    count = len(re.findall(TEST, right.text))
    for which in range(0, count, max(1, count // 25)):
        variables: dict[str, Any] = {}
        exec(swapped(right.text, which), variables)
        try:
            Parity(made, variables["score"]).compare("drawn", rows)
            found.append(False)
        except NotCoveredError:
            found.append(True)
    assert len(found) >= 20 and all(found), found


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("def score(row): return [0.5, 0.5]", "one scores otherwise than in scikit-learn"),
        ("def score(row): return [1.0]", "its scores have shape"),
        ("def score(row): raise KeyError('x')", "it cannot score one: KeyError"),
    ],
)
def test_a_scorer_that_is_wrong_is_refused(wrong: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "written", lambda model: Written(wrong))
    found = command.made(of())
    assert found["text"] == "" and re.match(f"parity: .*{re.escape(why)}|parity: {re.escape(why)}", found["reason"])


def test_a_row_that_scikit_learn_refuses_must_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    made = of("binary: CategoricalNB")
    right = written(made)
    careless = re.sub(r"    if v\d+ < 0 or v\d+ >= \d+:\n        raise ValueError\([^\n]*\n", "", right.text)
    assert careless != right.text
    monkeypatch.setattr(command, "written", lambda model: Written(careless, right.decisive, right.wishes))
    assert "it scores one that scikit-learn refuses" in command.made(made)["reason"]


def test_what_cannot_be_written_for_another_reason_is_left_to_scikit_learn() -> None:
    made = of()
    del made.estimator[-1].tree_
    found = command.made(made)
    assert found["text"] == "" and found["reason"] == "it cannot be written out (AttributeError)"
    assert found["told"].startswith("AttributeError: ")


def test_what_was_compared_is_told() -> None:
    found = command.made(of())
    assert found["reason"] == "" and "def score(row):" in found["text"]
    told = found["told"].partition("; ")
    assert told[0] == "20 golden, 10,000 drawn rows compared (no test rows), largest difference 0"
    assert re.fullmatch(r"a row takes \d+ µs, scikit-learn [\d,]+", told[2])


def test_test_rows_that_cannot_be_read_are_told() -> None:
    assert "rows compared (test rows cannot be read: " in command.made(of(), "s3:///nowhere.csv")["told"]
