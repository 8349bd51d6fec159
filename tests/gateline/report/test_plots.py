"""Plots: SVG that stands in a page without scripts, with the page's colours."""

from __future__ import annotations

import math
import re
from typing import Literal
from xml.etree import ElementTree

import pytest

from gateline.contracts.verdict import Plot, Series
from gateline.report import plots
from tests.gateline.report.examples import HOSTILE
from tests.gateline.report.examples import plots as examples


def _line(*series: Series) -> Plot:
    return Plot(title="t", kind="line", series=series)


def _drawn(plot: Plot) -> str:
    drawing = plots.draw(plot, 1)
    assert drawing is not None
    return str(drawing)


def test_line_and_bar_are_drawn_and_matrices_are_left_to_the_page() -> None:
    assert [plots.draw(plot, 1) is None for plot in examples()] == [False, False, True, True]


def test_a_drawing_holds_no_script_and_no_fixed_colour() -> None:
    for plot in examples()[:2]:
        drawn = _drawn(plot)
        assert "script" not in drawn.replace(HOSTILE, "").replace("&lt;script", "").replace("&lt;/script", "")
        assert "var(--series-1)" in drawn
        assert not re.search(r"(fill|stroke|background-color):\s*(#|rgb|black|white)", drawn)


def test_bars_have_tooltips_with_label_and_value() -> None:
    plot = Plot(title="t", kind="bar", series=(Series(name="ms", x=("p50", "p95"), y=(3.5, 1262.0)),))
    assert re.findall(r"<title>(.*?)</title>", _drawn(plot)) == ["p50: 3.5", "p95: 1,262"]


@pytest.mark.parametrize("kind", ["bar", "line"])
def test_no_sign_of_a_name_steers_the_drawing(kind: Literal["bar", "line"]) -> None:
    names = ("late\u202e", "\x1b[2J", "a\x00b", "\u2028")
    series = Series(name="x\x07\u200f", x=names, y=(1.0, 2.0, 3.0, 4.0))
    drawn = _drawn(Plot(title="t", kind=kind, x_label="\x1b[1m", y_label="\u2066", series=(series,)))
    assert not re.search(r"[^\x20-\x7e\n]", drawn) and "late\\u202e" in drawn and "\\x1b[1m" in drawn
    ElementTree.fromstring(drawn)  # nosec B314


def test_numbers_along_x_are_placed_by_size_and_names_evenly() -> None:
    def steps(*x: float | str) -> list[float]:
        drawn = _drawn(_line(Series(name="a", x=x, y=(1.0, 2.0, 3.0))))
        places = [float(number) for number in re.findall(r'<circle cx="([\d.]+)"', drawn)]
        return [right - left for left, right in zip(places, places[1:], strict=False)]

    near, far = steps(0, 1, 10)
    assert math.isclose(far / near, 9, rel_tol=0.01)
    near, far = steps("0", "1", "10")
    assert math.isclose(far / near, 1, rel_tol=0.01)


def test_missing_and_infinite_values_are_gaps() -> None:
    drawn = _drawn(_line(Series(name="a", x=(1, 2, 3, 4), y=(1.0, None, math.inf, math.nan))))
    assert "nan" not in drawn and "inf" not in drawn


@pytest.mark.parametrize("x", [(1, 2, 3, 4, 5), ("a", "b", "c", "d", "e")])
def test_no_line_is_drawn_across_a_gap(x: tuple[float | str, ...]) -> None:
    whole = _drawn(_line(Series(name="a", x=x, y=(1.0, 2.0, 3.0, 4.0, 5.0))))
    broken = _drawn(_line(Series(name="a", x=x, y=(1.0, 2.0, None, 4.0, 5.0))))
    assert [drawn.count('class="line reactive') for drawn in (whole, broken)] == [1, 2]


def test_long_names_along_x_are_thinned_out_so_that_they_stand_apart() -> None:
    def labels(*x: str) -> int:
        drawn = _drawn(_line(Series(name="a", x=x, y=(1.0,) * len(x))))
        return sum(f">{name}</text>" in drawn for name in x)

    assert labels(*(f"{number:08x}" for number in range(30))) == 4
    assert labels(*(f"{number:02x}" for number in range(30))) == 6


def test_a_plot_without_data_is_not_drawn() -> None:
    assert plots.draw(_line(), 1) is None
    assert plots.draw(_line(Series(name="a", x=(), y=())), 1) is None


def test_more_series_than_colours_are_drawn_and_differ_by_dash_first() -> None:
    many = tuple(Series(name=f"s{number}", x=(1, 2), y=(1.0, float(number))) for number in range(9))
    assert len(set(re.findall(r'class="series serie-(\d+)', _drawn(_line(*many))))) == 9
    assert len({(plots.colour(place), plots.dashes(place)) for place in range(9)}) == 9


def test_shading_ignores_words_and_what_is_not_finite() -> None:
    plot = Plot(title="t", kind="heat", cells=((4.0, -2.0, math.nan, "–"),))
    assert [plots.shade(plot, cell) for cell in plot.cells[0]] == [60, 30, 0, 0]
