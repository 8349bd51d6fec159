"""One replica of a release, started alone on a free port."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from contracts.release import Release
from infra import bundle
from infra.process.commands import FIXED, PASSED
from infra.process.ports import free_ports
from infra.process.python_env import python_for
from infra.rollout.target import STATE
from registry.releases import Releases
from settings.errors import OutsideError

READY_SECONDS = 60.0
POLL_SECONDS = 0.05


@contextmanager
def running(release: Release, folder: Path, root: Path, more: dict[str, str]) -> Iterator[str]:
    """Start one replica of an unpacked release and yield its base URL once it is ready. Raises OutsideError with its log.

    `more` are environment variables of the service beside the few that every replica gets.
    """
    (port,) = free_ports(1, ())
    log = root / STATE / "trial.log"
    variables = (
        {name: os.environ[name] for name in PASSED if name in os.environ} | FIXED | more
    )
    argv = [str(python_for(folder / "service.txt", root)), "-m", "service", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as stream:
        process = subprocess.Popen(argv, cwd=folder, env=variables, stdout=stream, stderr=subprocess.STDOUT)
        try:
            _wait_ready(process, f"http://127.0.0.1:{port}", release, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def unpacked(release: Release, releases: Releases, root: Path) -> Path:
    """Return the folder of a release on this host, unpacked and verified. Raises GateRefused (rule `digest`)."""
    folder = root / STATE / "releases" / release.digest
    if not folder.exists():
        bundle.unpack(releases.archive(release.digest), folder)
    bundle.verify(folder, release)
    return folder


def _wait_ready(process: subprocess.Popen[bytes], url: str, release: Release, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            answer = httpx.get(f"{url}/health/ready", timeout=2.0)
            if answer.status_code == 200 and answer.json()["release"] == release.digest:
                return
        except httpx.HTTPError:
            pass
        time.sleep(POLL_SECONDS)
    tail = log.read_text(errors="replace").splitlines()[-10:]
    raise OutsideError(
        f"ready: {release.name} was not ready within {READY_SECONDS:.0f} s; it said:\n" + "\n".join(tail)
    )
