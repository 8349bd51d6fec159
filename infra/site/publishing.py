"""A copy of the site in another folder, whole or not at all: to publish it, or to send it."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from gateline.contracts.files import PARTIAL
from gateline.settings.errors import UsageError

MARK = '<meta name="generator" content="gateline report">'


def publish(reports: Path, target: Path) -> Path:
    """Copy the reports into `target` and return it; an earlier copy there is replaced.

    Raises UsageError for a folder that holds something else, or that lies inside the reports.
    """
    _refuse(reports, target)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside, before = (target.parent / f"{PARTIAL}{uuid.uuid4().hex}" for _ in range(2))
    try:
        shutil.copytree(reports, beside, ignore=shutil.ignore_patterns(f"{PARTIAL}*"))
        if target.exists():
            target.rename(before)
        beside.rename(target)
    finally:
        for left in (beside, before):
            shutil.rmtree(left, ignore_errors=True)
    return target


def _refuse(reports: Path, target: Path) -> None:
    if target.resolve() == reports.resolve() or reports.resolve() in target.resolve().parents:
        raise UsageError(f"--output: {target} lies in {reports} itself", "name a folder outside of it")
    if not target.exists():
        return
    if not target.is_dir() or (any(target.iterdir()) and not _is_copy(target)):
        raise UsageError(
            f"--output: {target} is there already and is no earlier copy of the site", "name a new or an empty folder"
        )


def _is_copy(target: Path) -> bool:
    try:
        return MARK in (target / "index.html").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
