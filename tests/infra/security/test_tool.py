"""Running other programs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from infra.security import tool
from infra.security.finding import ScannerFailed


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


def script(folder: Path, body: str) -> None:
    """Write a program named `faketool`."""
    path = folder / "faketool"
    code = path.with_suffix(".py")
    code.write_text(f"import sys, time\n{body}\n")
    path.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{code}'\n")  # a first line cannot name a path with a space
    path.chmod(0o755)


def test_output_comes_back(bin_folder: Path) -> None:
    script(bin_folder, "print('[]'); sys.exit(1)")
    assert tool.run(["faketool"], bin_folder, output="[") == "[]\n"


def test_a_missing_tool_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScannerFailed, match="no-such-tool is not installed here"):
        tool.run(["no-such-tool"], tmp_path)


def test_another_exit_code_is_a_failure_with_the_telling_line(bin_folder: Path) -> None:
    script(bin_folder, "print('Error: disk on fire\\nat line 3', file=sys.stderr); sys.exit(2)")
    with pytest.raises(ScannerFailed, match=r"faketool could not scan \(exit 2\): Error: disk on fire"):
        tool.run(["faketool"], bin_folder)


def test_output_of_another_kind_is_a_failure(bin_folder: Path) -> None:
    script(bin_folder, "sys.exit(1)")
    with pytest.raises(ScannerFailed, match="without a word"):
        tool.run(["faketool"], bin_folder, output="{")


def test_a_tool_that_hangs_is_stopped(bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "SECONDS", 0.5)
    script(bin_folder, "time.sleep(60)")
    with pytest.raises(ScannerFailed, match="gave no answer"):
        tool.run(["faketool"], bin_folder)
