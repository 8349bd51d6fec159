"""Columns that are the target. Seeds are fixed; no statistical test decides here, the limits are far from what is measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from gateline.contracts.schema import Schema
from gateline.contracts.verdict import Outcome
from gateline.settings import DataGate
from tests.validation.weather import case, frame, one, schema
from validation.data.rules.leak_target import leak_target

RNG = np.random.default_rng(5)
START = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def same_draws() -> None:
    """What a test draws must not depend on which tests ran before it."""
    RNG.bit_generator.state = START


def declared(dtype: str = "number") -> Schema:
    base = schema().dump()
    return schema(columns=[*base["columns"], {"name": "extra", "dtype": dtype}])


def with_extra(extra: Any) -> pd.DataFrame:
    return frame().assign(extra=extra)


def test_an_honest_column_passes() -> None:
    entry = one(leak_target(case(frame(), frame(part=1))), Outcome.PASS)
    assert "'warmth'" in entry.reason


def test_a_column_that_ranks_both_classes_fails_until_its_limit_is_raised() -> None:
    """The target is decided by one column alone: a model may find that, and it is known only after, more often than not."""
    data = frame()
    data["rain"] = (data["warmth"] > 10).astype(int)
    entry = one(leak_target(case(data)), Outcome.FAIL)
    assert entry.subject.endswith("warmth") and entry.limit == 0.99 and "max_column_auc" in entry.next_step
    believed = DataGate(max_column_auc=1.0, max_column_told=1.0)
    assert one(leak_target(case(data, gate=believed)), Outcome.PASS)


@pytest.mark.parametrize(
    "tells", ["small for yes", "large for no", "between for yes", "missing for no", "a word for each", "words for each"]
)
def test_a_column_that_is_no_copy_but_tells_the_classes_fails(tells: str) -> None:
    rain, rows = frame()["rain"].to_numpy() == 1, len(frame())
    spread, small = RNG.exponential(3000, rows) + 13, RNG.integers(0, 12, rows)
    extra: dict[str, Any] = {
        "small for yes": np.where(rain, small, spread),
        "large for no": np.where(rain, -spread, small),
        "between for yes": np.where(rain, RNG.uniform(40, 60, rows), np.where(small > 6, 20, 80) + RNG.random(rows)),
        "missing for no": np.where(rain, spread, np.nan),
        "a word for each": np.where(rain, "paid", "open"),
        "words for each": np.where(rain, RNG.choice(["a", "b", "c"], rows), RNG.choice(["d", "e"], rows)),
    }
    kind = "string" if tells.endswith("for each") else "number"
    data = with_extra(extra[tells])
    found = [rule for rule in leak_target(case(data, declared=declared(kind))) if rule.outcome is Outcome.FAIL]
    assert [rule.subject for rule in found] == ["train: extra"]


@pytest.mark.parametrize("auc", [0.9, 0.97])
def test_a_column_that_ranks_well_is_honest(auc: float) -> None:
    shift = {0.9: 1.8, 0.97: 2.66}[auc]
    data = with_extra(np.where(frame()["rain"] == 1, shift, 0.0) + RNG.normal(0, 1, 1000))
    assert one(leak_target(case(data, declared=declared())), Outcome.PASS)


def test_a_row_number_tells_many_sorted_classes_and_petals_do_not() -> None:
    kinds = np.repeat(["setosa", "versicolor", "virginica"], 50)
    petals = np.concatenate([RNG.normal(mean, sigma, 50) for mean, sigma in ((0.25, 0.1), (1.33, 0.2), (2.03, 0.27))])
    columns = [{"name": "x", "dtype": "number"}, {"name": "kind", "dtype": "string"}]
    base = schema(columns=columns, target="kind", time="", group="")
    for column, outcome in ((np.arange(150.0), Outcome.FAIL), (petals, Outcome.PASS)):
        data = pd.DataFrame({"x": column, "kind": kinds})
        assert one(leak_target(case(data, declared=base)), outcome)


@pytest.mark.parametrize("noise", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("scale", [1.0, -40.0])
def test_the_target_with_noise_fails(noise: float, scale: float) -> None:
    data = with_extra(scale * (frame()["rain"] + RNG.normal(0, noise, 1000)))
    entry = one(leak_target(case(data, declared=declared())), Outcome.FAIL)
    assert entry.subject == "train: extra" and entry.limit == 0.9


def test_the_target_with_some_labels_flipped_fails() -> None:
    rain = frame()["rain"].to_numpy()
    for share, outcome in ((0.0, Outcome.FAIL), (0.04, Outcome.FAIL), (0.2, Outcome.PASS)):
        data = with_extra(np.where(RNG.random(1000) < share, 1 - rain, rain).astype(float))
        found = one(leak_target(case(data, declared=declared())), outcome)
        assert outcome is Outcome.PASS or found.limit == 0.7


def test_a_number_that_tells_two_classes_apart_well_is_honest() -> None:
    data = with_extra(frame()["rain"] + RNG.normal(0, 0.35, 1000))
    assert one(leak_target(case(data, declared=declared())), Outcome.PASS)


def test_the_target_in_words_fails() -> None:
    data = with_extra(np.where(frame()["rain"] == 1, "paid", "open"))
    assert one(leak_target(case(data, declared=declared("string"))), Outcome.FAIL).subject == "train: extra"


def test_an_identifier_is_not_taken_for_a_copy() -> None:
    data = with_extra([f"id{number}" for number in range(1000)])
    assert one(leak_target(case(data, declared=declared("string"))), Outcome.PASS)


def numeric(noise: float) -> pd.DataFrame:
    price = RNG.gamma(3, 100, 1000)
    return pd.DataFrame(
        {"size": RNG.normal(50, 10, 1000), "tax": price * 0.19 + RNG.normal(0, noise, 1000), "price": price}
    )


NUMERIC = schema(
    columns=[{"name": n, "dtype": "number"} for n in ("size", "tax", "price")], target="price", time="", group=""
)


@pytest.mark.parametrize(("noise", "outcome"), [(0.5, Outcome.FAIL), (3.0, Outcome.FAIL), (30.0, Outcome.PASS)])
def test_a_number_to_predict(noise: float, outcome: Outcome) -> None:
    assert one(leak_target(case(numeric(noise), declared=NUMERIC)), outcome).limit == 0.97


def test_many_classes() -> None:
    kinds = np.array(["ant", "bee", "cat"])[RNG.integers(0, 3, 600)]
    columns = [{"name": "x", "dtype": "number"}, {"name": "kind", "dtype": "string"}]
    many = schema(columns=columns, target="kind", time="", group="")
    place = pd.Series(kinds).map({"ant": 3.0, "bee": 1.0, "cat": 2.0}).to_numpy()
    for noise, outcome in ((0.05, Outcome.FAIL), (0.4, Outcome.PASS)):
        data = pd.DataFrame({"x": place + RNG.normal(0, noise, 600), "kind": kinds})
        assert one(leak_target(case(data, declared=many)), outcome)


def test_the_limit_is_a_setting() -> None:
    data = with_extra(frame()["rain"] + RNG.normal(0, 0.1, 1000))
    gate = DataGate(max_label_r2=0.99, max_column_auc=1.0, max_column_told=1.0)
    assert one(leak_target(case(data, declared=declared(), gate=gate)), Outcome.PASS)


def test_without_a_target_or_rows_nothing_is_known() -> None:
    assert one(leak_target(case(frame(), declared=schema(target=""))), Outcome.INCONCLUSIVE)
    assert one(leak_target(case(frame(20))), Outcome.INCONCLUSIVE)
    assert one(leak_target(case(frame().drop(columns="rain"))), Outcome.INCONCLUSIVE)


def test_a_column_that_does_not_vary_explains_nothing() -> None:
    assert one(leak_target(case(with_extra(1.0), declared=declared())), Outcome.PASS)
