"""The page of a verdict: self-contained, escaped, in the promised order, and usable without colour."""

from __future__ import annotations

import re

import pytest

from gateline.contracts.verdict import Verdict, at_most, unknown
from gateline.report import page
from gateline.report.overview import Link
from tests.gateline.report.examples import HOSTILE, failing, passing
from tests.gateline.report.pages import Page


def test_a_page_is_well_formed() -> None:
    assert Page.read(page.verdict(failing())).unbalanced == []


def test_a_page_loads_nothing_and_runs_nothing() -> None:
    text = page.verdict(failing(), (Link("locust", "locust.html"),))
    read = Page.read(text)
    assert not {"script", "iframe", "img", "object"} & {tag for tag, _ in read.tags}
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import|\son\w+=", text.replace(HOSTILE, ""))
    local = {"#content", "../index.html", "verdict.json", "summary.md", "locust.html", "data:,"}
    assert set(read.attributes("href")) == local
    assert read.attributes("src") == []


def test_every_value_is_shown_as_it_is() -> None:
    said = Page.read(page.verdict(failing())).said()
    # subject, observed, reason, next step and headline; the note; metric, digest and its name; plots
    assert sum(text == HOSTILE for text in said) >= 10


def test_sections_stand_in_the_promised_order() -> None:
    headings = Page.read(page.verdict(failing())).said("h2")
    assert headings == ["Notes", "Rules", "Not judged", "Metrics", "Plots", "What was judged"]


@pytest.mark.parametrize(
    ("verdict", "word"),
    [
        (passing(), "Passed"),
        (failing(), "Failed"),
        (Verdict.of("canary", [unknown("traffic", "no traffic")]), "Inconclusive"),
    ],
)
def test_the_outcome_comes_first_as_a_word(verdict: Verdict, word: str) -> None:
    said = Page.read(page.verdict(verdict)).said()
    assert word in said
    assert said.index(word) < said.index("Rules")


def test_a_rule_shows_both_numbers_unit_sample_reason_and_next_step() -> None:
    said = Page.read(page.verdict(failing())).said()
    start = said.index("p95")
    row = ["failed", "262.5", "200", "ms", "2,000", "p95 is 262.5 ms, above the limit 200", "profile the service"]
    assert [text for text in said[start:] if text in row][: len(row)] == row


def test_a_required_silent_rule_says_that_it_holds_the_pipeline() -> None:
    text = page.verdict(failing())
    assert "Required: this holds the pipeline." in text
    optional = Verdict.of("x", [at_most("a", 1, 2), unknown("b", "no data")])
    assert "Required: this holds the pipeline." not in page.verdict(optional)


def test_recorded_and_rehearsal_are_marked() -> None:
    plain = Page.read(page.verdict(passing())).said()
    marked = passing().model_copy(update={"recorded": True, "rehearsal": True})
    said = Page.read(page.verdict(marked)).said()
    assert {"recorded", "rehearsal"} <= set(said)
    assert not {"recorded", "rehearsal"} & set(plain)


def test_an_empty_verdict_has_a_page() -> None:
    said = Page.read(page.verdict(Verdict.of("drift", ()))).said()
    assert "No rule ran." in said
    assert "no rule judged anything" in said
    assert "Plots" not in said


def test_a_table_that_scrolls_can_be_reached_by_keyboard() -> None:
    regions = [found for tag, found in Page.read(page.verdict(failing())).tags if found.get("class") == "scroll"]
    assert len(regions) == 2
    assert all(found["tabindex"] == "0" and found["aria-label"] for found in regions)


def test_a_heat_map_shades_by_size() -> None:
    shares = re.findall(r"--share: (\d+)%", page.verdict(failing()))
    assert shares == ["60", "7", "0", "0"]


def test_lines_have_a_legend_and_a_single_series_has_none() -> None:
    legends = [found for _, found in Page.read(page.verdict(failing())).tags if found.get("class") == "legend"]
    assert len(legends) == 1
