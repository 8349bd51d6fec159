"""A canary is promoted when it is good, rolled back when it is bad, held when nobody can know; stable loses nothing."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pandas as pd
import pytest

from tests.acceptance.project import Project

pytestmark = pytest.mark.live

RATE = 200.0

ERRORS = """

_answered = 0


def after(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    global _answered
    _answered += 1
    if _answered > 60 and _answered % 20 == 0:
        raise RuntimeError("one in twenty")
    return answers
"""

SLOW = """

import time as _time


def before(rows: list[list[Any]]) -> list[list[Any]]:
    _time.sleep({seconds})
    return rows
"""

ORIGINAL = "model/hooks.py"


def judge(project: Project, *flags: str, code: int) -> str:
    """Canary the release built last under live traffic; return what the command said."""
    with project.traffic(rate=RATE) as traffic:
        traffic.wait_for(50)
        done = project.invoke("canary", "--env=production", *flags)
        traffic.wait_for(50)
    assert done.code == code, done.output
    stable = project.stable()
    assert not [loss for loss in traffic.lost if loss.release in ("", stable)]
    assert project.invoke("audit").code == 0
    return done.output


@pytest.fixture()
def hooks(project: Project) -> object:
    """The hooks as they ship, put back afterwards."""
    path = project.path / ORIGINAL
    text = path.read_text(encoding="utf-8")
    yield path
    path.write_text(text, encoding="utf-8")


def test_five_percent_errors_are_rolled_back(project: Project, hooks: object) -> None:
    before = project.stable()
    project.break_hooks(ERRORS)
    bad = project.release()
    said = judge(project, code=1)
    assert "rolled back" in said
    assert project.stable() == before != bad
    refused = project.invoke("canary", "--env=production")
    assert refused.code == 1 and "quarantine" in refused.output


def test_one_and_a_half_times_slower_is_rolled_back(project: Project, hooks: object) -> None:
    before = project.stable()
    project.break_hooks(SLOW.format(seconds=latency_of(project) * 0.6))
    project.release()
    assert "latency" in judge(project, code=1)
    assert project.stable() == before


def test_exchanged_classes_are_rolled_back(project: Project) -> None:
    before = project.stable()
    data = project.path / "data" / "train.csv"
    text = data.read_text()
    lines = text.splitlines()
    data.write_text("\n".join([lines[0], *(f"{line[:-1]}{1 - int(line[-1])}" for line in lines[1:])]) + "\n")
    try:
        assert project.module("training").code == 0
        assert project.module("validation.model").code == 1
        assert project.build().code == 0
        refused = project.invoke("canary", "--env=production")
        assert refused.code == 1 and "validate_model" in refused.output
        assert "predictions" in judge(project, "--unjudged", code=1)
    finally:
        data.write_text(text)
    assert project.stable() == before


def test_no_traffic_is_held_then_resumed_and_promoted(project: Project) -> None:
    before = project.stable()
    project.change(model__parameters__max_iter=25)
    release = project.release()
    held = project.invoke("canary", "--env=production", "--seconds=4")
    assert held.code == 3 and "traffic" in held.output
    status = project.status()
    assert status["slots"]["stable"]["release"] == before and status["slots"]["stable"]["share"] == 1.0
    assert status["rollout"]["held"] and status["slots"]["canary"]["share"] == 0.0
    refused = project.invoke("deploy", "--env=production", "--skip-canary")
    assert refused.code == 1 and "held" in refused.output
    assert "promoted" in judge(project, "--resume", code=0)
    assert project.stable() == release
    undone = project.invoke("rollback", "--env=production")
    assert undone.code == 0 and project.stable() == before


def test_a_changed_schema_goes_through_a_canary(project: Project) -> None:
    """One column is renamed, one dropped, one added, while clients go on sending what they sent before."""
    before, traffic = project.stable(), project.traffic(rate=RATE)
    with changed(project):
        held = project.module("training").code, project.module("validation.model")
        digest = re.search(r"--accept-champion=([0-9a-f]{64})", held[1].output)
        assert held[0] == 0 and held[1].code == 3 and digest, held[1].output
        assert "no column 'seats'" in held[1].output, "the dropped one stands in the way, not the renamed one"
        project.change(gates__model__accept_champion=digest[1])
        release = project.release()
        with traffic:
            traffic.wait_for(50)
            done = project.invoke("canary", "--env=production")
            traffic.wait_for(50)
        assert done.code == 0 and "promoted" in done.output, done.output
        assert not traffic.lost
        assert project.stable() == release != before
        new = project.row() | {"weather": 0.5}
        answer = httpx.post(f"{project.url}/predict", json={"features": new})
        assert answer.status_code == 200 and "miles" in new and "seats" not in new, answer.text
    undone = project.invoke("rollback", "--env=production")
    assert undone.code == 0 and project.stable() == before


@contextmanager
def changed(project: Project) -> Iterator[None]:
    """Rename distance to miles, drop seats, add weather, in schema and rows; all is put back."""
    schema, rows = project.path / "data/schema.json", [project.path / f"data/{name}.csv" for name in ("train", "test")]
    texts = {path: path.read_text() for path in (schema, *rows)}
    try:
        raw = json.loads(texts[schema])
        columns = [column for column in raw["columns"] if column["name"] != "seats"]
        place = next(place for place, column in enumerate(columns) if column["name"] == "distance")
        columns[place] |= {"name": "miles", "was": "distance"}
        columns.insert(place, {"name": "weather", "dtype": "number", "minimum": 0, "maximum": 1, "default": 0.5})
        schema.write_text(json.dumps(raw | {"columns": columns, "ignored": ["seats"]}))
        for path in rows:
            frame = pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns="seats")
            frame.insert(0, "weather", [f"0.{number % 10}" for number in range(len(frame))])
            frame.rename(columns={"distance": "miles"}).to_csv(path, index=False)
        yield
    finally:
        for path, text in texts.items():
            path.write_text(text)


def latency_of(project: Project) -> float:
    """Return the mean seconds of a prediction in production, as the service counts them."""
    url, row = project.replica(), project.row()
    for number in range(200):
        httpx.post(f"{url}/predict", json={"features": row | {"distance": 100 + number}})
        time.sleep(0.002)
    values = {}
    for line in httpx.get(f"{url}/metrics").text.splitlines():
        name, _, value = line.rpartition(" ")
        values[name] = value
    return float(values["gateline_request_seconds_sum"]) / float(values["gateline_request_seconds_count"])
