"""The ports of a copy: of its name and its folder, so that two copies on one host do not meet, not even of one name."""

from __future__ import annotations

from pathlib import Path

from gateline.contracts.digest import of_bytes
from infra.host.ports import is_free

FIRST, PAIRS = 8102, 900
"""Even ports from here on, up to 9900: above the example's own, below what programs take for themselves."""


def ports_of(slug: str, folder: Path) -> tuple[int, int]:
    """Return the ports of production and staging: the first pair from the copy's place on that nobody listens on."""
    start = int(of_bytes(f"{slug} in {folder.absolute()}".encode())[:8], 16) % PAIRS
    pairs = [(FIRST + 2 * (place % PAIRS), FIRST + 2 * (place % PAIRS) + 1) for place in range(start, start + PAIRS)]
    free = (pair for pair in pairs if all(is_free("127.0.0.1", port) for port in pair))
    return next(free, pairs[0])
