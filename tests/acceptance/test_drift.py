"""Drift: unchanged traffic passes, a shifted column fails by name, silence is inconclusive; late labels are judged."""

from __future__ import annotations

import csv
import http.client
import json
import random
from typing import Any

from tests.acceptance.project import Project


def send(project: Project, rows: list[dict[str, Any]]) -> list[str]:
    """Send rows one by one; return their request ids."""
    connection = http.client.HTTPConnection("127.0.0.1", project.port, timeout=15)
    ids = []
    for row in rows:
        connection.request("POST", "/predict", json.dumps({"features": row}), {"content-type": "application/json"})
        answer = connection.getresponse()
        body = json.loads(answer.read())
        assert answer.status == 200, body
        ids.append(body["request_id"])
    connection.close()
    return ids


def training_rows(project: Project, count: int, seed: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Draw rows of the training data as requests carry them, and their labels."""
    with (project.path / "data" / "train.csv").open() as stream:
        drawn = random.Random(seed).sample(list(csv.DictReader(stream)), count)
    labels = [row.pop("late") for row in drawn]
    texts = ("carrier", "origin", "dest")
    rows = [
        {k: v if k in texts else (float(v) if v else None) for k, v in row.items() if k != "time_hour"} for row in drawn
    ]
    return rows, labels


def test_silence_is_inconclusive(project: Project) -> None:
    silent = project.invoke("drift", "--env=production")
    assert silent.code == 3 and "traffic" in silent.output, silent.output


def test_drift_of_columns_and_of_performance(project: Project) -> None:
    rows, labels = training_rows(project, 2000, seed=1)
    send(project, rows)
    same = project.invoke("drift", "--env=production")
    assert same.code == 0, same.output

    shifted = [
        row | {"sched_minutes": round(row["sched_minutes"] + 0.3 * 50.4)} for row in training_rows(project, 2000, 2)[0]
    ]
    send(project, shifted)
    drifted = project.invoke("drift", "--env=production")
    assert drifted.code == 1 and "sched_minutes" in drifted.output, drifted.output

    path = project.path / "labels.csv"
    wrong = [("0" if label == "1" else "1") if n % 4 == 0 else label for n, label in enumerate(labels)]
    for arrived, code in ((labels, 0), (wrong, 1)):
        ids = send(project, rows)  # what was judged once is not judged again
        path.write_text("request_id,late\n" + "".join(f"{i},{label}\n" for i, label in zip(ids, arrived, strict=True)))
        project.change(data__labels="labels.csv", gates__drift={"rules": ["performance"], "required": ["performance"]})
        judged = project.invoke("drift", "--env=production")
        assert judged.code == code, judged.output
