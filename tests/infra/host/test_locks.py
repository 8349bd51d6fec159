"""A lock is stale exactly when its group's requirements changed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from gateline.settings.errors import GateRefused, OutsideError
from infra.host import locks

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture()
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["locks", "check"])
    return locks.main()


def edit(project: Path, old: str, new: str) -> None:
    path = project / "pyproject.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_locks_that_ship_are_current(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(monkeypatch) == 0


def test_a_changed_group_makes_its_lock_stale(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(project, '"flake8"', '"flake8>=7"')
    assert locks.stale() == ["lint"]
    with pytest.raises(GateRefused, match="requirements/lint.txt"):
        check(monkeypatch)


def test_a_change_in_an_included_group_reaches_every_lock_that_includes_it(project: Path) -> None:
    edit(project, '"psutil"', '"psutil>=7"')
    assert set(locks.stale()) == {"dev", "test", "typecheck"}


def test_a_missing_lock_is_stale(project: Path) -> None:
    (project / "requirements" / "train.txt").unlink()
    assert locks.stale() == ["train"]


def test_every_requirement_is_hashed_and_no_address_is_written(project: Path) -> None:
    for name in locks.groups():
        text = (project / "requirements" / f"{name}.txt").read_text()
        pins = [line for line in text.splitlines() if "==" in line]
        assert pins and all(line.endswith("\\") for line in pins), name
        assert "://" not in text, name


def test_one_version_of_a_package_across_all_groups(project: Path) -> None:
    seen: dict[str, set[str]] = {}
    for name in locks.groups():
        for line in (project / "requirements" / f"{name}.txt").read_text().splitlines():
            if "==" in line:
                pin, _, marker = line.rstrip(" \\").partition(";")
                package, _, version = pin.strip().partition("==")
                seen.setdefault(f"{package};{marker.strip()}", set()).add(version)
    assert not {name: versions for name, versions in seen.items() if len(versions) > 1}


def test_an_impossible_group_is_explained(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(project, '"flake8"', '"flake8=!=oops"')
    with pytest.raises(OutsideError, match="uv could not lock"):
        locks.write(False)
