"""The identity of data files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateline.rows.digests import data_digest
from gateline.settings.errors import UsageError


def folder(path: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return str(path)


def test_equal_bytes_are_equal_data_wherever_they_lie(tmp_path: Path) -> None:
    here = folder(tmp_path / "here", {"a.csv": "x\n1\n", "sub/b.csv": "x\n2\n"})
    there = folder(tmp_path / "there", {"sub/b.csv": "x\n2\n", "a.csv": "x\n1\n", "notes.txt": "not data"})
    assert data_digest(here) == data_digest(there) == data_digest(f"file://{there}")
    assert data_digest(f"{here}/a.csv") == data_digest(f"{there}/a.csv")
    single = folder(tmp_path / "single", {"other.csv": "x\n1\n"})
    assert data_digest(f"{single}/other.csv") == data_digest(f"{here}/a.csv")


@pytest.mark.parametrize(
    "files", [{"a.csv": "x\n1\n"}, {"a.csv": "x\n1\n", "b.csv": "x\n3\n"}, {"a.csv": "x\n1\n", "c.csv": "x\n2\n"}]
)
def test_a_changed_missing_or_renamed_part_is_other_data(tmp_path: Path, files: dict[str, str]) -> None:
    before = data_digest(folder(tmp_path / "before", {"a.csv": "x\n1\n", "b.csv": "x\n2\n"}))
    assert data_digest(folder(tmp_path / "after", files)) != before


def test_missing_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such data file"):
        data_digest(str(tmp_path / "none.csv"))


def test_pandas_is_not_needed() -> None:
    code = "import sys, gateline.rows.digests; sys.exit('pandas' in sys.modules or 'pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
