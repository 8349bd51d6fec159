"""Links of pages that lead nowhere, and files that they name and that are not there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.blocks import FILE

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[\w-]*)?\)")
NAMED = re.compile(r"`((\w+)/[\w./-]*\w)(?:::\w+)?`")


def linked(root: Path, page: str) -> dict[str, Path]:
    """Return what a page below `root` links to, as it is written and as a path; other sites aside."""
    found = LINK.findall((root / page).read_text(encoding="utf-8"))
    return {target: ((root / page).parent / target).resolve() for target in found if "://" not in target}


def broken(root: Path, page: str) -> list[str]:
    """Return what a page below `root` links to that is not there."""
    return [f"{page}: {target}" for target, path in linked(root, page).items() if not path.exists()]


def gone(root: Path, page: str) -> list[str]:
    """Return the files of our packages that a page names and that are not there, nor made by a block of the page."""
    text = (root / page).read_text(encoding="utf-8")
    made = {found[1] for found in FILE.finditer(text)}
    named = {name for name, package in NAMED.findall(text) if (root / package / "__init__.py").is_file()}
    return [f"{page}: {name}" for name in sorted(named - made) if not (root / name).exists()]
