"""A program gets the variables it is given and no others, may take so long, and what it said is told by its last lines."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gateline.contracts.programs import SILENT, TooSlow, run


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_it_gets_its_input_its_folder_and_no_other_variables(tmp_path: Path) -> None:
    code = "import os, sys; print(sys.stdin.read(), os.getcwd(), sorted(os.environ.items() - {('LC_CTYPE', 'C.UTF-8')}))"
    done = run(python(code), {"A": "1"}, folder=tmp_path, given="told")
    assert (done.code, done.output.split()) == (0, ["told", str(tmp_path), "[('A',", "'1')]"])


def test_errors_are_told_before_output_and_silence_is_said() -> None:
    both = run(python("import sys; print('out'); print('one\\n\\ntwo', file=sys.stderr); sys.exit(3)"), {})
    assert (both.code, both.said(), both.tail(1)) == (3, ["one", "two"], "  two")
    assert run(python("print('out')"), {}).said() == ["out"]
    assert run(python(""), {}).said() == [SILENT]


def test_what_takes_too_long_is_ended_and_named() -> None:
    with pytest.raises(TooSlow, match=r"did not end within 0 s"):
        run(python("import time; time.sleep(60)"), {}, seconds=0.2)


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert run(python(r"import sys; sys.stdout.buffer.write(b'a\xff')"), {}).output == "a\ufffd"
