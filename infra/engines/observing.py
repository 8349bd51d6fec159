"""What an engine sees of its replicas: whether they live and are ready, and a slot's counters, which only ever grow."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from gateline.contracts.digest import short
from gateline.contracts.slots import SlotMetrics, WantedReplica, WantedSlot
from gateline.settings.errors import GateRefused, OutsideError
from infra.haproxy.control import Server

SECONDS = 5.0
POLL_SECONDS = 0.05
ASK_SECONDS = 2.0


@dataclass(frozen=True)
class Life:
    """The proxy, or one replica, as its host sees it."""

    id: str = ""
    """Which life this is: a restart changes it."""
    alive: bool = False
    restarts: int = 0
    """How often it was started again."""


@dataclass(frozen=True)
class Observed:
    """What lives of an environment, as its host says; whether it answers is another question."""

    proxy: Life
    replicas: Mapping[str, Life]


@dataclass(frozen=True)
class Readiness:
    """One wait for one slot."""

    slot: WantedSlot
    name: str
    """Names release, slot and environment, for people."""
    client: httpx.Client
    """Reaches the replicas, with a timeout of ASK_SECONDS."""
    servers: Callable[[], Mapping[str, Server]]
    """Returns the proxy's servers by name. Raises OutsideError if the proxy does not answer."""
    observe: Callable[[], Observed]
    last_lines: Callable[[str], str]
    """Returns where the log of a replica is and its last lines."""

    def wait(self, seconds: float) -> None:
        """Return when every replica is ready and the proxy sees it so.

        Raises OutsideError as soon as a replica crashed, or after `seconds`, and GateRefused (rule `digest`) if
        another release answers.
        """
        before = self._restarts()
        deadline = time.monotonic() + seconds
        while waiting := self._waiting_for():
            for name, restarts in self._restarts().items():
                if restarts > before.get(name, 0):
                    raise self._failure(f"{self.name} ended instead of getting ready", name)
            if time.monotonic() > deadline:
                name, why = next(iter(waiting.items()))
                raise self._failure(f"{self.name} was not ready within {seconds:g} s: {why}", name)
            time.sleep(POLL_SECONDS)

    def _restarts(self) -> Mapping[str, int]:
        names = {replica.name for replica in self.slot.replicas}
        return {name: life.restarts for name, life in self.observe().replicas.items() if name in names}

    def _waiting_for(self) -> Mapping[str, str]:
        """Return what is still missing, by replica: first what they answer themselves, then what the proxy's checks say."""
        digest = self.slot.release.digest
        waiting = {replica.name: why for replica in self.slot.replicas if (why := unready(self.client, replica, digest))}
        if waiting:
            return waiting
        try:
            servers = self.servers()
        except OutsideError as error:
            return {self.slot.replicas[0].name: error.message}
        seen = {replica.name: servers.get(replica.name) for replica in self.slot.replicas}
        return {
            name: f"the proxy's check says {server.last_check if server else 'nothing yet'}"
            for name, server in seen.items()
            if not (server and server.up and server.passed)
        }

    def _failure(self, message: str, replica: str) -> OutsideError:
        lines = self.last_lines(replica).replace("\n", "\n    ")
        return OutsideError(f"{message}\n  last lines of {lines}", "fix that, then build again")


def unready(client: httpx.Client, replica: WantedReplica, digest: str) -> str:
    """Return what keeps a replica from being ready, as it answers itself; '' where it is. Raises as `Readiness.wait` does."""
    where = f"{replica.address}/health/ready"
    try:
        answer = client.get(f"http://{where}")
    except httpx.HTTPError as error:
        return f"{where} does not answer ({type(error).__name__})"
    if answer.status_code != httpx.codes.OK:
        return f"{where} answers {answer.status_code}: {answer.text[:200]}"
    try:
        found = str(answer.json()["release"])
    except (ValueError, KeyError, TypeError):
        found = "none"
    if found != digest:
        raise GateRefused(
            f"{answer.url} is release {short(found)}, should be {short(digest)}",
            "something else listens there, or the bundle is not what was built: invoke build", rule="digest",
        )
    return ""


class Meter:
    """Remembers what each process has counted, so that a restart takes nothing away.

    It knows what it has read itself: a meter made after a restart begins with what is counted then.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._services: dict[tuple[str, str], SlotMetrics] = {}
        self._servers: dict[tuple[str, str], Server] = {}

    def read(
        self, replicas: Sequence[WantedReplica], seen: Observed, client: httpx.Client, servers: Mapping[str, Server],
        left: Collection[str] = (),
    ) -> SlotMetrics:  # fmt: skip
        """Return the sums over a slot's replicas, asked through `client`; `servers` are all that the proxy knows.

        A replica that does not answer (it is being restarted) counts as when it was last read, as do those that have `left`.
        Raises OutsideError if no replica answers.
        """
        lives = {replica.name: seen.replicas.get(replica.name, Life()) for replica in replicas}
        failures: dict[str, OutsideError] = {}
        for replica in replicas:
            key = replica.name, lives[replica.name].id
            try:
                counted = scrape(client, replica.address)
            except OutsideError as error:
                failures[replica.name] = error
                continue
            # Smaller than before in one life: a successor answered that is not recorded yet. The next read is right.
            if counted.requests >= self._services.get(key, SlotMetrics()).requests:
                self._services[key] = counted
        if len(failures) == len(replicas):
            raise next(iter(failures.values()))
        self._servers |= {(name, seen.proxy.id): server for name, server in servers.items()}
        ever = {*lives, *left}
        counts = [counted for (name, _), counted in self._services.items() if name in ever]
        proxied = [server for (name, _), server in self._servers.items() if name in ever]
        living = (self._services.get((name, life.id), SlotMetrics()) for name, life in lives.items())
        memory = [counted.memory for counted in living if counted.memory]
        sums = reduce(SlotMetrics.plus, counts, SlotMetrics())
        return replace(
            sums,
            latency_buckets=dict(sorted(sums.latency_buckets.items())),
            proxied=sum(server.requests for server in proxied),
            proxy_errors=sum(server.errors for server in proxied),
            restarts=float(sum(life.restarts for life in lives.values())),
            silent=frozenset(failures),
            memory=sum(memory),
            processes=float(len(memory)),
        )


def scrape(client: httpx.Client, address: str) -> SlotMetrics:
    """Read `/metrics` of the replica at `host:port`. Raises OutsideError if it does not answer."""
    try:
        return read(client.get(f"http://{address}/metrics").raise_for_status().text)
    except (httpx.HTTPError, ValueError) as error:
        raise OutsideError(f"the replica at {address} gives no metrics: {error}", "invoke status --logs") from None


def read(page: str) -> SlotMetrics:
    """Read what one replica has counted from its Prometheus text page. Raises ValueError if it is none."""
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]

    def named(name: str) -> Iterable[Sample]:
        return (sample for sample in samples if sample.name == name)

    def total(name: str, status: str = "") -> float:
        return sum(sample.value for sample in named(name) if not status or sample.labels.get("status") == status)

    buckets, predictions = named("gateline_request_seconds_bucket"), named("gateline_predictions_total")
    return SlotMetrics(
        releases=frozenset(sample.labels["release"] for sample in named("gateline_release_info")),
        requests=total("gateline_requests_total"),
        errors=total("gateline_requests_total", "5xx") + total("gateline_empty_answers_total"),
        refused=total("gateline_requests_total", "4xx"),
        memory=total("process_resident_memory_bytes"),
        latency_sum=total("gateline_request_seconds_sum"),
        latency_buckets={float(sample.labels["le"]): sample.value for sample in buckets},
        predictions={sample.labels["label"]: sample.value for sample in predictions},
    )
