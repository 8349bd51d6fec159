"""Of many rows, some are looked at, evenly spread; and sums over batches are those over all rows."""

from __future__ import annotations

import numpy as np
import pytest

from validation.data.facts.target import MOST_ROWS, Line, Moments, Sample, _line, _moments


@pytest.mark.parametrize("sizes", [[10, 20, 30], [70_000] * 5, [999] * 700])
def test_a_sample_takes_every_so_many_rows(sizes: list[int]) -> None:
    sample, start = Sample(), 0
    for size in sizes:
        sample.add(np.arange(size), lambda kept, start=start: {"": kept + start})
        start += size
    kept = np.concatenate([part[""] for part in sample.parts])
    assert kept.tolist() == list(range(0, start, sample.step))
    assert len(kept) <= MOST_ROWS and (sample.step == 1 or len(kept) > MOST_ROWS // 2 - 1)


def test_moments_of_batches_are_those_of_all_rows() -> None:
    draws = np.random.default_rng(3)
    x, codes, y = draws.normal(1e6, 3, (4, 5000)), draws.integers(0, 3, 5000), draws.normal(size=5000)
    there = (draws.random((4, 5000)) < 0.9).astype(float)
    x = x * there
    y[::7] = np.nan
    total, line = None, None
    for start in range(0, 5000, 700):
        some = slice(start, start + 700)
        moments = _moments(x[:, some], there[:, some], codes[some], 3)
        part = _line(x[:, some], there[:, some], y[some])
        if total is None or line is None:
            total, line = moments, part
            continue
        total.add(moments)
        line.add(part)
    assert isinstance(total, Moments) and isinstance(line, Line)
    for column in range(4):
        for code in range(3):
            values = x[column, (there[column] > 0) & (codes == code)]
            assert total.count[column, code] == len(values)
            assert total.mean[column, code] == pytest.approx(values.mean())
            assert total.spread[column, code] == pytest.approx(((values - values.mean()) ** 2).sum())
        both = (there[column] > 0) & ~np.isnan(y)
        wanted = np.corrcoef(x[column, both], y[both])[0, 1] ** 2
        assert line.xy[column] ** 2 / (line.xx[column] * line.yy[column]) == pytest.approx(wanted, abs=1e-9)
