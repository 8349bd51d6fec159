"""Ask a running release a few questions whose answers are known: is it ready, is it the one, does it answer as offline?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from gateline.contracts.headers import SYNTHETIC
from gateline.contracts.manifest import GOLDEN_CROWD, GOLDEN_FILE, GOLDEN_TOLERANCE, MANIFEST_FILE, Manifest, gap
from gateline.contracts.release import ARTIFACT_FOLDER, Release
from gateline.contracts.verdict import Outcome, Rule, Verdict, unknown

SECONDS = 10.0
Connect = Callable[[str, float], httpx.Client]
"""Opens a client with a base URL and a timeout in seconds."""
Question = Callable[[httpx.Client, "Expected"], Rule]


@dataclass(frozen=True)
class Expected:
    """What a release must answer, read from its own bundle."""

    release: Release
    manifest: Manifest
    rows: list[list[Any]]
    scores: list[list[float]]
    decided: list[Any] = field(default_factory=list)
    """The class of each row; empty where none was recorded, and of numbers."""

    @classmethod
    def of(cls, bundle: Path, release: Release) -> Expected:
        """Read the golden rows and the manifest of an unpacked bundle."""
        artifact = bundle / ARTIFACT_FOLDER
        golden = json.loads((artifact / GOLDEN_FILE).read_bytes())
        manifest = Manifest.model_validate_json((artifact / MANIFEST_FILE).read_bytes())
        decided = golden.get("predictions", []) if manifest.classes else []
        return cls(release, manifest, golden["rows"], golden["scores"], decided)

    def named(self, row: list[Any]) -> dict[str, Any]:
        """Return a row by column name, as a request carries it."""
        return dict(zip(self.manifest.features, row, strict=True))

    def requests(self, places: Sequence[int], most: int) -> Iterator[tuple[list[dict[str, Any]], Sequence[int]]]:
        """Yield the golden rows at these places with their places, at most so many a request, and as few as the release's
        own limits ask for."""
        limits = self.release.service
        largest = max((len(json.dumps(self.named(row))) for row in self.rows), default=1)
        size = max(1, min(most, limits.max_rows, limits.max_body_bytes // (largest + 64)))
        for start in range(0, len(places), size):
            chosen = places[start : start + size]
            yield [self.named(self.rows[place]) for place in chosen], chosen


def loopback(base_url: str, seconds: float) -> httpx.Client:
    """Return a client of this machine, past any HTTP proxy."""
    return httpx.Client(base_url=base_url, timeout=seconds, trust_env=False)


def judge_replicas(addresses: Iterable[str], expected: Expected, connect: Connect = loopback, **judged: str) -> Verdict:
    """Judge every replica (`host:port`, reached by `connect`) of a release; `judged` names what else the verdict is about."""
    rules = [
        rule.model_copy(update={"subject": address})
        for address in addresses
        for rule in judge(f"http://{address}", expected, connect).rules
    ]
    return Verdict.of("smoke", rules, judged={"release": expected.release.digest} | judged)


def judge(base_url: str, expected: Expected, connect: Connect = loopback) -> Verdict:
    """Ask the service at `base_url` (scheme, host, port) and return the verdict `smoke`. Never raises for a bad answer."""
    with connect(base_url, SECONDS) as client:
        client.headers.update(SYNTHETIC)
        rules = [_asked(name, ask, client, expected) for name, ask in QUESTIONS]
    return Verdict.of("smoke", rules, judged={"release": expected.release.digest})


def _asked(name: str, ask: Question, client: httpx.Client, expected: Expected) -> Rule:
    if not expected.rows:
        return unknown(name, "the artifact has no golden rows to ask with", required=True, next_step="nox -s train")
    try:
        return ask(client, expected)
    except (httpx.HTTPError, AttributeError, KeyError, ValueError, TypeError, IndexError) as error:
        return _rule(name, False, f"{client.base_url} gave no usable answer: {type(error).__name__}: {error}")


def _ready(client: httpx.Client, expected: Expected) -> Rule:
    """Judge that a service that says 'ready' is the right release, and predicts at once."""
    ready = client.get("/health/ready")
    served = ready.json().get("release") if ready.status_code == 200 else None
    predicted = client.post("/predict", json={"rows": [expected.named(expected.rows[0])]})
    good = served == expected.release.digest and predicted.status_code == 200
    said = f"ready answered {ready.status_code} for release {str(served)[:12]}, the first prediction {predicted.status_code}"
    wanted = f"expected 200 for {expected.release.digest[:12]}, and 200"
    return _rule("ready_early", good, f"{said}; {wanted}")


def _contract(client: httpx.Client, expected: Expected) -> Rule:
    """Judge that the fields of the schema are those that a request may have, and an answer has exactly the promised keys."""
    answer = client.post("/predict", json={"features": expected.named(expected.rows[0])})
    missing = {"prediction", "model_version", "request_id"} - set(answer.json())
    declared = json.dumps(client.get("/openapi.json").json())
    unnamed = [name for name in expected.manifest.features if json.dumps(name) not in declared]
    positional = client.post("/predict", json={"features": expected.rows[0]})
    statuses = (answer.status_code, positional.status_code)
    good = statuses == (200, 200) and not missing and not unnamed
    return _rule(
        "contract",
        good,
        f"a named and a positional row answered {statuses[0]} and {statuses[1]}; fields missing in the answer: "
        f"{', '.join(sorted(missing)) or 'none'}; in the API's description: {', '.join(unnamed) or 'none'}",
    )


def _refusal(client: httpx.Client, expected: Expected) -> Rule:
    """Judge that a field that does not exist is refused, not ignored."""
    row = expected.named(expected.rows[0]) | {"no_such_field": 1}
    status = client.post("/predict", json={"features": row}).status_code
    return _rule("contract", 400 <= status < 500, f"an unknown field was answered {status}; allowed: 4xx")


def _golden(client: httpx.Client, expected: Expected) -> Rule:
    """Judge that the golden rows answer as they did offline, within the tolerance and with the same class: at once, in
    reverse order, asked again, one at a time, and among as many as a request may hold, up to 1,000."""
    rows = len(expected.rows)
    forward, backward = range(rows), range(rows - 1, -1, -1)
    crowd = [place % rows for place in range(min(GOLDEN_CROWD, expected.release.service.max_rows))]
    ways = (
        ("", forward, rows),
        ("in reverse order, ", backward, rows),
        ("once more, ", forward, rows),
        ("one at a time, ", forward, 1),
        ("among many, ", crowd, GOLDEN_CROWD),
    )
    for way, places, most in ways:
        apart, others = _apart(client, expected, places, most)
        told = f"{way}{rows} golden rows differ from offline by {apart:.3g} at most; allowed {GOLDEN_TOLERANCE:g}"
        told += f"; {others} are decided otherwise" if others else ""
        if others or not apart <= GOLDEN_TOLERANCE:
            return _rule("golden", False, told, rows)
    return _rule("golden", True, f"{told}; in every other company too", rows)


def _apart(client: httpx.Client, expected: Expected, places: Sequence[int], most: int) -> tuple[float, int]:
    """Return the largest difference of a served score, and how many golden rows are decided otherwise."""
    gaps, others = [], set()
    for rows, chosen in expected.requests(places, most):
        answers = client.post("/predict", json={"rows": rows}).json()["predictions"]
        for answer, place in zip(answers, chosen, strict=True):
            gaps.append(_distance(answer, expected.scores[place], expected.manifest))
            if expected.decided and answer["prediction"] != expected.decided[place]:
                others.add(place)
    return max(gaps), len(others)


def _distance(answer: dict[str, Any], scores: list[float], manifest: Manifest) -> float:
    """Return the largest difference between a served answer and the recorded scores of one row."""
    if manifest.task == "regression":
        served, recorded = [float(answer["prediction"])], scores
    elif manifest.task == "binary":
        served, recorded = [float(answer["probability"])], [scores[manifest.positive_column]]
    else:
        served, recorded = [float(answer["probabilities"][str(label)]) for label in manifest.classes], scores
    return max(gap(one, other) for one, other in zip(served, recorded, strict=True))


def _rule(name: str, good: bool, reason: str, sample: int | None = None) -> Rule:
    return Rule(
        name=name,
        outcome=Outcome.PASS if good else Outcome.FAIL,
        reason=reason,
        required=True,
        sample=sample,
        next_step="" if good else "read the service's log: invoke status --logs",
    )


QUESTIONS = (("ready_early", _ready), ("contract", _contract), ("contract", _refusal), ("golden", _golden))
