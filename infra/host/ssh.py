"""A daemon on another machine, through the system's ssh client: its socket is brought here, with nothing installed there."""

from __future__ import annotations

import atexit
import contextlib
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from gateline.settings import passing
from gateline.settings.errors import OutsideError
from infra.host.ending import end

REMOTE = "/var/run/docker.sock"
SECONDS = 20.0
STOP_SECONDS = 2.0


def forwarded(url: str) -> str:
    """Return the `unix://` address of a socket on this machine that leads to the daemon at `ssh://[user@]host[:port]`.

    Keys, host names and jumps are those of the user's own ssh settings; a question (a password, an unknown host) is an
    error. The way ends with this process. Raises OutsideError with what ssh says.
    """
    folder = Path(tempfile.mkdtemp(prefix="gl-", dir="/tmp"))  # nosec B108: a short path, made private by mkdtemp
    here, said = folder / "docker.sock", folder / "ssh.log"
    with said.open("wb") as log:
        process = subprocess.Popen(
            argv(url, here), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True,
            env=passing.without_keys(),
        )  # fmt: skip
    atexit.register(_close, process, folder)
    deadline = time.monotonic() + SECONDS
    while not answers(here):
        if process.poll() is not None or time.monotonic() > deadline:
            why = said.read_text(encoding="utf-8", errors="replace").strip() or f"no answer within {SECONDS:.0f} s"
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
