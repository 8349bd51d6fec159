"""Rule `code`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from infra.security import code
from tests.infra.security.projects import LOCK, released, subject, write

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


def test_what_the_release_carries_instead_of_the_tree_is_judged_and_said(root: Path) -> None:
    same = {"room/code.py": (root / "room/code.py").read_bytes(), "service.txt": LOCK.encode(), "release.json": b"{}"}
    equal = code.scan(replace(subject(root), release=released(), bundle=same))
    assert (equal.looked_at, equal.findings, equal.notes) == (1, (), (code.UNSEEN,))
    other = same | {"room/code.py": SHELL.encode(), "model/lib.so": b"\x7fELF\0", "service.txt": b"other"}
    scan = code.scan(replace(subject(root), release=released(), bundle=other))
    (finding,) = scan.findings
    assert (finding.code, finding.where, finding.blocks) == ("B602", "", True)
    assert finding.message.startswith("room/code.py:5 of the release: ")
    assert scan.looked_at == 2 and scan.notes[1:] == (
        "the release carries what the tree does not hold, judged as it is there: model/lib.so, room/code.py, service.txt",
        "code: the release carries what no rule here can read: model/lib.so",
    )


def test_the_lean_lock_of_the_tree_is_the_trees_too(root: Path) -> None:
    write(root, "requirements/lean.txt", "lean\n")
    lean = replace(subject(root), release=released(), bundle={"service.txt": b"lean\n"}, service_lock="lean\n")
    assert lean.foreign == {} and lean.lock_path == "requirements/lean.txt"
    full = replace(lean, bundle={"service.txt": LOCK.encode()}, service_lock=LOCK)
    assert full.foreign == {} and full.lock_path == "requirements/service.txt"


def test_broken_code_of_the_release_is_a_gap(root: Path) -> None:
    scan = code.scan(replace(subject(root), release=released(), bundle={"service/x.py": b"def (:\n"}))
    assert scan.gaps and scan.gaps[0].startswith("in the release, bandit could not read")
