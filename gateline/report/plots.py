"""Plots of a verdict: SVG by pygal for lines and bars, HTML tables for matrices; colours are CSS variables of the page."""

from __future__ import annotations

import math
from typing import Any

from markupsafe import Markup

from gateline.contracts.verdict import Plot, Series
from gateline.report.words import number
from gateline.settings.shown import one_line

PALETTE = tuple(f"var(--series-{place})" for place in range(1, 7))
DASHES = ("none", "7,4", "2,4", "10,3,2,3")
WIDTH, HEIGHT = 440, 280
AXIS_LETTERS = 36
"""So many stand side by side along an axis, with space between the labels."""


def draw(plot: Plot, place: int) -> Markup | None:
    """Return the inline SVG of a line or bar plot; None for `heat` and `table`, which the page lays out as tables."""
    if plot.kind in ("heat", "table") or not any(series.y for series in plot.series):
        return None
    chart = _bars(plot) if plot.kind == "bar" else _lines(plot)
    chart.uuid = f"plot-{place}"
    for index, series in enumerate(plot.series):
        chart.add(one_line(series.name), _values(series, isinstance(chart, _xy())), stroke_style=_stroke(plot, index))
    chart.add_xml_filter(_for_the_page)
    return Markup(chart.render(is_unicode=True))  # nosec B704: pygal escapes what it draws


def dashes(place: int) -> str:
    """Return the dash pattern of the series at a place: lines differ by more than their colour."""
    return DASHES[place % len(DASHES)]


def colour(place: int) -> str:
    """Return the CSS colour of the series at a place."""
    return PALETTE[place % len(PALETTE)]


def shade(plot: Plot, cell: float | str) -> int:
    """Return how strongly a cell is coloured, 0 to 60 percent, by its size among the numbers of the matrix."""
    largest = max((_size(value) for row in plot.cells for value in row), default=0.0)
    return round(60 * _size(cell) / largest) if largest else 0


def _size(cell: float | str) -> float:
    return 0.0 if isinstance(cell, str) or not math.isfinite(cell) else abs(cell)


def _lines(plot: Plot) -> Any:
    import pygal

    numeric = all(isinstance(x, int | float) for series in plot.series for x in series.x)
    many = any(len(series.x) > 40 for series in plot.series)
    if numeric:
        return pygal.XY(_config(plot), show_dots=not many)
    labels = _labels(plot)
    fitting = max(2, AXIS_LETTERS // max(map(len, labels), default=1))
    return pygal.Line(
        _config(plot),
        x_labels=labels,
        x_labels_major_count=min(6, fitting),
        show_minor_x_labels=False,
        show_dots=not many,
    )


def _bars(plot: Plot) -> Any:
    import pygal

    labels = _labels(plot)
    return pygal.Bar(_config(plot), x_labels=labels, x_label_rotation=30 if len(labels) > 8 else 0, zero=0)


def _labels(plot: Plot) -> list[str]:
    """Names of classes and categories come with the rows: nothing of them may end the drawing, or turn its text round."""
    return [one_line(str(x)) for x in max((series.x for series in plot.series), key=len)]


def _values(series: Series, with_x: bool) -> list[Any]:
    """A value that is not finite leaves a gap, as a missing one does."""
    finite = [y if y is not None and math.isfinite(y) else None for y in series.y]
    return list(zip(series.x, finite, strict=True)) if with_x else list(finite)


def _stroke(plot: Plot, place: int) -> dict[str, str]:
    return {"dasharray": dashes(place) if plot.kind == "line" else "none"}


def _xy() -> type:
    import pygal

    return pygal.XY  # type: ignore[no-any-return]


def _config(plot: Plot) -> Any:
    """No script, no font from the net, sizes that stay readable when the drawing shrinks to a phone's width."""
    import pygal

    return pygal.Config(
        js=[],
        width=WIDTH,
        height=HEIGHT,
        style=_style(len(plot.series)),
        x_title=one_line(plot.x_label) or None,
        y_title=one_line(plot.y_label) or None,
        value_formatter=number,
        x_value_formatter=number,
        show_legend=False,
        truncate_label=16,
        margin=8,
        margin_right=28,
        spacing=8,
        dots_size=2.5,
        show_x_guides=False,
        disable_xml_declaration=True,
        no_data_text="no data",
        allow_interruptions=True,
    )


def _style(series: int) -> Any:
    from pygal.style import Style

    repeated = PALETTE * (series // len(PALETTE) + 1)
    return Style(
        background="transparent",
        plot_background="transparent",
        value_background="transparent",
        foreground="var(--ink-soft)",
        foreground_strong="var(--ink)",
        foreground_subtle="var(--line)",
        guide_stroke_color="var(--line)",
        major_guide_stroke_color="var(--line)",
        guide_stroke_dasharray="none",
        major_guide_stroke_dasharray="none",
        font_family="inherit",
        label_font_size=13,
        major_label_font_size=13,
        title_font_size=13,
        no_data_font_size=16,
        stroke_width="2",
        opacity=".85",
        stroke_opacity="1",
        colors=repeated,
        value_colors=("var(--ink)",) * len(repeated),
    )


def _for_the_page(root: Any) -> Any:
    """Take out scripts, comments and titles that repeat the heading; turn what pygal keeps for its script into tooltips."""
    for parent in list(root.iter()):
        said = [child.text or "" for child in parent if child.get("class") in ("x_label", "value")]
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag.rpartition("}")[2] in ("script", "title", "desc"):
                parent.remove(child)
        if said:
            parent.append(_tooltip(parent, ": ".join(reversed(said))))
    root.set("aria-hidden", "true")
    return root


def _tooltip(parent: Any, text: str) -> Any:
    title = parent.makeelement("title", {})
    title.text = text
    return title
