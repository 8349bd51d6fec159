"""The overview: every stage that left something, in the order of the line."""

from __future__ import annotations

from pathlib import Path

from gateline.contracts.git import Sources
from gateline.report import overview, page
from gateline.report.line import line
from tests.gateline.report.examples import failing, passing
from tests.gateline.report.pages import Page


def _leave(folder: Path, name: str, text: str = "x") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def test_stages_stand_in_the_order_of_the_pipeline_and_unknown_ones_last(tmp_path: Path) -> None:
    for stage in ("canary", "zebra", "validate_data", "benchmark"):
        _leave(tmp_path, f"{stage}/verdict.json", passing(stage).model_dump_json())
    assert [entry.stage for entry in overview.entries(tmp_path)] == ["validate_data", "benchmark", "canary", "zebra"]


def test_reports_of_other_tools_are_linked(tmp_path: Path) -> None:
    _leave(tmp_path, "benchmark/locust run.html")
    _leave(tmp_path, "benchmark/index.html")
    _leave(tmp_path, "test/coverage/index.html")
    benchmark, tests = overview.entries(tmp_path)[::-1]
    assert [(link.text, link.href) for link in benchmark.extras] == [("locust run", "benchmark/locust%20run.html")]
    assert [(link.text, link.href) for link in tests.extras] == [("coverage", "test/coverage/index.html")]
    assert (benchmark.page, tests.page) == ("benchmark/index.html", "")


def test_a_verdict_that_cannot_be_read_is_said_so_and_stops_nothing(tmp_path: Path) -> None:
    _leave(tmp_path, "benchmark/verdict.json", '{"stage": "benchmark"}')
    _leave(tmp_path, "benchmark/index.html")
    _leave(tmp_path, "canary/verdict.json", failing().model_dump_json())
    said = Page.read(page.line(line(tmp_path, Sources(), ""))).said()
    assert "no record of how it ended" in said
    assert "failed" in said


def test_folders_that_hold_nothing_to_show_are_left_out(tmp_path: Path) -> None:
    _leave(tmp_path, "security/findings.sarif")
    _leave(tmp_path, "releases/ab.html")
    assert overview.entries(tmp_path) == []
    assert overview.entries(tmp_path / "nowhere") == []
