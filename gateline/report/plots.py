"""Plots of a verdict: SVG by pygal for lines and bars, HTML tables for matrices; colours are CSS variables of the page."""

import math
from typing import Any

from markupsafe import Markup

from gateline.contracts.verdict import Plot
from gateline.report.words import number
from gateline.settings.shown import one_line

PALETTE = tuple(f"var(--series-{place})" for place in range(1, 7))
DASHES = ("none", "7,4", "2,4", "10,3,2,3")
AXIS_LETTERS = 36
"""So many stand side by side along an axis, with space between the labels."""


def draw(plot: Plot, place: int) -> Markup | None:
    """Return the inline SVG of a line or bar plot; None for `heat` and `table`, which the page lays out as tables."""
    if plot.kind in ("heat", "table") or not any(series.y for series in plot.series):
        return None
    import pygal

    chart = _chart(plot)
    chart.uuid = f"plot-{place}"
    for index, series in enumerate(plot.series):
        # a value that is not finite leaves a gap, as a missing one does
        values: list[Any] = [y if y is not None and math.isfinite(y) else None for y in series.y]
        if isinstance(chart, pygal.XY):
            values = list(zip(series.x, values, strict=True))
        dash = dashes(index) if plot.kind == "line" else "none"
        chart.add(one_line(series.name), values, stroke_style={"dasharray": dash})
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


def _chart(plot: Plot) -> Any:
    import pygal

    config = _config(plot)
    config.show_dots = all(len(series.x) <= 40 for series in plot.series)
    if plot.kind == "line" and all(isinstance(x, int | float) for series in plot.series for x in series.x):
        return pygal.XY(config)
    # names of classes and categories come with the rows: nothing of them may end the drawing, or turn its text round
    labels = [one_line(str(x)) for x in max((series.x for series in plot.series), key=len)]
    if plot.kind == "bar":
        return pygal.Bar(config, x_labels=labels, x_label_rotation=30 if len(labels) > 8 else 0, zero=0)
    fitting = max(2, AXIS_LETTERS // max(map(len, labels), default=1))
    return pygal.Line(config, x_labels=labels, x_labels_major_count=min(6, fitting), show_minor_x_labels=False)


def _config(plot: Plot) -> Any:
    """No script, no font from the net, sizes that stay readable when the drawing shrinks to a phone's width."""
    import pygal

    return pygal.Config(
        js=[],
        width=440,
        height=280,
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
        **dict.fromkeys(("background", "plot_background", "value_background"), "transparent"),
        **dict.fromkeys(("foreground_subtle", "guide_stroke_color", "major_guide_stroke_color"), "var(--line)"),
        **dict.fromkeys(("guide_stroke_dasharray", "major_guide_stroke_dasharray"), "none"),
        **dict.fromkeys(("label_font_size", "major_label_font_size", "title_font_size"), 13),
        foreground="var(--ink-soft)",
        foreground_strong="var(--ink)",
        font_family="inherit",
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
            title = parent.makeelement("title", {})
            title.text = ": ".join(reversed(said))
            parent.append(title)
    root.set("aria-hidden", "true")
    return root
