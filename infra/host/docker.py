"""The Docker daemon: found, connected to (also through the system's ssh client), and its failures in words."""

import atexit
import contextlib
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.models.images import Image
from docker.types import LogConfig
from requests.exceptions import RequestException

from gateline.settings import passing
from gateline.settings.errors import OutsideError, first_line
from infra.host.processes import end

SECONDS = 60.0
CONFLICT = 409
"""The status of an answer to what another command did, or is doing, already."""
REMOTE = "/var/run/docker.sock"
DEFAULT = f"unix://{REMOTE}"
SSH_SECONDS, STOP_SECONDS = 20.0, 2.0
PIDS = 256
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}

LOG = LogConfig(type=LogConfig.types.JSON, config={"max-size": "10m", "max-file": "3"})
HARDENED: dict[str, Any] = {
    "init": True,
    "read_only": True,
    "tmpfs": {"/tmp": "rw,noexec,nosuid,size=64m"},  # nosec B108: a mount of the container's own
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "pids_limit": PIDS,
    "restart_policy": {"Name": "unless-stopped"},
    "log_config": LOG,
}
"""What every container of ours is denied, and that the daemon starts it again.

`init`: a container's first process cannot be ended from inside; so it is one that hands signals on and does nothing else."""

__all__ = [
    "CONFLICT", "HARDENED", "APIError", "Docker", "ImageNotFound", "NotFound", "connect", "images", "platform_of", "reaching",
]  # fmt: skip

Docker = docker.DockerClient


def connect(host: str) -> Docker:
    """Return a client of the daemon at `host` (`unix://`, `tcp://`, `ssh://`), or where DOCKER_HOST says if it is empty.

    Over `ssh://` the system's own client is used, with its keys and settings; over `tcp://` TLS, as DOCKER_TLS_VERIFY and
    DOCKER_CERT_PATH say. Raises OutsideError where none answers.
    """
    where = host or os.environ.get("DOCKER_HOST") or DEFAULT
    address = forwarded(where) if where.startswith("ssh://") else where
    with reaching(where):
        if address.startswith("unix://") and not answers(Path(address.removeprefix("unix://"))):
            raise DockerException("nothing listens there")
        client = docker.from_env(timeout=int(SECONDS), environment=dict(os.environ) | {"DOCKER_HOST": address})
        client.ping()
        return client


def platform_of(client: Docker) -> str:
    """Return the platform of the daemon's machine, such as `linux/amd64`."""
    with reaching():
        machine = str(client.info()["Architecture"])
    return f"linux/{MACHINES.get(machine, machine)}"


def images(client: Docker, name: str = "", **filters: str | list[str]) -> list[Image]:
    """Return the daemon's images, without those that another command removes meanwhile: the SDK's own list fails on these."""
    found = []
    for one in client.api.images(name=name or None, filters=filters):
        with contextlib.suppress(ImageNotFound):
            found.append(client.images.get(one["Id"]))
    return found


@contextmanager
def reaching(host: str = "") -> Iterator[None]:
    """Turn what the SDK raises into one error with a next step; `NotFound` and `ImageNotFound` are left to the caller."""
    try:
        yield
    except NotFound:
        raise
    except APIError as error:
        raise OutsideError(f"docker: {first_line(error)}", "invoke status --logs, and the daemon's own log") from error
    except (DockerException, RequestException, OSError) as error:
        raise OutsideError(
            f"no Docker daemon answers{f' at {host}' if host else ''}: {first_line(error)}",
            "start it, or name another in pipeline.toml (environments.<name>.docker.host) or DOCKER_HOST",
        ) from error


def forwarded(url: str) -> str:
    """Return the `unix://` address of a socket on this machine that leads to the daemon at `ssh://[user@]host[:port]`.

    Nothing is installed there. Keys, host names and jumps are those of the user's own ssh settings; a question (a password,
    an unknown host) is an error. The way ends with this process. Raises OutsideError with what ssh says.
    """
    folder = Path(tempfile.mkdtemp(prefix="gl-", dir="/tmp"))  # nosec B108: a short path, made private by mkdtemp
    here, said = folder / "docker.sock", folder / "ssh.log"
    with said.open("wb") as log:
        process = subprocess.Popen(
            argv(url, here), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True,
            env=passing.without_keys(),
        )  # fmt: skip
    atexit.register(_close, process, folder)
    deadline = time.monotonic() + SSH_SECONDS
    while not answers(here):
        if process.poll() is not None or time.monotonic() > deadline:
            why = said.read_text(encoding="utf-8", errors="replace").strip() or f"no answer within {SSH_SECONDS:.0f} s"
            _close(process, folder)
            raise OutsideError(f"{url}: {why}", f"try it by hand: {shlex.join(['ssh', *_target(url), 'true'])}")
        time.sleep(0.02)
    return f"unix://{here}"


def argv(url: str, here: Path) -> list[str]:
    """Return the command. What it runs there ends when this process, whose pipe it reads, is gone."""
    options = ["BatchMode=yes", "ExitOnForwardFailure=yes", "ConnectTimeout=10", "ServerAliveInterval=5"]
    return [
        "ssh", "-T", *(part for option in options for part in ("-o", option)), "-L", f"{here}:{REMOTE}",
        *_target(url), "cat",
    ]  # fmt: skip


def _target(url: str) -> list[str]:
    parts = urlsplit(url)
    port = ["-p", str(parts.port)] if parts.port else []
    return [*port, f"{parts.username}@{parts.hostname}" if parts.username else str(parts.hostname)]


def answers(path: Path) -> bool:
    """Say whether something listens on a socket."""
    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
        connection.settimeout(STOP_SECONDS)
        connection.connect(str(path))
        return True
    return False


def _close(process: subprocess.Popen[bytes], folder: Path) -> None:
    if process.stdin:
        process.stdin.close()
    end(process, STOP_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)
