"""Numbers and outcomes in words."""

from __future__ import annotations

import math

import pytest

from gateline.contracts.verdict import Verdict, at_most, unknown
from gateline.report import words
from tests.gateline.report.examples import failing, passing


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        ("a,b", "a,b"),
        (30000, "30,000"),
        (1234567.0, "1,234,567"),
        (0.8499999, "0.85"),
        (0.123456789, "0.123457"),
        (12345.678, "12,345.7"),
        (1e-7, "1e-07"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
    ],
)
def test_numbers(value: float | str | None, shown: str) -> None:
    assert words.number(value) == shown


def test_the_headline_names_the_first_failure_and_counts_the_rest() -> None:
    assert words.headline(failing()) == "p95 is 262.5 ms, above the limit 200 (and 1 more failed)"


def test_the_headline_of_a_pass_says_what_was_not_judged() -> None:
    assert words.headline(passing()) == "1 rule passed"
    partly = Verdict.of("x", [at_most("a", 1, 2), unknown("b", "no data", subject="c")])
    assert words.headline(partly) == "1 rule passed; not judged: b(c)"


def test_an_inconclusive_headline_names_the_required_rule_first() -> None:
    verdict = Verdict.of("x", [unknown("a", "no data"), unknown("b", "no rows", required=True)])
    assert words.headline(verdict) == "b: no rows (and 1 more inconclusive)"
    assert words.headline(Verdict.of("x", ())) == "no rule judged anything"


def test_titles_and_plurals() -> None:
    assert words.title("validate_data") == "Validate data"
    assert (words.plural(1, "rule"), words.plural(0, "rule")) == ("1 rule", "0 rules")
