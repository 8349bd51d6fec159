"""What was installed is compared, file by file, before anything starts from it."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateline.settings.errors import GateRefused
from infra.host import libraries


def installed(folder: Path) -> Path:
    """Make an environment with one library and its byte code, as an installer leaves it; return its lock."""
    site = folder / "lib" / "python3.11" / "site-packages"
    for name, text in (("tiny/__init__.py", "X = 1\n"), ("tiny/__pycache__/__init__.cpython-311.pyc", "compiled")):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"X = 1\n").digest()).rstrip(b"=").decode()
    (site / "tiny-1.dist-info").mkdir()
    (site / "tiny-1.dist-info" / "RECORD").write_text(f"tiny/__init__.py,sha256={digest},6\ntiny-1.dist-info/RECORD,,\n")
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to("/usr/bin/python3")
    lock = folder.parent / "service.txt"
    lock.write_text("tiny==1\n")
    return lock


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """The lock of an environment that was noted when it was made."""
    lock = installed(tmp_path / "env")
    libraries.note(tmp_path / "env", lock)
    return lock


def site(lock: Path, name: str) -> Path:
    """Return a file of the environment's libraries."""
    return lock.parent / "env" / "lib" / "python3.11" / "site-packages" / name


def linked_elsewhere(lock: Path) -> None:
    """Let another program be the interpreter."""
    (lock.parent / "env" / "bin" / "python").unlink()
    (lock.parent / "env" / "bin" / "python").symlink_to("/tmp/python")


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a module": (lambda lock: site(lock, "tiny/__init__.py").write_text("X = 2\n"), "tiny/__init__.py was changed"),
    "a module that is gone": (lambda lock: site(lock, "tiny/__init__.py").unlink(), "tiny/__init__.py is missing"),
    "byte code alone": (
        lambda lock: site(lock, "tiny/__pycache__/__init__.cpython-311.pyc").write_text("other"), "no wheel lists"
    ),
    "a file that runs at each start": (lambda lock: site(lock, "x.pth").write_text("import os\n"), "no wheel lists"),
    "the interpreter": (linked_elsewhere, "no wheel lists"),
    "the lock": (lambda lock: lock.write_text("tiny==2\n"), "made for another lock"),
    "the note": (lambda lock: (lock.parent / "env" / libraries.STAMP).write_text('{"form": 2}'), "cannot be read"),
    "the note, and a list": (
        lambda lock: bool((lock.parent / "env" / libraries.STAMP).write_text(""))
        or site(lock, "tiny-1.dist-info/RECORD").write_bytes(b"\0,sha256=\xff,\n"),
        "cannot be read",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_refused(lock: Path, change: str) -> None:
    libraries.verify(lock.parent / "env", lock)
    make, said = CHANGES[change]
    make(lock)
    with pytest.raises(GateRefused, match=f"^digest: .*{said}.*not those of the lock"):
        libraries.verify(lock.parent / "env", lock)


def test_what_a_library_compiles_for_itself_is_no_change(lock: Path) -> None:
    site(lock, "tiny/__pycache__/f.nbc").write_bytes(b"made by the library")
    (lock.parent / "env" / ".DS_Store").write_bytes(b"opened in a window")
    os.utime(site(lock, "tiny/__init__.py"), (0, 0))
    libraries.verify(lock.parent / "env", lock)


@pytest.mark.parametrize("earlier", ["", '{"lock": "of another form", "files": ""}'])
def test_of_an_older_environment_what_its_wheels_list_is_compared_then_all_of_it(tmp_path: Path, earlier: str) -> None:
    lock, folder = installed(tmp_path / "env"), tmp_path / "env"
    (folder / libraries.STAMP).write_text(earlier)
    libraries.verify(folder, lock)
    site(lock, "tiny/__init__.py").write_text("X = 2\n")
    with pytest.raises(GateRefused, match="tiny/__init__.py was changed"):
        libraries.verify(folder, lock)
    site(lock, "tiny/__init__.py").write_text("X = 1\n")
    libraries.adopt(folder, lock)
    CHANGES["byte code alone"][0](lock)
    with pytest.raises(GateRefused, match="no wheel lists"):
        libraries.verify(folder, lock)


def test_a_damaged_note_is_left_to_be_refused(lock: Path) -> None:
    for text in ("{", "[]"):
        (lock.parent / "env" / libraries.STAMP).write_text(text)
        libraries.adopt(lock.parent / "env", lock)
        with pytest.raises(GateRefused, match="cannot be read"):
            libraries.verify(lock.parent / "env", lock)


def test_what_is_not_as_its_wheel_has_it_is_never_noted(tmp_path: Path) -> None:
    lock = installed(tmp_path / "env")
    site(lock, "tiny/__init__.py").write_text("X = 2\n")
    with pytest.raises(GateRefused, match="tiny/__init__.py was changed"):
        libraries.note(tmp_path / "env", lock)
    assert not (tmp_path / "env" / libraries.STAMP).exists()
