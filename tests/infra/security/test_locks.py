"""Rule `locks`."""

from __future__ import annotations

from pathlib import Path

from infra.security import locks
from tests.infra.security.projects import LOCK, subject, write


def test_hashed_locks_pass(root: Path) -> None:
    scan = locks.scan(subject(root))
    assert (scan.looked_at, scan.findings, scan.gaps) == (4, (), ())


def test_a_requirement_without_a_hash_is_found_by_file_and_line(root: Path) -> None:
    write(root, "requirements/dev.txt", LOCK + "gamma==3\n")
    (finding,) = locks.scan(subject(root)).findings
    assert finding.where == "requirements/dev.txt:6"
    assert finding.blocks and "gamma 3" in finding.message


def test_an_index_address_is_found(root: Path) -> None:
    write(root, "requirements/dev.txt", "--extra-index-url https://host.example/simple\n" + LOCK)
    assert [finding.line for finding in locks.scan(subject(root)).findings] == [1, 1]


def test_a_lock_that_locks_nothing_is_found(root: Path) -> None:
    write(root, "requirements/dev.txt", "# nothing\n")
    assert [finding.message for finding in locks.scan(subject(root)).findings] == ["locks no package"]


def test_constraints_need_no_hashes_but_may_name_no_address(root: Path) -> None:
    write(root, "requirements/constraints.txt", "alpha==1.0\n")
    assert locks.scan(subject(root)).findings == ()
    write(root, "requirements/constraints.txt", "alpha==1.0\n--index-url https://host.example\n")
    assert [finding.message for finding in locks.scan(subject(root)).findings] == ["names an address"]


def test_no_lock_at_all_is_nothing_looked_at(root: Path) -> None:
    with_lock = subject(root)
    (root / "requirements/dev.txt").unlink()
    (root / "requirements/service.txt").unlink()
    without = type(with_lock)(root=root, files=tuple(name for name in with_lock.files if "requirements" not in name))
    assert locks.scan(without).looked_at == 0
