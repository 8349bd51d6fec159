"""The Markdown summary: complete, and no value breaks out of its cell."""

from __future__ import annotations

import re

import pytest

from gateline.contracts.verdict import Plot
from gateline.report import writing
from tests.gateline.report.examples import failing, passing

TABLE = Plot(
    title="candidate and champion",
    kind="table",
    rows=("roc_auc",),
    columns=("candidate", "champion"),
    cells=((0.91, 0.9),),
)


def _rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]


def test_a_row_a_rule_with_as_many_cells_as_the_header() -> None:
    rows = _rows(writing.markdown(failing()).split("\n**")[0])
    assert len(rows) == 2 + 4
    assert {row.replace(r"\|", "").count("|") for row in rows} == {8}


def test_a_table_of_the_verdict_is_a_table_of_the_summary() -> None:
    text = writing.markdown(passing().model_copy(update={"plots": (TABLE,)}))
    assert (
        "**candidate and champion**\n\n| | candidate | champion |\n|---|--:|--:|\n| roc\\_auc | 0.91 | 0.9 |\n" in text
    )


def test_outcome_and_both_numbers_are_there() -> None:
    text = writing.markdown(failing())
    assert text.startswith("## ✗ Benchmark: failed\n")
    assert "| 262.5 ms | 200 | 2,000 | p95 is 262.5 ms, above the limit 200 | profile the service |" in text
    assert "**Not judged:** rate" in text
    assert "## ✓ Benchmark: passed" in writing.markdown(passing())
    assert "Not judged" not in writing.markdown(passing())


def test_recorded_and_rehearsal_are_marked_in_the_heading() -> None:
    marked = passing().model_copy(update={"recorded": True, "rehearsal": True})
    assert writing.markdown(marked).splitlines()[0] == "## ✓ Benchmark: passed (rehearsal) (recorded)"


def test_hostile_text_stays_text() -> None:
    text = writing.markdown(failing())
    assert "<script" not in text.replace(r"\<script", "")
    assert "[y](" not in text.replace(r"\[y\](", "")
    assert writing.escape("a\nb | `c`") == r"a b \| \`c\`"


@pytest.mark.parametrize("text", ["https://evil.example", "www.evil.example", "@team", "$x$", "a\u202eb\x1b[2J\u200b"])
def test_no_link_mention_formula_or_hidden_sign(text: str) -> None:
    said = writing.escape(text)
    assert not re.search(r"(?<!\\)(://|@|\$|(?<=www)\.)|[\u202e\u200b\x1b]", said)
