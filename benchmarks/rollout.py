"""Cycles of deploy, canary, promote and rollback under steady load: how many requests are lost, how long a rollback takes.

Everything is real: the engine, HAProxy, the service, `invoke` commands in processes of their own. Half of the load
keeps its connections, half opens one a request; what a slow answer delays is sent later, all of it. Limits: 0 of at
least 50,000 lost; rollback under 3 s (in containers 5 s; on a cluster 5 s until the release left answers nobody, since the
command then waits for its pods to end).

    python -m benchmarks.rollout --cycles 20 --rate 500
    python -m benchmarks.rollout --engine docker
    python -m benchmarks.rollout --engine kubernetes    # behind the Gateway of the cluster that the tests use
    python -m benchmarks.rollout --engine pods          # the same cluster, traffic shared by the number of pods
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import cluster as clusters
from tests.acceptance.clustered import on_cluster
from tests.acceptance.project import Done, Project
from tests.daemon import connected, on_docker, remove
from tests.servers import image_registry
from tests.traffic import Traffic

LIMITS = {"process": 3.0, "docker": 5.0, "kubernetes": 5.0, "pods": 5.0}
"""Seconds that a rollback may take, by what runs the releases."""
CLUSTERED = ("kubernetes", "pods")
NAME = "rollout"
FEWEST = 50_000


class Cycles:
    """Two releases that take turns in production."""

    def __init__(self, project: Project, traffic: Traffic, releases: tuple[str, str]) -> None:
        """`releases[0]` is stable now."""
        self._project, self._traffic = project, traffic
        self._stable, self._other = releases
        self.commands: dict[str, list[float]] = {}
        self.switched: list[float] = []

    def once(self) -> None:
        """Deploy the other release, canary the first again, promote it, roll it back: the other one is stable at the end."""
        first, second = self._stable, self._other
        again = ("--lift-quarantine", "--unjudged")
        self._timed("deploy", f"--release={second}", "--skip-canary", *again)
        self._timed("canary", f"--release={first}", "--seconds=2", *again, code=3)
        self._timed("promote")
        begun = time.monotonic()
        self._timed("rollback")
        self.switched.append(self._traffic.last[first] - begun)
        self._stable, self._other = second, first

    def _timed(self, task: str, *flags: str, code: int = 0) -> None:
        begun = time.monotonic()
        done = self._project.invoke(task, "--env=production", *flags)
        self.commands.setdefault(task, []).append(time.monotonic() - begun)
        expect(done, code)


def expect(done: Done, code: int) -> None:
    """Stop the benchmark where a command ended otherwise than it should."""
    if done.code != code:
        raise SystemExit(f"expected exit {code}, got {done.code}:\n{done.output}")


@contextmanager
def project_on(engine: str, folder: Path) -> Iterator[Project]:
    """Yield a scratch copy whose production runs there; nothing of it is left. Stops where a cluster is missing."""
    changes: dict[str, Any] = {"gates.canary.min_requests": 1_000_000}
    with ExitStack() as stack:
        if engine in CLUSTERED:
            try:
                cluster = stack.enter_context(clusters.connected())
                os.environ.update({name: cluster.environ[name] for name in ("KUBECONFIG", "PATH")})
                registry = stack.enter_context(image_registry(folder))
                gateway = engine == "kubernetes"
                yield stack.enter_context(on_cluster(folder, NAME, cluster, registry, gateway, changes))
            except pytest.skip.Exception as missing:
                raise SystemExit(str(missing)) from None
            return
        if engine == "docker":
            client = connected()
            changes |= on_docker(client, "staging", "production")
            stack.callback(remove, client, NAME, "staging", "production")
        project = Project.copy(folder, NAME, changes)
        stack.callback(project.stop)
        yield project


def run(cycles: int, rate: float, engine: str, say: Callable[[str], None]) -> int:
    """Run the cycles in a scratch copy and print the table; 1 where a limit was missed."""
    with tempfile.TemporaryDirectory(prefix="gateline-benchmark-") as folder, project_on(engine, Path(folder)) as project:
        first = project.release()
        expect(project.invoke("deploy", "--env=production"), 0)
        project.change(model__parameters__max_iter=21)
        second = project.release()
        with project.traffic(rate=rate, threads=16, open_loop=True) as traffic:
            traffic.wait_for(100)
            measured = Cycles(project, traffic, (first, second))
            for number in range(1, cycles + 1):
                measured.once()
                say(f"cycle {number} of {cycles}: {traffic.sent} requests, {len(traffic.lost)} lost")
            while traffic.sent < min(FEWEST, cycles * 2_500):
                traffic.wait_for(500)
            achieved = traffic.rate
        print(f"\n{achieved:.0f} requests/s achieved of {rate:g}")
        return table(measured, traffic, cycles, engine)


def table(measured: Cycles, traffic: Traffic, cycles: int, engine: str) -> int:
    """Print what was measured next to its limit."""
    switched = "rollback: command's start to the last answer of the release left"
    seconds = {f"`invoke {name}`": taken for name, taken in measured.commands.items()} | {switched: measured.switched}
    limited = {switched} if engine in CLUSTERED else {switched, "`invoke rollback`"}
    print(f"\n| what ({cycles} cycles) | measured | limit |\n|---|---|---|")
    print(f"| requests lost | {len(traffic.lost)} of {traffic.sent:,} | 0 |")
    for name, taken in seconds.items():
        limit = f"{LIMITS[engine]:g} s" if name in limited else ""
        print(f"| {name}, median / largest | {statistics.median(taken):.2f} / {max(taken):.2f} s | {limit} |")
    for loss in traffic.lost[:20]:
        print(f"lost: {loss.release[:12]} {loss.reason}", file=sys.stderr)
    return int(bool(traffic.lost) or any(max(seconds[name]) > LIMITS[engine] for name in limited))


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.rollout", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cycles", type=int, default=20)
    parser.add_argument("--rate", type=float, default=500.0, help="requests a second in all")
    parser.add_argument("--engine", choices=sorted(LIMITS), default="process", help="what runs the releases")
    options = parser.parse_args()
    return run(options.cycles, options.rate, options.engine, lambda line: print(line, flush=True))


if __name__ == "__main__":
    sys.exit(main())
