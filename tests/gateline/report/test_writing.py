"""Writing a verdict: three files, the overview, the CI summary, the terminal; whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.contracts.verdict import Verdict
from gateline.report import refresh, write
from tests.gateline.report.examples import failing, passing
from tests.gateline.report.pages import Page


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def test_the_verdict_is_read_back_as_it_was(tmp_path: Path) -> None:
    verdict = failing()
    page = write(verdict, tmp_path / "reports")
    assert page == tmp_path / "reports" / "benchmark" / "index.html"
    assert Verdict.model_validate_json((page.parent / "verdict.json").read_bytes()) == verdict
    assert sorted(path.name for path in page.parent.iterdir()) == ["index.html", "summary.md", "verdict.json"]


def test_the_overview_links_every_stage_with_outcome_time_and_reason(tmp_path: Path) -> None:
    write(failing(), tmp_path)
    write(passing("validate_data").model_copy(update={"created": "2013-06-01T10:00:00+00:00"}), tmp_path)
    read = Page.read(tmp_path / "index.html")
    assert read.unbalanced == []
    assert read.attributes("href")[-2:] == ["validate_data/index.html", "benchmark/index.html"]
    said = read.said()[read.said().index("Stages, in order") :]
    row = ["Validate data", "passed", "2013-06-01 10:00:00 UTC", "1 rule passed", "Benchmark", "failed"]
    assert [text for text in said if text in row] == row


def test_a_later_verdict_replaces_the_earlier(tmp_path: Path) -> None:
    write(failing(), tmp_path)
    page = write(passing(), tmp_path)
    assert "Passed" in Page.read(page).said()
    assert "failed" not in Page.read(tmp_path / "index.html").said()


def test_the_ci_summary_is_appended_where_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "summary"
    target.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(target))
    page = write(failing(), tmp_path)
    write(passing("validate_data"), tmp_path)
    text = target.read_text()
    assert text.startswith("before\n" + (page.parent / "summary.md").read_text())
    assert "## ✓ Validate data: passed" in text


def test_a_folder_that_cannot_be_written_is_an_error_and_changes_nothing(tmp_path: Path) -> None:
    write(passing("validate_data"), tmp_path)
    overview = (tmp_path / "index.html").read_bytes()
    (tmp_path / "benchmark").write_text("a file where the folder should be")
    with pytest.raises(OSError):
        write(failing(), tmp_path)
    assert (tmp_path / "index.html").read_bytes() == overview
    assert sorted(path.name for path in tmp_path.iterdir()) == ["benchmark", "index.html", "validate_data"]


def test_the_terminal_says_where_the_page_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = write(passing(), tmp_path)
    assert f"page: {page}" in capsys.readouterr().out


def test_refresh_finds_what_other_tools_left_since(tmp_path: Path) -> None:
    write(passing(), tmp_path)
    (tmp_path / "benchmark" / "locust.html").write_text("x")
    assert "benchmark/locust.html" in Page.read(refresh(tmp_path)).attributes("href")
