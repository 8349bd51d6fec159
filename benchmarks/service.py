"""The service next to the limit of its server, the naive app and other frameworks: one row a request, one worker each.

Starts all of them, loads one after the other in every round, and prints medians. Needs `wrk` and `hey`
(`apt-get install wrk hey`, `brew install wrk hey`); the other frameworks are installed from the locks in
`benchmarks/peers/` into environments of their own. Limits: see the printed table.

    python -m benchmarks.service
    python -m benchmarks.service --rounds 5 --seconds 5
    python -m benchmarks.service --skip-peers
"""

import argparse
import csv
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.peers.contenders import CONSTANT, GATELINE, LOGGED, NAIVE, PLAIN, RAW, Contender, limits, own, peers
from benchmarks.peers.measuring import Load, Server, answers, free_port, started
from benchmarks.peers.model import dump
from gateline.contracts.release import Release
from gateline.contracts.shaping import schema_of
from gateline.contracts.slots import Slot, State, WantedReplica, WantedSlot
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.settings import load
from infra.haproxy import configuration as haproxy
from infra.host.bundle import unpack
from infra.host.processes import Child, Command, wait_until
from tests.acceptance.project import ROOT, Project

CONNECTIONS = (16, 1)
PACE = 1000.0
"""Requests a second, open loop."""
OWN_STEP = '''"""A step that no fast path knows."""

from typing import Any

from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline

from gateline.contracts.schema import Schema
from model.features import preprocessor


class Unchanged(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Hand numbers on as they are."""

    def fit(self, X: Any, y: Any = None) -> "Unchanged":
        """Learn nothing."""
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: Any) -> Any:
        """Return the same numbers."""
        return X


def boosted(schema: Schema, seed: int, **parameters: Any) -> Any:
    """Return the example's model with a step of our own in it."""
    model = HistGradientBoostingClassifier(random_state=seed, **parameters)
    return make_pipeline(preprocessor(schema), Unchanged(), model)
'''


@dataclass
class Measured:
    """What was seen of one contender, a value a round."""

    loads: dict[int, list[Load]] = field(default_factory=lambda: {count: [] for count in CONNECTIONS})
    proxied: list[float] = field(default_factory=list)
    direct_p99: list[float] = field(default_factory=list)
    proxied_p99: list[float] = field(default_factory=list)
    paced: list[float] = field(default_factory=list)
    """Achieved requests a second, direct and through the proxy."""
    memory: float = 0.0
    first: float = 0.0

    def rate(self, connections: int) -> float:
        """Return the median of the requests a second."""
        return statistics.median(load.rate for load in self.loads[connections])

    def p99(self, connections: int) -> float:
        """Return the median of the 99th percentiles, in milliseconds."""
        return statistics.median(load.p99 for load in self.loads[connections])


def rows_of(file: Path, count: int = 1000) -> list[list[Any]]:
    """Return the first rows of a CSV file as JSON values in the order of the schema's features, missing ones as None."""
    columns = schema_of(load(ROOT / "pipeline.toml", {})).features
    with file.open(encoding="utf-8", newline="") as lines:
        taken = [row for _, row in zip(range(count), csv.DictReader(lines))]
    return [[_value(row[column.name], column.dtype) for column in columns] for row in taken]


def _value(text: str, dtype: str) -> Any:
    if text == "":
        return None
    return text if dtype in ("string", "datetime") else json.loads(text)


def bundles(scratch: Path) -> Iterator[tuple[str, Path]]:
    """Train and build the example in a copy, once as it is and once with a step of its own; yield the unpacked releases."""
    project = Project.copy(scratch, "speed", {"model.parameters.max_iter": 100})
    for name in (GATELINE, PLAIN):
        if name == PLAIN:
            (project.path / "model/own_step.py").write_text(OWN_STEP, encoding="utf-8")
            project.change(model__estimator="model.own_step:boosted", project__name="plain")
        digest = project.release()
        folder = scratch / name.replace(" ", "-")
        store = Store.of(project.settings.model_copy(update={"registry": _absolute(project)}))
        unpack(Releases(store).archive(digest), folder)
        yield name, folder


def _absolute(project: Project) -> Any:
    registry = project.settings.registry
    return registry.model_copy(update={"url": str(project.path / registry.url)})


@contextmanager
def proxied(servers: Mapping[str, Server], release: Release, scratch: Path) -> Iterator[Mapping[str, int]]:
    """Put a proxy with the project's configuration in front of each server; yield the proxies' ports by name."""
    ports = dict[str, int]()
    with ExitStack() as stack:
        for number, (name, server) in enumerate(servers.items()):
            port, runtime = free_port(), scratch / f"proxy-{number}"
            body = server.bodies.read_text(encoding="utf-8").splitlines()[0]
            runtime.mkdir()
            replicas = (WantedReplica(name="stable-0", port=server.port),)
            slots = {Slot.STABLE: WantedSlot(release=release, program="", share=1.0, replicas=replicas)}
            named = {"project": "speed", "environment": str(number), "host": "127.0.0.1", "port": port}
            state = State(**named, runtime=runtime, wanted="up", slots=slots)
            state.guards.parent.mkdir(parents=True, exist_ok=True)
            state.guards.write_text(haproxy.guards_file(state))
            file = runtime / "haproxy.cfg"
            file.write_text(haproxy.config(state))
            child = Child.spawn(Command([haproxy.binary(), "-db", "-f", str(file)], runtime, os.environ), runtime / "log")
            stack.callback(child.end, 3.0)
            if not wait_until(lambda: answers(f"http://127.0.0.1:{port}/predict", body), 10.0):
                raise SystemExit(f"the proxy does not answer:\n{(runtime / 'log').read_text()[-2000:]}")
            ports[name] = port
        yield ports


def measure(servers: Sequence[Server], ports: Mapping[str, int], rounds: int, seconds: int) -> dict[str, Measured]:
    """Load every server in every round; those with a proxy through it, too, and at a steady rate."""
    found = {server.contender.name: Measured(first=server.first) for server in servers}
    for number in range(1, rounds + 1):
        for server in servers:
            name, of = server.contender.name, found[server.contender.name]
            for connections in CONNECTIONS:
                of.loads[connections].append(server.load(connections, seconds))
            if name in ports:
                of.proxied.append(server.load(CONNECTIONS[0], seconds, ports[name]).rate)
                for port, p99s in ((0, of.direct_p99), (ports[name], of.proxied_p99)):
                    rate, p99 = server.paced(PACE, seconds, port)
                    of.paced.append(rate)
                    p99s.append(p99)
            of.memory = server.memory()
            print(f"round {number} of {rounds}: {name}: {of.loads[16][-1].rate:,.0f}/s", file=sys.stderr, flush=True)
    return found


def table(found: Mapping[str, Measured], rounds: int) -> None:
    """Print every contender next to the limit of the server."""
    raw = found[RAW]
    heads = [f"one row a request, medians of {rounds}", "16 connections, requests/s", "of raw ASGI", "p50 / p99 ms"]
    heads += ["1 connection, requests/s", "of raw ASGI", "memory (PSS)", "start to first answer"]
    print(f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for name, of in found.items():
        p50 = statistics.median(load.p50 for load in of.loads[16])
        cells = [f"{of.rate(16):,.0f}", f"{of.rate(16) / raw.rate(16):.3g}", f"{p50:.2g} / {of.p99(16):.2g}"]
        cells += [f"{of.rate(1):,.0f}", f"{of.rate(1) / raw.rate(1):.3g}", f"{of.memory:.0f} MB", f"{of.first:.2g} s"]
        print(f"| {name} | {' | '.join(cells)} |")


@dataclass(frozen=True)
class Limit:
    """One figure next to what it must be."""

    what: str
    figure: float
    limit: float
    at_least: bool = True

    @property
    def met(self) -> bool:
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit


def judged(found: Mapping[str, Measured]) -> list[Limit]:
    """Return every limit that was measured."""
    raw, constant, naive = found[RAW], found[CONSTANT], found[NAIVE]
    ours, plain, logged = found[GATELINE], found[PLAIN], found[LOGGED]
    others = {name: of.rate(16) for name, of in found.items() if name.partition(",")[0] in OTHERS}
    best = max(others, key=others.__getitem__, default="")
    through = statistics.median(ours.proxied)
    rate, proxied_p99 = ours.rate(16), statistics.median(ours.proxied_p99)
    limits = [
        Limit("requests/s of raw ASGI's, 16 connections", rate / raw.rate(16), 0.6),
        Limit("requests/s of raw ASGI's, 1 connection", ours.rate(1) / raw.rate(1), 0.7),
        Limit("p99 of raw ASGI's, 16 connections", ours.p99(16) / raw.p99(16), 2.5, at_least=False),
        Limit("requests/s of FastAPI's constant answer", rate / constant.rate(16), 2.0),
        Limit("requests/s of the naive app's", rate / naive.rate(16), 150.0),
        Limit("with the prediction log, requests/s of without", logged.rate(16) / rate, 0.9),
        Limit("without a fast path, requests/s of the naive app's", plain.rate(16) / naive.rate(16), 10.0),
        Limit("memory, MB", ours.memory, 60.0, at_least=False),
        Limit("start to first answer, s", ours.first, 1.0, at_least=False),
        Limit("through the proxy, of the constant answer's", through / statistics.median(raw.proxied), 0.85),
        Limit(
            f"at {PACE:,.0f} requests/s ({min(ours.paced):,.0f} achieved), p99 through the proxy above direct, ms",
            proxied_p99 - statistics.median(ours.direct_p99), 1.5, at_least=False,
        ),
    ]
    if best:
        limits.append(Limit(f"requests/s of the best other framework's ({best})", rate / others[best], 15.0))
        limits.append(Limit(f"without a fast path, requests/s of {best}'s", plain.rate(16) / others[best], 1.0))
    return limits


OTHERS = ("MLServer", "BentoML", "LitServe", "MLflow")


def run(rounds: int, seconds: int, with_peers: bool) -> int:
    """Start everything, measure, print; 1 where a limit was missed."""
    for program in ("wrk", "hey"):
        if not shutil.which(program):
            raise SystemExit(f"{program} is not on PATH: apt-get install {program}, or brew install {program}")
    with tempfile.TemporaryDirectory(prefix="gateline-benchmark-") as name, ExitStack() as stack:
        scratch = Path(name)
        model = scratch / "model.joblib"
        dump(ROOT / "data/train.csv", model)
        rows = rows_of(ROOT / "data/test.csv")
        columns = [column.name for column in schema_of(load(ROOT / "pipeline.toml", {})).features]
        folders = dict(bundles(scratch))
        (scratch / "log").mkdir()
        contenders: list[Contender] = limits(model)
        contenders += [own(name, folder, ROOT) for name, folder in folders.items()]
        contenders.append(own(LOGGED, folders[GATELINE], ROOT, {"GATELINE_LOG_DIR": str(scratch / "log")}))
        if with_peers:
            contenders += peers(model, columns, scratch, ROOT)
        servers = {one.name: stack.enter_context(started(one, rows, scratch)) for one in contenders}
        release = Release.model_validate_json((folders[GATELINE] / "release.json").read_bytes())
        fronted = {name: servers[name] for name in (RAW, GATELINE)}
        ports = stack.enter_context(proxied(fronted, release, scratch))
        found = measure(list(servers.values()), ports, rounds, seconds)
    table(found, rounds)
    judgements = judged(found)
    print("\n| what | measured | limit |\n|---|---|---|")
    for one in judgements:
        sign = "≥" if one.at_least else "≤"
        print(f"| {one.what} | {one.figure:.3g}{'' if one.met else ' (missed)'} | {sign} {one.limit:g} |")
    return int(not all(one.met for one in judgements))


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.service", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often each server is loaded (default: 3)")
    parser.add_argument("--seconds", type=int, default=4, help="how long each time (default: 4)")
    parser.add_argument("--skip-peers", action="store_true", help="leave the other frameworks out")
    options = parser.parse_args()
    return run(options.rounds, options.seconds, not options.skip_peers)


if __name__ == "__main__":
    sys.exit(main())
