"""The terminal's summary: short, and with everything that someone must act on."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from rich.console import Console

from gateline.contracts.verdict import Verdict, unknown
from gateline.report import writing
from tests.gateline.report.examples import failing, passing

PAGE = Path("reports/benchmark/index.html")


def _shown(verdict: Verdict) -> list[str]:
    return [line.plain for line in writing.lines(verdict, PAGE)]


def test_a_pass_is_two_lines() -> None:
    assert _shown(passing()) == [
        "✓ Benchmark: passed (1 of 1 rule judged)",
        "  page: reports/benchmark/index.html",
    ]


def test_each_failed_and_unjudged_rule_has_reason_and_next_step() -> None:
    shown = _shown(failing())
    assert shown[0] == "✗ Benchmark: failed (3 of 4 rules judged)"
    at = shown.index("  ✗ p95 failed: p95 is 262.5 ms, above the limit 200")
    assert shown[at + 1] == "      next: profile the service"
    at = shown.index("  ? rate not judged, required: no intended rate")
    assert shown[at + 1] == "      next: set load.rate"
    assert not any("range" in line for line in shown)


def test_what_is_said_of_many_subjects_in_the_same_words_is_said_once() -> None:
    few = [
        unknown("drift.column", "1 row, at least 500 are needed", subject=name, next_step="wait") for name in "abcde"
    ]
    other = unknown("drift.column", "no reference", subject="f")
    shown = _shown(Verdict.of("drift", [few[0], other, *few[1:]]))
    assert shown[1:-1] == [
        "  ? drift.column (a, b, c and 2 more) not judged: 1 row, at least 500 are needed",
        "      next: wait",
        "  ? drift.column (f) not judged: no reference",
    ]


def test_recorded_and_rehearsal_are_marked() -> None:
    marked = passing().model_copy(update={"recorded": True, "rehearsal": True})
    assert _shown(marked)[0] == "✓ Benchmark: passed [rehearsal] [recorded] (1 of 1 rule judged)"


def test_the_outcome_is_coloured_on_a_terminal_and_markup_in_values_is_not_read() -> None:
    stream = StringIO()
    writing.show(failing(), PAGE, Console(file=stream, force_terminal=True, color_system="standard", width=60))
    assert "\x1b[1;31m✗ Benchmark: failed" in stream.getvalue()
    assert "[y](http://evil.example)" in stream.getvalue()


def test_lines_are_not_cut_or_wrapped_where_the_output_is_a_file() -> None:
    stream = StringIO()
    writing.show(failing(), PAGE, Console(file=stream, width=20))
    assert stream.getvalue().splitlines()[0] == "✗ Benchmark: failed (3 of 4 rules judged)"
