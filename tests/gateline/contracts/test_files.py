"""Files are written whole, all of a set or none."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from gateline.contracts import files
from gateline.contracts.files import RESERVE, SPARE_BYTES, SPARES, hand_on, place, reserve, write_private


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
    path = str(tmp_path / "a")
    code = f"from pathlib import Path\nfrom gateline.contracts.files import place\nplace({{Path({path!r}): 'x' * 9000}})"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = subprocess.run([sys.executable, "-B", "-c", code], preexec_fn=limit, capture_output=True, text=True)
    assert done.returncode != 0 and "OSError" in done.stderr
    assert (tmp_path / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_values_are_handed_on_line_by_line_with_any_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    hand_on(model_version="1\nrelease=forged", metrics="{}")
    hand_on(release="ä")
    told = (tmp_path / "output").read_text(encoding="utf-8")
    assert told == "model-version=1 release=forged\nmetrics={}\nrelease=ä\n"
    monkeypatch.setenv("GITHUB_OUTPUT", "")
    hand_on(release="elsewhere")


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a reserve on a disk that has no block left: only what has its place already can be written."""
    reserve(tmp_path)
    real = files._write

    def write(handle: int, data: bytes) -> None:
        if os.fstat(handle).st_size < len(data):
            os.close(handle)
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle, data)

    monkeypatch.setattr(files, "_write", write)
    return tmp_path


def test_a_full_disk_takes_from_the_reserve(full: Path) -> None:
    (full / "spool").mkdir()
    (full / "a").write_text("old")
    place({full / "a": "new", full / "spool" / "b": "event"})
    write_private(full / "c", b"secret")
    assert [(full / name).read_text() for name in ("a", "spool/b", "c")] == ["new", "event", "secret"]
    assert [(full / name).stat().st_mode & 0o777 for name in ("a", "c")] == [0o644, 0o600]
    assert len(list((full / RESERVE).iterdir())) == SPARES - 3


def test_a_full_disk_without_a_reserve_is_named(full: Path) -> None:
    (full / "a").write_text("old")
    for spare in (full / RESERVE).iterdir():
        spare.unlink()
    with pytest.raises(OSError, match="No space left on device") as caught:
        place({full / "a": "new"})
    assert caught.value.filename == str(full / "a") and (full / "a").read_text() == "old"
    assert sorted(path.name for path in full.iterdir()) == ["a", RESERVE]


def test_what_is_larger_than_a_spare_file_is_named_too(full: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        place({full / "a": "x" * (SPARE_BYTES + 1)})


def test_the_reserve_is_filled_again(tmp_path: Path) -> None:
    reserve(tmp_path)
    (tmp_path / RESERVE / "07").unlink()
    reserve(tmp_path)
    assert [path.stat().st_size for path in (tmp_path / RESERVE).iterdir()] == [SPARE_BYTES] * SPARES
