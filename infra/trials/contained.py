"""One container of a release's image, started alone on a free port of this machine: what is tried is what will run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateline.contracts.release import Image, Release
from gateline.settings import DockerHost
from infra.engines.serving import FIXED
from infra.host.docker import HARDENED, connect, reaching
from infra.host.ports import free_ports
from infra.trials.running import wait_ready

LINES = 20
STOP_SECONDS = 10


@contextmanager
def contained(release: Release, image: Image, limits: DockerHost, more: dict[str, str]) -> Iterator[str]:
    """Start one container, limited as in production, and yield its base URL once it is ready. Raises OutsideError with a log.

    It shares this machine's network, so that it reaches the trial's Redis on loopback, and listens on loopback alone.
    """
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
