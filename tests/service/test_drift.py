"""What was seen is counted in the reference's bins, and nothing else is kept."""

from __future__ import annotations

import httpx
import pytest

from gateline.contracts.headers import made_up
from gateline.contracts.reference import ColumnReference, LiveCounts, Reference, ScoreReference, count
from gateline.contracts.release import Release
from gateline.settings import Service
from service.app import Options
from service.drift import DriftCounters
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
    counters = DriftCounters(REFERENCE, ("size", "kind", "unknown"), RELEASE)
    for index in range(0, 6, 2):
        rows = [[sizes[n], kinds[n], 7.0] for n in (index, index + 1)]
        counters.add(rows, scores[index : index + 2], labels[index : index + 2])
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
