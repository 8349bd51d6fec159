"""Progress is told step by step."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from rich.console import Console

from training.run import Steps


def test_each_step_ends_in_a_numbered_line_with_its_time() -> None:
    out = StringIO()
    steps = Steps(2, Console(file=out))
    for text in ("read", "fit"):
        with steps.step(text):
            pass
    assert re.fullmatch(r"\[1/2\] read: 0\.\d s\n\[2/2\] fit: 0\.\d s\n", out.getvalue())


@pytest.mark.parametrize(("expected", "told"), [(12.0, True), (3.0, False)])
def test_a_step_that_was_long_last_time_says_how_long(expected: float, told: bool) -> None:
    out = StringIO()
    with Steps(1, Console(file=out)).step("fit", expected):
        assert ("of about 12 s, as last time" in out.getvalue()) == told


def test_a_terminal_shows_a_running_clock() -> None:
    out = StringIO()
    with Steps(1, Console(file=out, force_terminal=True, width=100)).step("fit", 12.0):
        pass
    assert "0:00:0" in out.getvalue() and "of about 12 s, as last time" in out.getvalue()


def test_a_step_that_fails_is_not_called_done() -> None:
    out = StringIO()
    with pytest.raises(ValueError), Steps(1, Console(file=out)).step("fit"):
        raise ValueError
    assert out.getvalue() == ""
