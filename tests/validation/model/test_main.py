"""The table for a pull request."""

from __future__ import annotations

from gateline.contracts.verdict import Outcome, Plot, Rule, Verdict
from validation.model.__main__ import markdown


def verdict(*plots: Plot) -> Verdict:
    return Verdict.of("validate_model", [Rule(name="digest", outcome=Outcome.FAIL, reason="x")], plots=plots)


def test_a_table_is_written_as_markdown() -> None:
    plot = Plot(title="M", kind="table", rows=("f1",), columns=("candidate", "limit"), cells=((0.123456789, "≥ 0.1"),))
    assert (
        markdown(verdict(plot)) == "| metric | candidate | limit |\n| --- | ---: | ---: |\n| f1 | 0.123457 | ≥ 0.1 |\n"
    )


def test_a_verdict_without_metrics_says_so() -> None:
    assert markdown(verdict()) == "No metrics: the verdict is fail.\n"
