"""Real servers that tests reach on loopback: an ssh server that lets this account in, a registry of images, and S3."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.host.ports import free_ports

PATIENCE = 30.0
REQUEST = re.compile(r'"(?:\x1b\[[\d;]*m)*(GET|PUT|POST|HEAD|DELETE) (\S+) HTTP')
"""How a request stands in the log of an S3 server, which colours those that failed."""
USER, PASSWORD = "deployer", "secret"  # pragma: allowlist secret
HASHED = "$2b$05$CA4.z06tbkWssSYWsUQZTObcr7YVXbfYe71gm0zGjQOzhH5qaCQme"
"""bcrypt of the password."""


@contextmanager
def ssh_server(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the address of an sshd and a PATH on which `ssh` takes its key and its settings from `folder`."""
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if sshd is None or os.getuid() != 0:
        pytest.skip("no sshd")
    for name in ("user", "host"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    [port] = free_ports(1, ())
    (folder / "sshd").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host'}\nAuthorizedKeysFile {folder / 'user.pub'}\n"
        f"PidFile {folder / 'pid'}\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
    )
    (folder / "client").write_text(
        f"Host *\n  IdentityFile {folder / 'user'}\n  UserKnownHostsFile {folder / 'known'}\n"
        "  StrictHostKeyChecking accept-new\n"
    )
    (folder / "bin").mkdir()
    (folder / "bin" / "ssh").write_text(f"#!/bin/sh\nexec {shutil.which('ssh')} -F '{folder / 'client'}' \"$@\"\n")
    (folder / "bin" / "ssh").chmod(0o755)
    Path("/run/sshd").mkdir(exist_ok=True)
    process = subprocess.Popen([sshd, "-D", "-f", str(folder / "sshd")])
    try:
        _until((folder / "pid").exists, "sshd", process)
        yield f"ssh://root@127.0.0.1:{port}", f"{folder / 'bin'}:{os.environ['PATH']}"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def image_registry(folder: Path, private: bool = False) -> Iterator[str]:
    """Yield the address of a registry that keeps its images in `folder`; a private one lets `USER` in with `PASSWORD`."""
    binary = shutil.which("docker-registry")
    if binary is None:
        pytest.skip("no docker-registry")
    [port] = free_ports(1, ())
    config = folder / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {folder / 'images'}\n"
        f"http:\n  addr: 127.0.0.1:{port}\n"
        + (f"auth:\n  htpasswd:\n    realm: test\n    path: {folder / 'htpasswd'}\n" if private else "")
    )
    (folder / "htpasswd").write_text(f"{USER}:{HASHED}\n")
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen([binary, "serve", str(config)], stdout=log, stderr=log)
    try:
        _until(lambda: _answers(f"http://127.0.0.1:{port}/v2/"), "docker-registry", process)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def login(folder: Path, registry: str) -> None:
    """Write into `folder` what `docker login` keeps."""
    encoded = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {registry: {"auth": encoded}}}))


@dataclass(frozen=True)
class S3:
    """An S3 server that runs."""

    endpoint: str
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs in its environment to reach it."""
        return {
            "AWS_ACCESS_KEY_ID": "nobody-in-particular",
            "AWS_SECRET_ACCESS_KEY": PASSWORD * 3,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": self.endpoint,
        }

    def client(self, service: str = "s3") -> Any:
        """Return a client of its own, apart from what is tested."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="admin",
            aws_secret_access_key=PASSWORD,
        )

    def bucket(self, name: str, *, versioned: bool = False) -> str:
        """Make a bucket; return its URL."""
        client = self.client()
        client.create_bucket(Bucket=name)
        if versioned:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return f"s3://{name}"

    def reach(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this process reach the server, and forget the connections to any other."""
        import s3fs

        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()

    def requests(self) -> list[str]:
        """Return every request that was answered so far, as `METHOD path`."""
        return [f"{method} {path}" for method, path in REQUEST.findall(self.log.read_text())]

    def kill(self) -> None:
        """Stop it at once, as a machine that is gone."""
        self.process.kill()
        self.process.wait(10)


@contextmanager
def s3_server(folder: Path, *flags: str, port: int = 0) -> Iterator[S3]:
    """Yield an S3 server that logs into `folder`; `tests/s3_app.py` lists the flags."""
    port = port or free_ports(1, ())[0]
    log = folder / f"s3-{port}.log"
    argv = [sys.executable, "-m", "tests.s3_app", str(port), *flags]
    with log.open("ab") as stream:
        process = subprocess.Popen(argv, cwd=Path(__file__).parents[1], stdout=stream, stderr=stream)
    try:
        _until(lambda: _answers(f"http://127.0.0.1:{port}/moto-api/"), "the S3 server", process)
        yield S3(f"http://127.0.0.1:{port}", log, process)
    finally:
        process.terminate()
        process.wait(10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code in (200, 401)
    except httpx.HTTPError:
        return False


def _until(ready: Callable[[], bool], name: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline and process.poll() is None, f"{name} does not start"
        time.sleep(0.02)
