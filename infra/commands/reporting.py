"""`invoke report`."""

from __future__ import annotations

import webbrowser
from pathlib import Path

from gateline.settings import load
from gateline.settings.shown import tell
from infra.commands.history import kept_heads
from infra.site.whole import publish, write

REPORTS = Path("reports")


def report(open: bool, output: str) -> int:
    """Write the pages, say where they are, how many and what they could not tell, and show them if asked."""
    settings = load()
    kept = kept_heads(settings)
    faults = [*(finding.reason for finding in kept.unreadable), *kept.unreachable]
    written = write(settings, REPORTS, tuple(kept.heads.values()), faults)
    way_in = written.pages[0]
    if output:
        way_in = publish(REPORTS, Path(output)) / way_in.relative_to(REPORTS)
    tell(f"{way_in}: {len(written.pages)} pages")
    for line in written.missing:
        tell(f"  {line}")
    if open and not _shown(way_in):
        tell(f"no browser here: open {way_in.resolve().as_uri()}")
    return 0


def _shown(page: Path) -> bool:
    try:
        return webbrowser.open(page.resolve().as_uri())
    except webbrowser.Error:
        return False
