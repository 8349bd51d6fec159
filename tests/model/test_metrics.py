"""The example's own metric."""

from __future__ import annotations

import numpy as np
import pytest

from model.metrics import late_precision


@pytest.mark.parametrize(
    ("true", "called", "share"),
    [([1, 0, 1, 0], [1, 1, 0, 0], 0.5), ([1, 1], [1, 1], 1.0), ([0, 0], [1, 1], 0.0), ([1, 1], [0, 0], 0.0)],
)
def test_it_is_the_share_of_flights_called_late_that_were(true: list[int], called: list[int], share: float) -> None:
    assert late_precision(np.array(true), np.array(called), np.zeros(len(true))) == share
