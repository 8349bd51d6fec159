"""A real server in a process of its own, and the command that loads it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest

from gateline.contracts.load_sample import LoadSample

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = {
    "columns": [
        {"name": "hour", "dtype": "integer", "minimum": 0, "maximum": 10},
        {"name": "carrier", "dtype": "string", "categories": ["a", "b"], "nullable": 0.2},
        {"name": "late", "dtype": "integer", "categories": [0, 1]},
    ]
}
CONFIG = """
[project]
name = "tiny"
[data]
schema = "schema.json"
target = "late"
[load]
requests = 100
users = 4
rate = 200.0
warmup_requests = 0
[environments.staging]
port = 8101
"""


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str
    sample: LoadSample | None


@dataclass(frozen=True)
class Command:
    """`python -m load` in a folder with settings and schema."""

    folder: Path
    base: str

    def start(self, path: str, *arguments: str) -> subprocess.Popen[str]:
        """Start the command against a path of the server."""
        argv = [sys.executable, "-m", "load", "--url", f"{self.base}{path}", "--json", "sample.json", *arguments]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, cwd=self.folder, env=environment, stdout=pipe, stderr=pipe, text=True)

    def wait(self, process: subprocess.Popen[str]) -> Done:
        """Wait for the command's end."""
        out, err = process.communicate(timeout=40)
        written = self.folder / "sample.json"
        sample = LoadSample.model_validate_json(written.read_bytes()) if written.exists() else None
        return Done(process.returncode, out, err, sample)

    def wait_for_requests(self, path: str, count: int) -> None:
        """Wait until the server has seen so many requests on a path."""
        deadline = time.monotonic() + 30
        while int(urlopen(f"{self.base}{path}").read()) < count:
            assert time.monotonic() < deadline, f"{path} saw fewer than {count} requests"
            time.sleep(0.05)

    def run(self, path: str, *arguments: str) -> Done:
        """Run the command to its end."""
        return self.wait(self.start(path, *arguments))


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Yield the base URL of the running service."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        argv = [sys.executable, "-m", "uvicorn", "tests.load.app:app", "--fd", str(listening.fileno())]
        argv += ["--lifespan", "off", "--log-level", "warning"]
        process = subprocess.Popen(argv, cwd=ROOT, pass_fds=[listening.fileno()])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def command(tmp_path: Path, server: str) -> Command:
    """Return the command in a folder of its own."""
    (tmp_path / "pipeline.toml").write_text(CONFIG)
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    return Command(tmp_path, server)
