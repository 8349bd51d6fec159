"""What rich writes for us: outside text does nothing, our own styles stay."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.table import Table
from rich.text import Text

from gateline.settings.terminal import Terminal

HOSTILE = "[red]x[/red] :warning: \x1b[2J\u202e"
SHOWN = "[red]x[/red] :warning: \\x1b[2J\\u202e"


def written(value: Any, **options: Any) -> str:
    console = Terminal(file=io.StringIO(), width=40, **options)
    console.print(value)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def table(*cells: str) -> Table:
    found = Table("name", "value", box=None)
    found.add_row(*cells)
    return found


@pytest.mark.parametrize("value", [HOSTILE, Text(HOSTILE), table(HOSTILE[:-5], "::error::")])
def test_nothing_is_obeyed(value: Any) -> None:
    said = written(value)
    assert "\x1b" not in said and "\u202e" not in said and "[red]x[/red] :warning:" in said


def test_our_styles_stay_on_a_terminal() -> None:
    said = written(Text.assemble(("done", "green"), HOSTILE), force_terminal=True, color_system="standard")
    assert said == f"\x1b[32mdone\x1b[0m{SHOWN}\n"


@pytest.mark.parametrize(
    "value",
    ["::error::x", " ::error::x", "a\n::error::x", Text("x" * 39 + " ::error::y"), Text.assemble((" ", "red"), "::error::x")],
)
def test_no_line_begins_with_a_command_even_where_rich_breaks_it(value: Any) -> None:
    said = written(value)
    assert "::error::" in said and not [line for line in said.splitlines() if line.strip().startswith("::")]


def test_what_looks_like_a_command_in_the_middle_stays() -> None:
    assert written(Text.assemble("tests/a.py", ("::test_x", "bold"))) == "tests/a.py::test_x\n"
