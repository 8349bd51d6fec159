"""One replica of a release, started alone on a free port."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from gateline.contracts.layout import STATE
from gateline.contracts.release import Release
from gateline.registry.releases import Releases
from gateline.settings.errors import GateRefused, OutsideError
from infra.engines.serving import FIXED, PASSED
from infra.host import bundle
from infra.host.ending import end
from infra.host.layout import Layout
from infra.host.logs import tail
from infra.host.ports import free_ports
from infra.host.python_env import python_for
from infra.host.unpacked import fetch

READY_SECONDS = 60.0
ASK_SECONDS = 2.0
POLL_SECONDS = 0.05
STOP_SECONDS = 10.0


@contextmanager
def running(release: Release, folder: Path, root: Path, more: dict[str, str]) -> Iterator[str]:
    """Start one replica of an unpacked release and yield its base URL once it is ready. Raises OutsideError with its log.

    `more` are environment variables of the service beside the few that every replica gets.
    """
    (port,) = free_ports(1, ())
    log = root / STATE / "trial.log"
    variables = {name: os.environ[name] for name in PASSED if name in os.environ} | FIXED | more
    argv = [str(python_for(folder / "service.txt", root)), "-m", "service", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as stream:
        process = subprocess.Popen(argv, cwd=folder, env=variables, stdout=stream, stderr=subprocess.STDOUT)
        try:
            wait_ready(f"http://127.0.0.1:{port}", release, process.poll, lambda: tail(log))
            yield f"http://127.0.0.1:{port}"
        finally:
            end(process, release.service.drain_seconds + STOP_SECONDS)


def unpacked(release: Release, releases: Releases, root: Path) -> Path:
    """Return the folder of a release on this host, unpacked and verified; one that was changed is unpacked anew.

    Raises GateRefused (rule `digest`) if the registry holds something else.
    """
    place = Layout(root.resolve() / STATE, release.project, "trial")
    folder = place.bundle(release.digest)
    try:
        bundle.verify(folder, release)
    except GateRefused:
        fetch(place, release, releases.archive(release.digest))
    return folder


def wait_ready(url: str, release: Release, ended: Callable[[], int | None], log: Callable[[], str]) -> None:
    """Return when the release is ready at `url`. Raises OutsideError with its last lines if it `ended`, or is too slow."""
    deadline = time.monotonic() + READY_SECONDS
    with httpx.Client(timeout=ASK_SECONDS, trust_env=False) as client:
        while time.monotonic() < deadline and ended() is None:
            if _is_ready(client, url, release):
                return
            time.sleep(POLL_SECONDS)
    code = ended()
    how = f"not ready within {READY_SECONDS:.0f} s" if code is None else f"ended with {code} instead of getting ready"
    raise OutsideError(f"ready: {release.name} {how}; its last lines:\n{log()}", "mend that, then: invoke build")


def _is_ready(client: httpx.Client, url: str, release: Release) -> bool:
    try:
        answer = client.get(f"{url}/health/ready")
        return answer.status_code == httpx.codes.OK and answer.json()["release"] == release.digest
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return False
