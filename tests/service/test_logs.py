"""The log of a service: text or JSON, from a level on, a line for an answer where that is wanted, and no value of a row."""

from __future__ import annotations

import json
import re
import logging
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateline.contracts.release import Release
from gateline.settings import Service
from gateline.settings.errors import UsageError
from service.logs import ABOUT, AccessLog, JsonLines, Lines, level_of
from tests.service import bundles, processes
from tests.service.bundles import ROW


def record(message: str, level: int = logging.INFO, **about: Any) -> logging.LogRecord:
    made = logging.LogRecord("service.test", level, __file__, 1, message, (), None)
    made.__dict__[ABOUT] = about
    return made


def failed() -> logging.LogRecord:
    try:
        raise ValueError("no\nsuch\x1b[31m row")
    except ValueError:
        return logging.LogRecord("service.test", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())


def test_text_is_lines_for_people() -> None:
    assert Lines().format(record("one", status=200, ms=1.5)).endswith("INFO service.test: one status=200 ms=1.5")
    assert Lines().format(record("two")).endswith("INFO service.test: two")
    first, *others = Lines().format(failed()).splitlines()
    assert first.endswith("ERROR service.test: failed") and "Traceback" in others[0]
    assert all(line.startswith("  ") for line in others) and "\x1b" not in "".join(others)


def test_json_is_one_object_a_line() -> None:
    read = json.loads(JsonLines().format(record("one\x1b[31m\nline", status=200, ms=1.5)))
    assert datetime.fromisoformat(read.pop("time")).tzinfo is not None
    told = {"level": "info", "logger": "service.test", "message": "one\x1b[31m\nline", "status": 200, "ms": 1.5}
    assert read == told
    line = JsonLines().format(record("one\x1b[31m\nline"))
    assert "\n" not in line and "\x1b" not in line and json.loads(line)["message"] == "one\x1b[31m\nline"
    line = JsonLines().format(failed())
    assert "\n" not in line and "\x1b" not in line
    assert json.loads(line)["trace"].startswith("Traceback") and "no\nsuch" in json.loads(line)["trace"]


def test_no_format_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATELINE_REDIS_URL", "redis://:swordfish-9@cache:6379/0")
    for formatter in (Lines(), JsonLines()):
        line = formatter.format(record("AUTH swordfish-9 of redis://:swordfish-9@cache"))
        assert "swordfish" not in line and "***" in line


@pytest.mark.parametrize(
    ("given", "level"),
    [("", logging.INFO), ("debug", logging.DEBUG), ("WARNING", logging.WARNING), ("Error", logging.ERROR)],
)
def test_the_level_comes_from_the_environment(given: str, level: int) -> None:
    assert level_of({"GATELINE_LOG_LEVEL": given}) == level
    assert level_of({}) == logging.INFO


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="GATELINE_LOG_LEVEL is 'warn'; did you mean 'warning'.*allowed: debug, info"):
        level_of({"GATELINE_LOG_LEVEL": "warn"})


ANSWERS = {200: logging.DEBUG, 422: logging.INFO, 503: logging.INFO, 500: logging.WARNING}


@pytest.mark.parametrize("least", [logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR])
def test_answers_are_logged_by_their_status(caplog: pytest.LogCaptureFixture, least: int) -> None:
    with caplog.at_level(least, "service.access"):
        access = AccessLog("0123456789abcdef")
        for status in ANSWERS:
            access.answered("POST /predict", "order-1", status, 0.0012344)
    logged = [getattr(each, ABOUT) for each in caplog.records]
    assert [about["status"] for about in logged] == [status for status, level in ANSWERS.items() if level >= least]
    for about in logged:
        assert about == {"status": about["status"], "ms": 1.234, "request_id": "order-1", "release": "0123456789ab"}


def lines(service: processes.Service) -> list[str]:
    return service.errors.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_process_logs_each_answer_at_debug_and_no_value(tmp_path: Path, form: str) -> None:
    settings = Service.model_validate({"log_format": form})
    release = bundles.write(tmp_path / "b", bundles.Recipe(service=settings))
    with processes.service(tmp_path / "b", tmp_path, GATELINE_LOG_LEVEL="debug") as service:
        service.wait_for("/health/ready")
        named = {"X-Request-ID": "order-4711"}
        assert service.client.post("/predict", json={"features": ROW}, headers=named).status_code == 200
        assert service.client.post("/predict", json={"features": ["JFK"]}).status_code == 422
        found = lines(service)
    assert not any("JFK" in line or re.search(r"(?<![\d:.])12\.5(?!\d)(?! ms)", line) for line in found)  # no time of day
    about = [line for line in found if "service.access" in line]
    assert len(about) == 2 and "order-4711" in about[0] and release.digest[:12] in about[0]
    if form == "json":
        read = [json.loads(line) for line in found]
        assert {"time", "level", "logger", "message"} <= set.intersection(*map(set, read))
        answers = [line for line in read if line["logger"] == "service.access"]
        assert [(line["status"], line["level"]) for line in answers] == [(200, "debug"), (422, "info")]
        assert all(0 < line["ms"] < 10_000 for line in answers)


def test_a_process_logs_no_good_answer_unless_told_to(bundle: Path, tmp_path: Path) -> None:
    with processes.service(bundle, tmp_path) as service:
        service.wait_for("/health/ready")
        assert service.client.post("/predict", json={"features": ROW}).status_code == 200
        found = lines(service)
    assert any("listens on" in line for line in found) and not any("service.access" in line for line in found)


def test_a_process_with_a_level_that_is_none_does_not_start(bundle: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "service", "--bundle", str(bundle)],
        env={"PATH": "", "GATELINE_LOG_LEVEL": "loud"}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 2 and "GATELINE_LOG_LEVEL is 'loud'" in ended.stderr


def test_a_release_that_keeps_the_usual_format_has_the_digest_it_had(release: Release) -> None:
    assert not {"log_format", "open_metrics"} & set(Service().model_dump(mode="json"))
    changed = Service(log_format="json", open_metrics=False)
    assert changed.model_dump(mode="json").items() >= {"log_format": "json", "open_metrics": False}.items()
    assert Service.model_validate_json(changed.model_dump_json()) == changed
