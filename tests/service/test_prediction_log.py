"""The prediction log keeps what it promises and loses nothing silently."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.prediction_log import PredictionLog


class Lost:
    """Counts the lines that were lost."""

    def __init__(self) -> None:
        self.lines = 0

    def __call__(self, lines: int) -> None:
        self.lines += lines


def lines_in(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(folder.iterdir()) for line in path.read_text().splitlines()]


def test_a_line_a_row_with_id_time_release_score_and_no_more(tmp_path: Path) -> None:
    lost = Lost()
    log = PredictionLog(tmp_path, "digest", 14, lost)
    log.write("one", [0.25])
    log.write("two", [[0.5, 0.5], [1.0, 0.0]])
    log.close()
    found = lines_in(tmp_path)
    assert [(line["request_id"], line["row"], line["score"]) for line in found] == [
        ("one", 0, 0.25),
        ("two", 0, [0.5, 0.5]),
        ("two", 1, [1.0, 0.0]),
    ]
    assert set(found[0]) == {"request_id", "time", "release", "row", "score"}
    assert found[0]["release"] == "digest"
    age = datetime.now(UTC) - datetime.fromisoformat(found[0]["time"])
    assert timedelta(0) <= age < timedelta(minutes=1)
    assert lost.lines == 0


def test_one_file_a_day_and_old_ones_are_deleted(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    for days in (0, 1, 2, 30):
        (tmp_path / f"predictions-{today - timedelta(days=days)}.jsonl").write_text("")
    (tmp_path / "notes-2001-01-01.jsonl").write_text("")
    log = PredictionLog(tmp_path, "digest", 2, Lost())
    log.write("one", [0.5])
    log.close()
    kept = {f"predictions-{today}.jsonl", f"predictions-{today - timedelta(days=1)}.jsonl", "notes-2001-01-01.jsonl"}
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_a_missing_folder_is_counted_and_found_again(tmp_path: Path) -> None:
    lost, folder = Lost(), tmp_path / "logs"
    log = PredictionLog(folder, "digest", 14, lost)
    log.write("one", [0.5, 0.5])
    log.close()
    assert lost.lines == 2
    folder.mkdir()
    log = PredictionLog(folder, "digest", 14, lost)
    log.write("two", [0.5])
    log.close()
    assert [line["request_id"] for line in lines_in(folder)] == ["two"]
    assert lost.lines == 2


FULL_DISK = """
import resource, sys, time
from pathlib import Path
from service.prediction_log import PredictionLog
resource.setrlimit(resource.RLIMIT_FSIZE, (150, resource.RLIM_INFINITY))
lost = []
log = PredictionLog(Path(sys.argv[1]), "digest", 14, lost.append)
for number in range(3):
    log.write(f"before-{number}", [0.5])
while sum(lost) < 2:
    time.sleep(0.01)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.write("after", [0.5])
log.close()
print(sum(lost))
"""


def test_a_full_disk_costs_the_lines_that_do_not_fit_and_no_other(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    ran = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], env=environment, capture_output=True, text=True, timeout=30
    )
    assert ran.stdout.split() == ["2"], ran.stderr
    (path,) = tmp_path.iterdir()
    first, cut, last = path.read_text().splitlines()
    assert json.loads(first)["request_id"] == "before-0"
    assert json.loads(last)["request_id"] == "after"
    with pytest.raises(ValueError):
        json.loads(cut)


def test_what_finds_no_place_in_the_queue_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.prediction_log.WAITING_ROWS", 2)
    os.mkfifo(tmp_path / f"predictions-{datetime.now(UTC).date()}.jsonl")
    lost = Lost()
    log = PredictionLog(tmp_path, "digest", 14, lost)
    for _ in range(10):
        log.write("stuck", [0.5])
    assert lost.lines >= 7
    log.close(seconds=0.01)
    reader = threading.Thread(target=lambda: (tmp_path / os.listdir(tmp_path)[0]).read_bytes(), daemon=True)
    reader.start()


def test_no_more_scores_wait_than_are_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.prediction_log.WAITING_SCORES", 100)
    os.mkfifo(tmp_path / f"predictions-{datetime.now(UTC).date()}.jsonl")
    lost = Lost()
    log = PredictionLog(tmp_path, "digest", 14, lost)
    for _ in range(10):
        log.write("stuck", [[0.05] * 20] * 5)
    assert lost.lines >= 8 * 5
    log.close(seconds=0.01)
    threading.Thread(target=lambda: (tmp_path / os.listdir(tmp_path)[0]).read_bytes(), daemon=True).start()


def test_many_requests_are_written_together_and_none_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block is smaller than what waits: the writer goes on by itself."""
    monkeypatch.setattr("service.prediction_log.MOST_LINES", 10)
    lost = Lost()
    log = PredictionLog(tmp_path, "digest", 14, lost)
    for number in range(500):
        log.write(f"r{number}", [number / 7, number / 3])
    deadline = time.monotonic() + 20
    while len(lines_in(tmp_path)) < 1_000 and time.monotonic() < deadline:
        time.sleep(0.02)
    found = lines_in(tmp_path)
    log.close()
    assert [line["score"] for line in found] == [score for n in range(500) for score in (n / 7, n / 3)] and not lost.lines


def test_steady_requests_are_gathered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While blocks are written, more comes in: that waits for the next time, whatever the pace."""
    blocks = list[int]()
    log = PredictionLog(tmp_path, "digest", 14, Lost())
    append = log._append

    def slowly(day: str, lines: bytes) -> int:
        blocks.append(lines.count(b"\n"))
        time.sleep(0.005)
        return append(day, lines)

    monkeypatch.setattr(log, "_append", slowly)
    end, sent = time.monotonic() + 1.0, 0
    while time.monotonic() < end:
        log.write(f"r{sent}", [0.5])
        sent += 1
        time.sleep(0.0005)
    log.close()
    assert sum(blocks) == sent > 100 and len(blocks) <= 14


def test_replicas_share_one_file_without_mixing_lines(tmp_path: Path) -> None:
    logs = [PredictionLog(tmp_path, f"release-{number}", 14, Lost()) for number in range(4)]
    for number in range(200):
        for log in logs:
            log.write(f"r{number}", [0.5] * 3)
    for log in logs:
        log.close()
    assert len(lines_in(tmp_path)) == 200 * 4 * 3
    assert len(list(tmp_path.iterdir())) == 1
