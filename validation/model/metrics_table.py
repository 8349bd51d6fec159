"""The metrics of a verdict as a Markdown table, to paste into a pull request."""

from __future__ import annotations

from gateline.contracts.verdict import Plot, Verdict


def markdown(verdict: Verdict) -> str:
    """Return the verdict's first table in Markdown, or a line that there is none."""
    tables = [plot for plot in verdict.plots if plot.kind == "table"]
    if not tables:
        return f"No metrics: the verdict is {verdict.outcome}.\n"
    return _table(tables[0])


def _table(plot: Plot) -> str:
    head = ["metric", *plot.columns]
    lines = [head, ["---", *("---:" for _ in plot.columns)]]
    lines += [[name, *map(_cell, cells)] for name, cells in zip(plot.rows, plot.cells, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
