"""Real servers that tests reach on loopback: an ssh server that lets this account in, and a registry of images."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from infra.process.ports import free_ports

PATIENCE = 15.0
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
