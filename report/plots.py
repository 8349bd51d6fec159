"""Plots of a verdict: SVG by pygal for lines and bars, HTML tables for matrices; colours are CSS variables of the page."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from contracts.plot import Plot, Series

PALETTE = tuple(f"var(--series-{number})" for number in range(1, 7))
WIDTH, HEIGHT = 560, 340
SVG = "{http://www.w3.org/2000/svg}"


def draw(plot: Plot, number: int) -> Markup | None:
    """Return the inline SVG of a line or bar plot; None for `heat` and `table`, which the page lays out as tables."""
    if plot.kind in ("heat", "table") or not any(series.y for series in plot.series):
        return None
    chart = _bars(plot) if plot.kind == "bar" else _lines(plot)
    chart.uuid = f"plot-{number}"
    for series in plot.series:
        chart.add(series.name, _values(series, isinstance(chart, _xy())))
    chart.add_xml_filter(_for_the_page)
    return Markup(chart.render(is_unicode=True))


def shade(plot: Plot, cell: float | str) -> int:
    """Return how strongly a cell is coloured, 0 to 60 percent, by its size among the numbers of the matrix."""
    sizes = [abs(value) for row in plot.cells for value in row if not isinstance(value, str)]
    largest = max(sizes, default=0)
    return 0 if isinstance(cell, str) or not largest else round(60 * abs(cell) / largest)


def _lines(plot: Plot) -> Any:
    import pygal

    numeric = all(isinstance(x, int | float) for series in plot.series for x in series.x)
    many = any(len(series.x) > 40 for series in plot.series)
    if numeric:
        return pygal.XY(_config(plot), show_dots=not many)
    labels = [str(x) for x in max((series.x for series in plot.series), key=len)]
    return pygal.Line(
        _config(plot), x_labels=labels, x_labels_major_count=6, show_minor_x_labels=False, show_dots=not many
    )


def _bars(plot: Plot) -> Any:
    import pygal

    labels = [str(x) for x in max((series.x for series in plot.series), key=len)]
    return pygal.Bar(_config(plot), x_labels=labels, x_label_rotation=30 if len(labels) > 8 else 0, zero=0)


def _values(series: Series, with_x: bool) -> list[Any]:
    return list(zip(series.x, series.y, strict=True)) if with_x else list(series.y)


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
        x_title=plot.x_label or None,
        y_title=plot.y_label or None,
        show_legend=len(plot.series) > 1,
        legend_at_bottom=True,
        legend_at_bottom_columns=3,
        legend_box_size=12,
        truncate_legend=-1,
        truncate_label=16,
        margin=8,
        spacing=8,
        dots_size=2.5,
        show_x_guides=False,
        disable_xml_declaration=True,
        no_data_text="no data",
    )


def _style(series: int) -> Any:
    from pygal.style import Style

    repeated = PALETTE * (series // len(PALETTE) + 1)
    return Style(
        background="transparent",
        plot_background="transparent",
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
        legend_font_size=13,
        no_data_font_size=16,
        stroke_width="2",
        opacity=".85",
        stroke_opacity="1",
        colors=repeated,
        value_colors=("var(--ink)",) * len(repeated),
    )


def _for_the_page(root: Any) -> Any:
    """Take out scripts, comments and the title that would repeat the heading; turn pygal's data into native tooltips."""
    for parent in list(root.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag in ("script", f"{SVG}script", "title", f"{SVG}title"):
                parent.remove(child)
    root.set("role", "img")
    return root
