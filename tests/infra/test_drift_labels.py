"""Late labels meet the predictions they belong to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.live_counts import Matured
from contracts.manifest import Manifest
from infra.drift_labels import matured
from settings.errors import OutsideError, UsageError
from tests.servers import s3_server


def manifest(task: str, classes: tuple[Any, ...] = (), positive: Any = None) -> Manifest:
    body = {
        "identity": "a" * 64,
        "version": "1",
        "inputs": {},
        "files": {},
        "task": task,
        "target": "late",
        "features": ["x"],
    }
    return Manifest.model_validate(body | {"classes": classes, "positive": positive, "threshold": 0.5})


def log(*entries: tuple[str, int, str, Any]) -> list[str]:
    lines = [
        json.dumps({"request_id": i, "row": row, "release": release, "score": s}) for i, row, release, s in entries
    ]
    return [*lines, '{"request_id": "cut']


def labels(folder: Path, text: str) -> str:
    (folder / "labels.csv").write_text(text)
    return str(folder / "labels.csv")


@pytest.mark.slow
def test_labels_on_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = log(("a", 0, "r", 0.7), ("b", 0, "r", 0.2))
    with s3_server(tmp_path) as server:
        server.reach(monkeypatch)
        url = f"{server.bucket('labels')}/late.csv"
        with pytest.raises(UsageError, match="no such file of labels"):
            matured(url, "late", lines, "r", manifest("binary", (0, 1), 1))
        server.client().put_object(Bucket="labels", Key="late.csv", Body=b"request_id,late\na,1\nb,1\n")
        found = matured(url, "late", lines, "r", manifest("binary", (0, 1), 1))
        assert {(one.predicted, one.actual, one.count) for one in found} == {("1", "1", 1), ("0", "1", 1)}
        server.kill()
        with pytest.raises(OutsideError, match="EndpointConnectionError") as caught:
            matured(url, "late", lines, "r", manifest("binary", (0, 1), 1))
        assert "AWS_ENDPOINT_URL_S3" in caught.value.next_step


def test_binary(tmp_path: Path) -> None:
    lines = log(
        ("a", 0, "r", 0.7), ("b", 0, "r", 0.2), ("c", 0, "other", 0.9), ("d", 0, "r", 0.7), ("e", 0, "r", 0.7)
    )
    url = labels(tmp_path, "request_id,late\na,1\nb,1\nc,1\nd,1\ne,\nz,0\n")
    found = matured(url, "late", lines, "r", manifest("binary", (0, 1), 1))
    assert found == (
        Matured(score=0.2, predicted="0", actual="1", count=1),
        Matured(score=0.7, predicted="1", actual="1", count=2),
    )


def test_rows_of_one_request_and_many_classes(tmp_path: Path) -> None:
    lines = log(("a", 0, "r", [0.1, 0.9, 0.0]), ("a", 1, "r", [0.5, 0.2, 0.3]))
    url = labels(tmp_path, "request_id,row,late\na,1,z\na,0,y\n")
    found = matured(url, "late", lines, "r", manifest("multiclass", ("x", "y", "z")))
    assert [(cell.predicted, cell.actual, cell.score) for cell in found] == [("x", "z", 0.5), ("y", "y", 0.9)]


def test_regression(tmp_path: Path) -> None:
    found = matured(
        labels(tmp_path, "request_id,late\na,4.5\n"),
        "late",
        log(("a", 0, "r", 4.0)),
        "r",
        manifest("regression"),
    )
    assert found == (Matured(score=4.0, predicted="4.0", actual="4.5"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("request,late\n", "'request_id'"),
        ("request_id,lates\n", "did you mean 'lates'"),
        ("request_id,row,late\na,x,1\n", "'x'"),
    ],
)
def test_unusable_labels_are_explained(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        matured(labels(tmp_path, text), "late", [], "r", manifest("binary", (0, 1), 1))


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        matured(str(tmp_path / "none.csv"), "late", [], "r", manifest("binary", (0, 1), 1))
