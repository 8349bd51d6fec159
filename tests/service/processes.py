"""Real processes that tests start, ask and end: the service, and Redis."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from infra.host.redis_server import binary

PATIENCE = 60.0


@dataclass
class Service:
    """A service process, what it wrote, and a client of it."""

    process: subprocess.Popen[str]
    client: httpx.Client
    errors: Path

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self.client.base_url.host, self.client.base_url.port or 0

    def wait_for(self, path: str, status: int = 200) -> httpx.Response:
        """Ask until the answer has this status."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                answer = self.client.get(path)
                if answer.status_code == status:
                    return answer
            assert self.process.poll() is None, self.errors.read_text()
            time.sleep(0.02)
        raise AssertionError(f"{path} never answered {status}: {self.errors.read_text()}")

    def ended(self) -> int:
        """Return the exit code, once there is one."""
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def service(bundle: Path, folder: Path, **environment: str) -> Iterator[Service]:
    """Start a bundle's service on a free port; it is killed at the end if it still runs."""
    port = free_port()
    errors = folder / "stderr.txt"
    with errors.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "--port", str(port), "--bundle", str(bundle)],
            env={key: value for key, value in os.environ.items() if not key.startswith("GATELINE_")} | environment,
            stderr=stream,
            text=True,
        )
        with process, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            try:
                yield Service(process, client, errors)
            finally:
                if process.poll() is None:
                    process.kill()


@dataclass
class Redis:
    """A redis-server that can be frozen, killed and started again on the same port."""

    binary: str
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty, and wait until it listens."""
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen([self.binary, *arguments], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
                return
            time.sleep(0.02)
        raise AssertionError("redis-server did not start")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; wait for its end where that is what the signal does."""
        assert self.process
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait(PATIENCE)

    def stop(self) -> None:
        """Kill it if it runs."""
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGKILL)


@contextlib.contextmanager
def redis() -> Iterator[Redis]:
    """Start a Redis of its own."""
    server = Redis(binary(), free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """Return a port of loopback that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert isinstance(port, int)
        return port
