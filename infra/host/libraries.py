"""The libraries of a Python environment: noted as they were installed, compared before anything starts from them."""

import base64
import contextlib
import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateline.contracts.digest import of_file, of_value
from gateline.contracts.files import place
from gateline.settings.errors import GateRefused

STAMP, FORM = ".complete", 2
"""The environment is whole, and this is what it held, noted in this form; an earlier version noted nothing, or in another."""
NO_CODE = (STAMP, ".lock", ".DS_Store", "Thumbs.db", "desktop.ini")
"""Left by uv and by file managers: no program reads them."""
COMPILED = "compiled"
"""Byte code that tools keep below an environment for themselves; nothing that serves reads it."""


def note(folder: Path, lock: Path) -> None:
    """Write down what an environment holds, libraries, byte code and links, once it agrees with its wheels.

    Raises GateRefused (rule `digest`) where a file is not as its wheel has it.
    """
    _refuse_changed(folder)
    noted = {"form": FORM, "lock": of_file(lock), "files": _digest(folder)}
    place({folder / STAMP: json.dumps(noted)})


def adopt(folder: Path, lock: Path) -> None:
    """Note what an environment holds that an earlier version made; raises as `note` does. What is damaged `verify` refuses."""
    with contextlib.suppress(OSError, ValueError, AttributeError, csv.Error):
        if _noted(folder) is None:
            note(folder, lock)


def verify(folder: Path, lock: Path) -> None:
    """Raise GateRefused (rule `digest`) unless an environment holds what was installed by this lock, and nothing more.

    Of one that an earlier version made, the files that its wheels list are compared, and no others.
    """
    try:
        noted = _noted(folder)
        if noted is None:
            _refuse_changed(folder)
        elif noted["lock"] != of_file(lock):
            raise _refused(folder, "was made for another lock")
        elif noted["files"] != _digest(folder):
            _refuse_changed(folder)
            raise _refused(folder, "holds a file that was added or changed, and that no wheel lists")
    except (OSError, ValueError, KeyError, AttributeError, csv.Error) as error:
        raise _refused(folder, f"cannot be read ({error})") from None


def _noted(folder: Path) -> dict[str, Any] | None:
    """Return what was noted, or None where an earlier version noted less. Raises OSError, and ValueError for no JSON."""
    stamp = (folder / STAMP).read_bytes()
    noted: dict[str, Any] = json.loads(stamp) if stamp else {}
    return noted if noted.get("form") == FORM else None


def _refused(folder: Path, why: str) -> GateRefused:
    return GateRefused(
        f"{folder} {why}: the installed libraries are not those of the lock",
        f"remove {folder}; `invoke deploy` or `invoke up` install them again (if that repeats: uv cache clean)", rule="digest",
    )


def _digest(folder: Path) -> str:
    def content(path: Path) -> str:
        return f"link to {os.readlink(path)}" if path.is_symlink() else of_file(path)

    return of_value({path.relative_to(folder).as_posix(): content(path) for path in _files(folder)})


def _files(folder: Path) -> Iterator[Path]:
    """Yield every file and link that counts. Libraries that compile for themselves may put what they made into caches."""
    for where, folders, names in os.walk(folder):
        if where == str(folder):
            folders[:] = [name for name in folders if name != COMPILED]
        for name in names + [name for name in folders if Path(where, name).is_symlink()]:
            path = Path(where, name)
            if name not in NO_CODE and (path.suffix == ".pyc" or path.parent.name != "__pycache__"):
                yield path


def _refuse_changed(folder: Path) -> None:
    """Compare with the lists of the wheels (RECORD), whose locked hashes cover them; a file of two wheels may be either's."""
    listed: dict[Path, set[str]] = {}
    for record in sorted(folder.glob("lib/python*/site-packages/*.dist-info/RECORD")):
        with record.open(encoding="utf-8", newline="") as stream:
            for name, said, *_ in csv.reader(stream):
                kind, _, digest = said.partition("sha256=")
                if digest and not kind:
                    hexes = base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4)).hex()
                    listed.setdefault(record.parents[1] / name, set()).add(hexes)
    for path, digests in listed.items():
        if not path.is_file() or of_file(path) not in digests:
            gone = "is missing" if not path.is_file() else "was changed"
            raise _refused(folder, f"is not as it was installed: {os.path.relpath(path, folder)} {gone}")
