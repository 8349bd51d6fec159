"""A release on trial: one replica of it, started alone on a free port, as a process or as one container of its image."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from gateline.contracts.layout import STATE
from gateline.contracts.release import Image, Release
from gateline.registry.releases import Releases
from gateline.settings import DockerHost, Settings
from gateline.settings.errors import GateRefused, OutsideError
from infra.engines.slots import FIXED, PASSED
from infra.host import bundle
from infra.host.layout import Layout
from infra.host.ports import free_ports
from infra.host.processes import end, tail
from infra.host.python_env import python_for
from infra.host.unpacked import fetch

READY_SECONDS = 60.0
ASK_SECONDS = 2.0
POLL_SECONDS = 0.05
STOP_SECONDS = 10
LINES = 20


@dataclass(frozen=True)
class Subject:
    """A release on this host, and the settings it is judged by."""

    settings: Settings
    config: str
    release: Release
    folder: Path
    root: Path
    image: Image | None = None
    """The release's image, where an environment runs containers: then that is tried."""

    def started(self, more: dict[str, str]) -> AbstractContextManager[str]:
        """Start one replica with these variables and the usual ones; what is entered is its base URL."""
        if self.image is None:
            return running(self.release, self.folder, self.root, more)
        limits = next(one.docker for one in self.settings.environments.values() if one.runs_containers)
        return contained(self.release, self.image, limits, more)


@contextmanager
def running(release: Release, folder: Path, root: Path, more: dict[str, str]) -> Iterator[str]:
    """Start one replica of an unpacked release and yield its base URL once it is ready. Raises OutsideError with its log.

    `more` are environment variables of the service, besides the few that every replica gets.
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


@contextmanager
def contained(release: Release, image: Image, limits: DockerHost, more: dict[str, str]) -> Iterator[str]:
    """Start one container, limited as in production, and yield its base URL once it is ready. Raises OutsideError with a log.

    It shares this machine's network, so that it reaches the trial's Redis on loopback, and listens on loopback alone.
    """
    from infra.host.docker import HARDENED, connect, reaching

    (port,) = free_ports(1, ())
    client = connect("")
    hardened = {name: value for name, value in HARDENED.items() if name != "restart_policy"}
    with reaching():
        container: Any = client.containers.run(
            image.id,
            ["--host", "127.0.0.1", "--port", str(port)],
            entrypoint=["python3", "-m", "service"],
            environment=FIXED | more,
            network_mode="host",
            tmpfs={"/tmp": "rw,noexec,nosuid,size=64m"},  # nosec B108: a mount of the container's own
            mem_limit=f"{limits.memory_mb}m",
            nano_cpus=int(limits.cpus * 1e9),
            labels={"gateline.part": "trial"},
            detach=True,
            **hardened,
        )

    def ended() -> int | None:
        container.reload()
        return int(container.attrs["State"]["ExitCode"]) if container.status == "exited" else None

    try:
        url = f"http://127.0.0.1:{port}"
        wait_ready(url, release, ended, lambda: container.logs(tail=LINES).decode(errors="replace"))
        yield url
    finally:
        with reaching():
            container.stop(timeout=STOP_SECONDS)
            container.remove(force=True)
        client.close()


def unpacked(release: Release, releases: Releases, root: Path) -> Path:
    """Return the folder of a release on this host, unpacked and verified; one that was changed is unpacked again.

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
            try:
                answer = client.get(f"{url}/health/ready")
                if answer.status_code == httpx.codes.OK and answer.json()["release"] == release.digest:
                    return
            except (httpx.HTTPError, ValueError, KeyError, TypeError):
                pass  # not yet
            time.sleep(POLL_SECONDS)
    code = ended()
    how = f"not ready within {READY_SECONDS:.0f} s" if code is None else f"ended with {code} instead of getting ready"
    raise OutsideError(f"ready: {release.name} {how}; its last lines:\n{log()}", "fix that, then: invoke build")
