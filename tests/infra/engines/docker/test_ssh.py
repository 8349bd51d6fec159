"""A daemon on another machine: reached through a real sshd on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from gateline.contracts.slots import Slot
from gateline.settings.errors import OutsideError
from infra.engines.docker.engine import DockerEngine
from infra.host.docker import Docker, argv, connect
from tests.infra.engines.docker.conftest import DockerEnvironment
from tests.servers import ssh_server


def test_the_way_ends_with_the_command_and_asks_nothing() -> None:
    told = argv("ssh://deploy@vm.example.org:2222", Path("/tmp/here"))
    assert told[0] == "ssh" and "BatchMode=yes" in told and told[-2:] == ["deploy@vm.example.org", "cat"]
    assert told[told.index("-L") + 1] == "/tmp/here:/var/run/docker.sock" and told[told.index("-p") + 1] == "2222"
    assert "-p" not in argv("ssh://vm", Path("/tmp/here")) and argv("ssh://vm", Path("/x"))[-2] == "vm"


@pytest.fixture
def machine(tmp_path: Path, daemon: Docker, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an sshd that lets this account in."""
    with ssh_server(tmp_path) as (address, path):
        monkeypatch.setenv("PATH", path)
        yield address


@pytest.mark.slow
def test_deploy_and_back_through_ssh(machine: str, environment: DockerEnvironment) -> None:
    first = environment.serving()
    production = environment.settings.environments["production"]
    there = production.model_copy(update={"docker": production.docker.model_copy(update={"host": machine})})
    settings = environment.settings.model_copy(update={"environments": {"production": there}})
    engine = DockerEngine(settings, "production", environment.root)
    try:
        there_seen, here_seen = engine.status(), environment.engine.status()
        assert machine in there_seen.where and "this machine" in here_seen.where
        assert replace(there_seen, where=here_seen.where) == here_seen
        second = environment.built("2")
        engine.fetch(second, environment.releases.archive(second.digest))
        engine.start(Slot.CANARY, second, 1)
        engine.wait_ready(Slot.CANARY, 30.0)
        engine.set_shares({Slot.CANARY: 1.0})
        assert served(environment.url) == second.digest and engine.metrics(Slot.CANARY).releases == {second.digest}
        engine.set_shares({Slot.STABLE: 1.0})
        engine.stop(Slot.CANARY)
        assert served(environment.url) == first.digest
    finally:
        engine.close()


def served(url: str) -> str:
    """Return who answers."""
    return httpx.post(f"{url}/predict", content=b"{}").headers["x-gateline-release"]


@pytest.mark.slow
def test_what_ssh_says_is_told(machine: str) -> None:
    with pytest.raises(OutsideError, match="Permission denied") as caught:
        connect(machine.replace("root@", "nobody@"))
    port = machine.rpartition(":")[2]
    assert caught.value.next_step == f"try it by hand: ssh -p {port} nobody@127.0.0.1 true"
    with pytest.raises(OutsideError, match="Connection refused"):
        connect("ssh://root@127.0.0.1:1")
