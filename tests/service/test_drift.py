"""What was seen is counted in the reference's bins, and nothing else is kept."""

from __future__ import annotations

import httpx
import pytest

from gateline.contracts.headers import made_up
from gateline.contracts.reference import ColumnReference, LiveCounts, Reference, ScoreReference, count
from gateline.contracts.release import Release
from gateline.settings import Service
from service.app import Options
from service.metrics import TOGETHER, DriftCounters
from service.state import Loaded
from tests.service.bundles import ROW
from tests.service.conftest import serving

REFERENCE = Reference(
    columns={
        "size": ColumnReference(bins=(1.0, 2.0), shares=(0.2, 0.3, 0.5)),
        "kind": ColumnReference(categories=("a", "b"), shares=(0.5, 0.5, 0.0), missing=0.1),
    },
    scores=ScoreReference(edges=(0.5,), shares=(0.7, 0.3)),
    labels={"no": 0.7, "yes": 0.3},
    rows=100,
)
RELEASE = Release(
    digest="d" * 64, version="1", artifact="a" * 64, project="p", lock="l", python="3.11", service=Service()
)


def test_rows_fall_into_the_same_bins_as_the_reference_counts_them() -> None:
    sizes: list[float | str | None] = [0.5, 1.0, 1.5, 2.0, 9.0, float("nan")]
    kinds: list[float | str | None] = ["a", "b", "a", "new", None, "b"]
    scores, labels = [0.1, 0.5, 0.6, 0.2, 0.9, 0.4], ["no", "yes", "yes", "no", "yes", "no"]
    counters = DriftCounters(
        REFERENCE,
        ("size", "kind", "unknown"),
        RELEASE,
        lambda rows: ([row[0] for row in rows], ["yes" if row[0] >= 0.5 else "no" for row in rows]),
    )
    for index in range(0, 6, 2):
        rows = [[sizes[n], kinds[n], 7.0] for n in (index, index + 1)]
        counters.add(rows, [[score] for score in scores[index : index + 2]])
    seen = counters.snapshot()
    expected = count(REFERENCE, {"size": sizes, "kind": kinds}, scores, labels)
    assert (seen.rows, seen.columns, seen.scores, seen.labels) == (
        6,
        expected.columns,
        expected.scores,
        expected.labels,
    )
    assert seen.columns["size"].counts == (1, 2, 2) and seen.columns["kind"].missing == 1
    assert (seen.release, seen.artifact) == (RELEASE.digest, RELEASE.artifact) and seen.since <= seen.until


@pytest.mark.parametrize("rows", [1, TOGETHER - 1, TOGETHER, TOGETHER + 1, 3 * TOGETHER + 4])
def test_rows_that_wait_to_be_counted_are_told_as_well(rows: int) -> None:
    counters = DriftCounters(REFERENCE, ("size", "kind"), RELEASE, lambda scores: ([0.1] * len(scores), ["no"] * len(scores)))
    for number in range(rows):
        counters.add([[float(number % 3), None if number % 2 else "b"]], [[0.1]])
        assert number % 7 or counters.snapshot().rows == number + 1
    seen = counters.snapshot()
    assert seen.rows == sum(seen.columns["size"].counts) == sum(seen.scores) == seen.labels["no"] == rows
    assert seen.columns["kind"].missing == rows // 2


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (ColumnReference(bins=(1.0, 2.0), shares=(0.2, 0.3, 0.5)), [0.0, 1.0, float("nan"), None, "text", 2.5, float("inf")]),
        (ColumnReference(categories=("a", "b"), shares=(0.5, 0.5, 0.0)), ["a", "b", "c", None, 1.0, float("nan"), ""]),
        (ColumnReference(shares=(1.0,)), [1.0, "a", None, float("nan")]),
        (ColumnReference(bins=(1.0, 2.0), shares=(0.2, 0.3, 0.5)), [0.0, 1.0, float("nan"), 2.5, float("inf"), -float("inf")]),
        (ColumnReference(categories=("a", "b"), shares=(0.5, 0.5, 0.0)), ["a", "b", "c", None, ""]),
    ],
    ids=["numbers", "words", "one bin", "numbers alone", "words alone"],
)
def test_every_value_is_counted_where_the_reference_has_it(column: ColumnReference, values: list[float | str | None]) -> None:
    reference = REFERENCE.model_copy(update={"columns": {"one": column}})
    counters = DriftCounters(reference, ("one",), RELEASE, lambda scores: ([], []))
    counters.add([[value] for value in values], [[0.1]] * len(values))
    assert counters.snapshot().columns["one"] == count(reference, {"one": values}).columns["one"]


@pytest.mark.anyio
async def test_answered_rows_are_counted_but_refused_and_made_up_ones(release: Release, loaded: Loaded) -> None:
    async with serving(release, lambda: loaded, Options(token="of-the-environment")) as client:

        async def seen() -> LiveCounts:
            return LiveCounts.model_validate_json((await client.get("/drift")).content)

        async def counted(headers: dict[str, str]) -> int:
            before = await seen()
            assert (await client.post("/predict", json={"features": ROW}, headers=headers)).status_code == 200
            after = await seen()
            assert sum(after.scores) - sum(before.scores) == after.rows - before.rows
            return after.rows - before.rows

        assert await counted({}) == 1
        assert await counted(made_up("of-the-environment")) == 0
        for told in (made_up(""), made_up("guessed"), {"X-Gateline-Token": "of-the-environment"}):
            assert await counted(told) == 1, "rows are hidden by somebody who does not know the token"
        before = await seen()
        assert (await client.post("/predict", json={"features": {"no": 1}})).status_code == 422
        assert (await seen()).rows == before.rows


@pytest.mark.anyio
async def test_without_a_token_nothing_counts_as_made_up(client: httpx.AsyncClient) -> None:
    before = LiveCounts.model_validate_json((await client.get("/drift")).content).rows
    await client.post("/predict", json={"features": ROW}, headers=made_up("") | {"X-Gateline-Token": ""})
    assert LiveCounts.model_validate_json((await client.get("/drift")).content).rows == before + 1
