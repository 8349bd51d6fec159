"""Late labels meet the predictions they belong to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gateline.contracts.manifest import Manifest
from gateline.contracts.reference import Matured
from gateline.settings.errors import OutsideError, UsageError
from infra.drift.labels import Arrived, matured
from infra.drift.window import Judged
from tests.servers import s3_server

MIDNIGHT = "T00:00:00.000+00:00"


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
        json.dumps({"request_id": i, "row": row, "release": release, "score": score, "time": f"2026-01-0{day}{MIDNIGHT}"})
        for day, (i, row, release, score) in enumerate(entries, start=1)
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
        with pytest.raises(UsageError, match="no such data file"):
            matured(url, "late", lines, "r", manifest("binary", (0, 1), 1))
        server.client().put_object(Bucket="labels", Key="late.csv", Body=b"request_id,late\na,1\nb,1\n")
        found = matured(url, "late", lines, "r", manifest("binary", (0, 1), 1))
        assert {(one.predicted, one.actual, one.count) for one in found.cells} == {("1", "1", 1), ("0", "1", 1)}
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
    assert found.cells == (
        Matured(score=0.2, predicted="0", actual="1", count=1),
        Matured(score=0.7, predicted="1", actual="1", count=2),
    )


def test_rows_of_one_request_and_many_classes(tmp_path: Path) -> None:
    lines = log(("a", 0, "r", [0.1, 0.9, 0.0]), ("a", 1, "r", [0.5, 0.2, 0.3]))
    url = labels(tmp_path, "request_id,row,late\na,1,z\na,0,y\n")
    found = matured(url, "late", lines, "r", manifest("multiclass", ("x", "y", "z")))
    assert [(cell.predicted, cell.actual, cell.score) for cell in found.cells] == [("x", "z", 0.5), ("y", "y", 0.9)]


def test_regression(tmp_path: Path) -> None:
    found = matured(
        labels(tmp_path, "request_id,late\na,4.5\n"),
        "late",
        log(("a", 0, "r", 4.0)),
        "r",
        manifest("regression"),
    )
    assert found.cells == (Matured(score=4.0, predicted="4.0", actual="4.5"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("request,late\n", "'request_id'"),
        ("request_id,lates\n", "did you mean 'lates'"),
        ("request_id,row,late\na,x,1\n", "'x'"),
        ("request_id,row,late\na,0.5,1\n", "'0.5' is no row of a request"),
        ("request_id,late\na,yes\nb,no\n", "none of 2 labels in column 'late' is one of the classes 0, 1"),
    ],
)
def test_unusable_labels_are_explained(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        matured(labels(tmp_path, text), "late", [], "r", manifest("binary", (0, 1), 1))


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such data file"):
        matured(str(tmp_path / "none.csv"), "late", [], "r", manifest("binary", (0, 1), 1))


def actual(folder: Path, values: list[str], classes: tuple[Any, ...]) -> list[str | None]:
    """Return what labels written so are taken for, one a request; None where there is none."""
    lines = log(*((f"r{number}", 0, "r", (number + 1) / 100) for number in range(len(values))))
    text = "request_id,row,late\n" + "".join(f"r{number},0.0,{value}\n" for number, value in enumerate(values))
    found = matured(labels(folder, text), "late", lines, "r", manifest("binary", classes, classes[1]))
    by_score = {cell.score: cell.actual for cell in found.cells}
    return [by_score.get((number + 1) / 100) for number in range(len(values))]


@pytest.mark.parametrize(
    ("classes", "values", "meant"),
    [
        ((0, 1), ["1", "1.0", "true", " 1 ", "0.0", "False"], ["1", "1", "1", "1", "0", "0"]),
        ((False, True), ["true", "TRUE", "1", "1.0", "0"], ["True", "True", "True", "True", "False"]),
        ((0.0, 1.0), ["1", "0", "1.0"], ["1.0", "0.0", "1.0"]),
        (("no", "yes"), ["yes", "Yes", "no "], ["yes", "yes", "no"]),
        (("1", "2"), ["1.0", "2", "2.0"], ["1", "2", "2"]),
        ((0, 1), ["1", "NA", "NaN", "null", "?", "<NA>", ""], ["1", None, None, None, None, None, None]),
        (("NA", "US"), ["NA", "US", "null"], ["NA", "US", None]),
        ((0, 1), ["1", "2", "maybe"], ["1", "2", "maybe"]),
    ],
)
def test_labels_are_matched_by_value(tmp_path: Path, classes: tuple[Any, ...], values: list[str], meant: list[Any]) -> None:
    assert actual(tmp_path, values, classes) == meant


def test_what_is_no_label_is_counted(tmp_path: Path) -> None:
    lines = log(("a", 0, "r", 0.7), ("b", 0, "r", 0.7), ("c", 0, "r", 0.7))
    url = labels(tmp_path, "request_id,late\na,1.0\nb,NA\nc,maybe\nz,0\n")
    found = matured(url, "late", lines, "r", manifest("binary", (0, 1), 1))
    assert [note.removeprefix("labels: ").split(" of ")[0] for note in found.notes][:1] == ["2"]
    assert found.notes[1].startswith("labels: 1 hold a mark such as NA")
    assert found.notes[2] == "labels: 1 are none of the classes (0, 1), and count as answered wrongly"
    numbers = matured(labels(tmp_path, "request_id,late\na,4.5\nb,NA\nc,n/a\n"), "late", lines, "r", manifest("regression"))
    assert [cell.actual for cell in numbers.cells] == ["4.5"]


def test_a_mark_of_the_schema_is_no_label_either(tmp_path: Path) -> None:
    lines, model = log(("a", 0, "r", 0.7), ("b", 0, "r", 0.7)), manifest("binary", (0, 1), 1)
    url = labels(tmp_path, "request_id,late\na,1\nb,pending\n")
    assert [cell.actual for cell in matured(url, "late", lines, "r", model, marks=["pending"]).cells] == ["1"]
    assert [cell.actual for cell in matured(url, "late", lines, "r", model).cells] == ["1", "pending"]


def test_each_label_is_judged_once_however_late_it_comes(tmp_path: Path) -> None:
    lines = log(("a", 0, "r", 0.7), ("b", 0, "r", 0.2), ("c", 0, "r", 0.9), ("a", 1, "r", 0.6))
    model = manifest("binary", (0, 1), 1)

    def judge(text: str, before: Judged) -> Arrived:
        return matured(labels(tmp_path, f"request_id,row,late\n{text}"), "late", lines, "r", model, before)

    first = judge("a,0,1\nc,,1\n", Judged())
    assert [cell.score for cell in first.cells] == [0.7, 0.9] and len(first.judged.tokens) == 2
    assert first.judged.until == f"2026-01-03{MIDNIGHT}"
    assert judge("c,,1\na,0,1\n", first.judged).cells == ()
    second = judge("a,1,0\nb,,0\nc,,1\na,0,0\n", first.judged)
    assert [cell.score for cell in second.cells] == [0.2, 0.6]
    assert f"labels: 1 came late: others of predictions made up to 2026-01-03{MIDNIGHT}" in second.notes[-1]
    assert second.judged.until == f"2026-01-04{MIDNIGHT}" and len(second.judged.tokens) == 4
    assert judge("a,0,1\na,1,0\nb,,0\nc,,1\n", second.judged).cells == ()
    # a prediction that is no longer in the log is forgotten, one whose label is no longer in the file is not
    gone = matured(labels(tmp_path, "request_id,late\n"), "late", lines[1:], "r", model, second.judged)
    assert len(gone.judged.tokens) == 3 and gone.judged.tokens < second.judged.tokens


@pytest.mark.parametrize("name", ["labels.parquet", "labels.csv.gz", "labels.txt"])
def test_labels_are_read_as_every_file_of_rows_is(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame({"request_id": ["a", "b"], "row": [0.0, None], "late": [1.0, None]})
    if name.endswith("parquet"):
        frame.to_parquet(tmp_path / name)
    else:
        frame.to_csv(tmp_path / name, index=False, encoding="utf-8-sig")
    lines = log(("a", 0, "r", 0.7), ("b", 0, "r", 0.2))
    found = matured(str(tmp_path / name), "late", lines, "r", manifest("binary", (0, 1), 1))
    assert [(cell.score, cell.actual) for cell in found.cells] == [(0.7, "1")]


@pytest.mark.parametrize(
    ("content", "said", "step"),
    [
        (b"request_id,late\na,\xff\xfe\n", "UTF-8", "UTF-8"),
        (b"request_id;late\na;1\n", "separated by a semicolon", "commas"),
        (b"request_id,late\na,1,2\nb,1\n", "number of fields differs", "quote"),
        (b'[{"request_id": "a"}]', "is JSON", "CSV"),
    ],
)
def test_a_file_of_another_form_is_refused_by_name(tmp_path: Path, content: bytes, said: str, step: str) -> None:
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(UsageError, match=f"labels.csv: .*{said}") as caught:
        matured(str(tmp_path / "labels.csv"), "late", log(("a", 0, "r", 0.7)), "r", manifest("binary", (0, 1), 1))
    assert step in caught.value.next_step
