"""Each class is shown for itself, the weakest first."""

from __future__ import annotations

import numpy as np

from tests.validation.scores import evidence
from validation.model.evidence import Champion
from validation.model.plots import by_class
from validation.scored import Scored


def scored(truth: list[str], called: list[str], classes: tuple[str, ...]) -> Scored:
    """Rows whose probabilities nobody looks at."""
    scores = np.full((len(truth), len(classes)), 1 / len(classes))
    return Scored.of("multiclass", np.array(truth), scores, np.array(called), classes)


TRUTH = ["a"] * 6 + ["b"] * 3 + ["rare"]
CALLED = ["a"] * 6 + ["a", "b", "b"] + ["b"]


def test_a_rare_class_that_is_never_found_stands_first() -> None:
    plot = by_class(evidence(scored(TRUTH, CALLED, ("a", "b", "rare", "unseen"))))
    assert plot.rows == ("rare", "b", "a")
    assert plot.cells == (("1", 0.0, 0.0), ("3", 2 / 3, 2 / 3), ("6", 6 / 7, 1.0))


def test_the_champion_is_set_beside_where_it_knows_the_class() -> None:
    champion = Champion("v7", scored(TRUTH, TRUTH, ("b", "a")))
    plot = by_class(evidence(scored(TRUTH, CALLED, ("a", "b", "rare")), champion))
    assert [cells[-1] for cells in plot.cells] == ["–", 1.0, 1.0]


def test_of_many_classes_the_weakest_are_shown() -> None:
    names = tuple(f"c{number:02}" for number in range(40))
    truth = [name for name in names for _ in range(2)]
    called = [truth[0] if row % 2 and row < 40 else name for row, name in enumerate(truth)]
    plot = by_class(evidence(scored(truth, called, names)))
    assert len(plot.rows) == len(plot.cells) == 30 and "30 weakest of 40" in plot.note
    assert set(names[1:20]) <= set(plot.rows)
