"""The fake engine: processes that a thread starts again when they end, and a proxy that is asked over a port."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gateline.contracts.release import Release
from gateline.contracts.slots import Slot, State
from infra.engines.observing import Life, Observed
from infra.engines.proxied import ProxiedEngine
from infra.engines.slots import FIXED
from infra.haproxy import configuration
from infra.haproxy.control import Control, asking
from infra.host import ports, unpacked
from infra.host.layout import make_private
from infra.host.notes import FolderNotes
from infra.host.processes import Child, Command, tail, wait_until
from infra.releases.signing.trust import Check, Trust, asked

PROXY, LOOPBACK = "proxy", "127.0.0.1"


class Host:
    """What runs an environment's processes: it outlives the engine objects that use it."""

    def __init__(self) -> None:
        self.state: State | None = None
        self.lock, self.starts = threading.RLock(), Counter[str]()
        self.children: dict[str, Child] = {}
        self._wanted: dict[str, tuple[Command, Path]] = {}
        threading.Thread(target=self._look_after, daemon=True).start()

    def run(self, name: str, command: Command, log: Path) -> None:
        with self.lock:
            if name not in self._wanted or not self.children[name].alive():
                self._wanted[name], self.children[name] = (command, log), Child.spawn(command, log)
                self.starts[name] += 1

    def let_go(self, name: str, seconds: float) -> None:
        with self.lock:
            self._wanted.pop(name, None)
            child = self.children.pop(name)
        child.end(seconds)

    def _look_after(self) -> None:
        while True:
            time.sleep(0.1)
            with self.lock:
                for name, (command, log) in [*self._wanted.items()]:
                    self.run(name, command, log)


HOSTS: defaultdict[Path, Host] = defaultdict(Host)


class FakeEngine(ProxiedEngine):
    """Runs releases for as long as the tests last."""

    control = property(lambda self: Control(asking((LOOPBACK, self._environment.port + 1))))
    notes = property(lambda self: FolderNotes(self._layout.folder))
    _host = property(lambda self: HOSTS[self._layout.folder])

    def down(self) -> None:
        state = self._write(lambda state: state.model_copy(update={"wanted": "down"}))
        for name in sorted(self._host.children, key=lambda name: name != PROXY):
            self._host.let_go(name, state.drain_seconds)

    def remove(self) -> None:
        self.down()
        shutil.rmtree(self._state().runtime, ignore_errors=True)
        self._host.state = None

    def fetch(self, release: Release, archive: bytes) -> None:
        unpacked.add(self._layout, release, archive)

    def kept(self) -> list[Release]:
        return unpacked.kept(self._layout)

    def verify(self, release: Release, running: bool = False) -> str:
        return Trust(self.notes).require(unpacked.verified(self._layout, release))

    def evidence(self, slot: Slot) -> Iterator[Check]:
        wanted = self._state().wanted_in(slot)
        yield asked("files", lambda: self.verify(wanted.release))
        yield from (Check(one.name, one.name in self._host.children, "runs here") for one in wanted.replicas)

    def logs(self, lines: int) -> Mapping[str, str]:
        return {path.name: tail(path, lines) for path in self._layout.logs.glob("*.log")}

    def predictions(self) -> Iterator[str]:
        for path in self._layout.predictions.glob("*.jsonl"):
            yield from path.read_text(encoding="utf-8").splitlines(keepends=True)

    def _read(self) -> State | None:
        return self._host.state  # type: ignore[no-any-return]

    def _write(self, change: Callable[[State], State]) -> State:
        with self._host.lock:
            state = self._host.state = change(self._state())
            return state

    def _startable(self, release: Release) -> tuple[Release, str]:
        return release, sys.executable if self.verify(release) else ""

    def _free(self, count: int, state: State) -> list[tuple[str, int]]:
        return [(LOOPBACK, port) for port in ports.free_ports(count, {state.port + 1, *(one.port for one in state.replicas)})]

    def _observe(self) -> Observed:
        children = {**self._host.children}
        lives = {name: Life(str(one.pid), one.alive(), self._host.starts[name] - 1) for name, one in children.items()}
        return Observed(lives.pop(PROXY, Life()), lives)

    def _where(self) -> str:
        return f"processes of the tests, in {self._layout.folder}"

    def _last_lines(self, replica: str) -> str:
        return f"{replica}:\n{tail(self._layout.log(replica))}"

    def _repair(self, before: State) -> tuple[list[str], Mapping[Slot, str]]:
        state = self._write(lambda state: state.model_copy(update={"wanted": "up"}))
        refused = self._refused(state, self._observe())
        self._apply(state)
        for name in (hung := [*self._hung(state, self.control.servers())]):
            self._host.let_go(name, 0.0)
        self._apply(state)
        return [f"replica {name} answered nothing; it was ended" for name in hung], refused

    def _apply(self, state: State) -> None:
        refused, layout = self._refused(state, self._observe()), self._layout
        for slot, wanted in state.slots.items():
            for one in wanted.replicas if slot not in refused else ():
                argv = (wanted.program, "-m", "service", "--host", one.host, "--port", str(one.port))
                variables = {**os.environ, **FIXED, **wanted.variables, "GATELINE_LOG_DIR": str(layout.predictions)}
                self._host.run(one.name, Command(argv, layout.bundle(wanted.release.digest), variables), layout.log(one.name))
        make_private(state.runtime.parent)
        make_private(state.runtime)
        layout.predictions.mkdir(parents=True, exist_ok=True)
        state.guards.write_text(configuration.guards_file(state))
        layout.proxy_config.write_text(configuration.config(state, f"ipv4@{LOOPBACK}:{state.port + 1}"))
        program = (configuration.binary(), "-db", "-f", str(layout.proxy_config))
        self._host.run(PROXY, Command(program, state.runtime, os.environ), layout.log(PROXY))
        assert wait_until(lambda: self._servers(self._observe()) is not None, 30), tail(layout.log(PROXY))
        self.control.agree(state)
        for name in {*self._host.children} - {PROXY, *(replica.name for replica in state.replicas)}:
            self.control.drain(name, state)
            self._host.let_go(name, state.drain_seconds)
