"""Rule `code`."""

from __future__ import annotations

from pathlib import Path

from infra.scan import code
from tests.infra.scan.projects import subject, write

SHELL = "import subprocess\n\n\ndef run(text: str) -> None:\n    subprocess.run(text, shell=True)\n"


def test_clean_code_passes(root: Path) -> None:
    scan = code.scan(subject(root))
    assert (scan.looked_at, scan.findings, scan.gaps) == (1, (), ())


def test_a_shell_is_found_by_place(root: Path) -> None:
    write(root, "room/shell.py", SHELL)
    (finding,) = code.scan(subject(root)).findings
    assert (finding.code, finding.where, finding.blocks) == ("B602", "room/shell.py:5", True)


def test_tests_are_not_scanned(root: Path) -> None:
    write(root, "tests/test_shell.py", SHELL)
    assert code.scan(subject(root)).findings == ()


def test_a_file_that_cannot_be_read_is_a_gap(root: Path) -> None:
    write(root, "room/broken.py", "def (:\n")
    scan = code.scan(subject(root))
    assert scan.findings == ()
    assert any("room/broken.py" in gap for gap in scan.gaps)


def test_no_python_is_nothing_looked_at(root: Path) -> None:
    (root / "room/code.py").unlink()
    assert code.scan(subject(root)).looked_at == 0
