"""Synthetic traffic: locust in a process of its own, from the load group's locked environment."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.process.python_env import python_for

LOCK = Path("requirements/load.txt")
STOP_SECONDS = 10.0


@contextmanager
def synthetic(
    url: str, rate: float, seconds: float, config: str, root: Path = Path(".")
) -> Iterator[subprocess.Popen[bytes]]:
    """Send `rate` requests a second to `url` (the full /predict address) for at most `seconds`, until the block is left."""
    argv = [
        str(python_for(root / LOCK, root)), "-m", "load", "--url", url, "--rate", f"{rate:g}", "--seconds", f"{seconds:g}",
        "--config", config, "--until-killed",
    ]  # fmt: skip
    log = (root / ".gateline" / "synthetic-traffic.log").open("wb")
    process = subprocess.Popen(argv, cwd=root, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()
