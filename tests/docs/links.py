"""Links of pages that lead nowhere."""

from __future__ import annotations

import re
from pathlib import Path

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[\w-]*)?\)")


def broken(root: Path, page: str) -> list[str]:
    """Return what a page below `root` links to that is not there; other sites are not asked."""
    found = LINK.findall((root / page).read_text(encoding="utf-8"))
    return [
        f"{page}: {target}" for target in found if "://" not in target and not ((root / page).parent / target).exists()
    ]
