"""Files are written whole, all of a set or none."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.files import hand_on, place


def test_texts_are_written_and_folders_made(tmp_path: Path) -> None:
    place({tmp_path / "a" / "b.txt": "ä\n", tmp_path / "c.txt": ""})
    assert (tmp_path / "a" / "b.txt").read_text(encoding="utf-8") == "ä\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c.txt"]


def test_the_file_can_be_read_by_others(tmp_path: Path) -> None:
    place({tmp_path / "a": "x"})
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_a_failure_before_the_end_leaves_every_target_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError):
        place({tmp_path / "a": "new", tmp_path / "file" / "b": "new"})
    assert (tmp_path / "a").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "file"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    code = f"from pathlib import Path\nfrom contracts.files import place\nplace({{Path({str(tmp_path / 'a')!r}): 'x' * 9000}})"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = subprocess.run([sys.executable, "-B", "-c", code], preexec_fn=limit, capture_output=True, text=True)
    assert done.returncode != 0 and "OSError" in done.stderr
    assert (tmp_path / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_values_are_handed_on_line_by_line_whatever_stands_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    hand_on(model_version="1\nrelease=forged", metrics="{}")
    hand_on(release="ä")
    told = (tmp_path / "output").read_text(encoding="utf-8")
    assert told == "model-version=1 release=forged\nmetrics={}\nrelease=ä\n"
    monkeypatch.setenv("GITHUB_OUTPUT", "")
    hand_on(release="elsewhere")
