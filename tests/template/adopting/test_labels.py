"""What is predicted, and which class is the positive one."""

from __future__ import annotations

import pytest

from gateline.settings.errors import UsageError
from template.adopting.labels import kind_of, positive_of, refuse_labels


@pytest.mark.parametrize(
    ("counts", "positive", "reason"),
    [
        ({"fraud": 30, "legit": 970}, "fraud", "the rarer of the two"),
        ({"benign": 357, "malignant": 212}, "malignant", "the rarer of the two"),
        ({"b": 100, "a": 100}, "b", "as frequent as the other, and after it in order"),
        ({"yes": 970, "no": 30}, "yes", "by its word"),
        ({"N": 30, "Y": 970}, "Y", "by its word"),
        ({"1": 600, "0": 400}, "1", "by its word"),
        ({"true": 600, "false": 400}, "true", "by its word"),
        ({"wahr": 600, "falsch": 400}, "wahr", "by its word"),
        ({"J": 600, "N": 400}, "J", "by its word"),
        ({"да": 600, "нет": 400}, "да", "by its word"),
        ({"paid": 900, "unpaid": 100}, "paid", "by its word"),
        ({"smoker": 900, "non-smoker": 100}, "smoker", "by its word"),
        ({"f": 900, "m": 100}, "m", "the rarer of the two"),
        ({"1": 900, "2": 100}, "2", "the rarer of the two"),
    ],
)
def test_the_rarer_is_positive_unless_words_say_otherwise(counts: dict[str, int], positive: str, reason: str) -> None:
    assert positive_of(counts) == (positive, reason)


def test_it_can_be_given_and_a_wrong_one_is_named() -> None:
    assert positive_of({"fraud": 30, "legit": 970}, "legit").label == "legit"
    assert positive_of({"1.0": 30, "0.0": 970}, "1").label == "1.0"
    with pytest.raises(UsageError, match="--positive is 'frud'; did you mean 'fraud'") as refused:
        positive_of({"fraud": 30, "legit": 970}, "frud")
    assert "fraud, legit" in refused.value.next_step


@pytest.mark.parametrize(
    ("counts", "task", "positive", "kind"),
    [
        ({"yes": 5, "no": 95}, "classification", "yes", "rare"),
        ({"yes": 95, "no": 5}, "classification", "yes", "binary"),
        ({"1": 40, "0": 60}, "classification", "1", "binary"),
        (dict.fromkeys("abcd", 25), "classification", "", "many"),
        ({"yes": 5, "no": 95}, "regression", "", "number"),
    ],
)
def test_what_is_predicted_is_seen(counts: dict[str, int], task: str, positive: str, kind: str) -> None:
    assert kind_of(counts, task, positive) == kind


WHOLE = {str(number): 2 for number in range(100, 500)}
FEW = {str(number): 50 for number in range(3, 9)}
CODES = {str(number): 50 for number in range(40)}


@pytest.mark.parametrize(
    ("counts", "task", "asked", "says", "next_step"),
    [
        (WHOLE, "classification", False, "400 different whole numbers from 100 to 499 in 800 rows", "--task=regression"),
        (WHOLE, "classification", True, "400 different whole numbers", "--task=regression"),
        (CODES, "classification", False, "40 different whole numbers", "--task=classification"),
        ({"1.5": 30, "2": 30}, "classification", True, "not all whole", "--task=regression"),
        ({f"a{i}": 1 for i in range(50)}, "classification", False, "no classes to learn", "another target"),
        ({"1.5": 30, "much": 2}, "regression", True, "has 2 values that are not numbers .'much'.", "--task=classification"),
        ({"1.5": 30, "n.a.": 2}, "regression", True, "'n.a.'", "where 'n.a.' stands for a missing value"),
        ({"yes": 800}, "classification", False, "all 800 rows have one value", "another class"),
        ({"yes": 8, "no": 8}, "classification", False, "rows that have a value of 'price': 16; at least 20", "add rows"),
    ],
)
def test_a_target_that_does_not_fit_the_task_is_refused_at_once(
    counts: dict[str, int], task: str, asked: bool, says: str, next_step: str
) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        refuse_labels("price", counts, task, asked)
    assert next_step in refused.value.next_step


@pytest.mark.parametrize(
    ("counts", "task", "asked"),
    [
        (FEW, "classification", False),
        (FEW, "regression", True),
        (WHOLE, "regression", True),
        (CODES, "classification", True),
        ({f"kind {i}": 40 for i in range(50)}, "classification", False),
    ],
)
def test_a_target_that_fits_is_let_through(counts: dict[str, int], task: str, asked: bool) -> None:
    refuse_labels("price", counts, task, asked)
