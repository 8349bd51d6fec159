"""Environments keyed by their lock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateline.settings.errors import OutsideError
from infra.host.python_env import OURS, is_made, python_for, run_in


def test_an_environment_is_made_once_and_used_again(tmp_path: Path) -> None:
    lock = tmp_path / "service.txt"
    lock.write_text("# nothing\n")
    assert not is_made(lock, tmp_path)
    python = python_for(lock, tmp_path)
    assert is_made(lock, tmp_path)
    told = subprocess.run([python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True)
    assert Path(told.stdout.strip()) == python.parents[1]
    (python.parents[1] / "mark").touch()
    assert python_for(lock, tmp_path) == python and (python.parents[1] / "mark").exists()
    lock.write_text("# nothing else\n")
    assert python_for(lock, tmp_path) != python


@pytest.mark.parametrize("loss", [".complete", "bin/python"])
def test_an_environment_that_is_not_whole_is_made_again(tmp_path: Path, loss: str) -> None:
    lock = tmp_path / "service.txt"
    lock.write_text("")
    python = python_for(lock, tmp_path)
    (python.parents[1] / "mark").touch()
    (python.parents[1] / loss).unlink()
    assert not is_made(lock, tmp_path)
    assert python_for(lock, tmp_path) == python and python.exists()
    assert not (python.parents[1] / "mark").exists()


def test_a_lock_without_hashes_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "service.txt"
    lock.write_text("idna==3.10\n")
    with pytest.raises(OutsideError, match=r"(?s)environment cannot be made: `uv pip install` ended with .*hash"):
        python_for(lock, tmp_path)
    assert not list(tmp_path.glob(".gateline/envs/*/.complete"))


def test_an_environment_of_another_python_is_another_one(tmp_path: Path) -> None:
    lock = tmp_path / "service.txt"
    lock.write_text("")
    assert OURS == f"{sys.version_info.major}.{sys.version_info.minor}"
    with pytest.raises(OutsideError, match="environment cannot be made: `uv venv"):
        python_for(lock, tmp_path, "2.1")


def test_a_program_that_runs_alone_finds_no_others_but_those_of_its_environment(tmp_path: Path) -> None:
    lock = tmp_path / "service.txt"
    lock.write_text("")
    python = python_for(lock, tmp_path)
    asked = ("-c", "import shutil; print(shutil.which('git'), shutil.which('python'))")
    assert run_in(python, *asked, folder=tmp_path).output.split()[0] != "None"
    assert run_in(python, *asked, folder=tmp_path, alone=True).output.split() == ["None", str(python)]
