"""The menus are read whole, and what no command runs is named."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.template.command import Command, Place
from tests.template.copies import COPIES
from tests.template.menu import listed, never_run

ROOT = Path(__file__).parents[2]
OURS = {"nox acceptance", "nox template", "nox pictures"}
"""Sessions that no copy has."""


def test_the_plan_of_a_copy_runs_everything_that_the_menus_list() -> None:
    menu = listed(Place("here", ROOT, Path(sys.executable).parent, ROOT / "unused.log"))
    assert {"nox lint", "nox tour", "nox drift", "invoke report", "invoke new"} <= set(menu)
    (plain,) = [copy for copy in COPIES if copy.plainly]
    assert set(never_run(menu, plain.plan)) == OURS


def test_a_refusal_alone_is_no_run() -> None:
    assert never_run(["nox train", "invoke build"], [Command("nox -s lint train"), Command("invoke build", 2)]) == [
        "invoke build"
    ]
