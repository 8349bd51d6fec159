"""What environments are and count, as one page for Prometheus: the same for every engine, since engines are asked for it."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import httpx
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector, CollectorRegistry

from gateline.contracts.slots import Slot
from gateline.settings.errors import GatelineError
from infra.drift.window import Window
from infra.engines.contract import Replica, Running, SlotStatus
from infra.rollout.target import Target

SECONDS = 3.0
"""How long a replica may take for its page: Prometheus waits 10 s for all of them together."""
AT_ONCE = 8
COUNTER, GAUGE = "counter", "gauge"
OWN: Mapping[str, tuple[str, str]] = {
    "gateline_environment_up": (GAUGE, "Whether the engine could be asked what runs in the environment"),
    "gateline_proxy_up": (GAUGE, "Whether the proxy runs and answers"),
    "gateline_supervisor_up": (GAUGE, "Whether what starts proxy and replicas again runs and answers"),
    "gateline_proxy_answers": (COUNTER, "Answers that clients got from the proxy, by status class"),
    "gateline_slot_share": (GAUGE, "Share of traffic that a slot gets now, 0 to 1"),
    "gateline_replica_up": (GAUGE, "Whether a replica answers with what it has counted"),
    "gateline_replica_restarts": (COUNTER, "How often a replica ended and was started again"),
    "gateline_rollout_started_timestamp_seconds": (GAUGE, "When the change that is under way or held was begun"),
    "gateline_drift_judged_timestamp_seconds": (GAUGE, "When drift of the stable release was judged last"),
    "gateline_drift_rows": (GAUGE, "Rows of the window that drift was judged on last"),
    "gateline_drift_psi": (GAUGE, "Population stability index of each column and of the predictions in that window"),
}
"""Kind and description of the metrics that no replica has; those of replicas are handed on as they are, with more labels."""


class Exporter(Collector):
    """Asks the environments of some targets whenever somebody asks for the page. It changes nothing in them."""

    def __init__(self, targets: Iterable[Target], say: Callable[[Target, str], None] = Target.say) -> None:
        """Keep the targets. `say` is told once why an environment cannot be asked, and that it can be asked again."""
        self._targets, self._say = tuple(targets), say
        self._troubles: dict[str, str] = {}
        self._lock = threading.Lock()
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Return everything as prometheus_client's metrics; an environment that cannot be asked hides no other."""
        page = _Page()
        with self._lock:  # engines are asked by one thread at a time
            for target in self._targets:
                page.labels = {"project": target.settings.project.name, "environment": target.name}
                trouble = _attempt(lambda: _add(page, target))
                page.add("gateline_environment_up", not trouble)
                if trouble != self._troubles.get(target.name, ""):
                    self._say(target, trouble or "can be asked again")
                self._troubles[target.name] = trouble
        yield from page.families.values()


class _Page:
    """Families by name, to which samples are added with the labels of one environment."""

    def __init__(self) -> None:
        self.families: dict[str, Metric] = {}
        self.labels: dict[str, str] = {}

    def add(self, name: str, value: float, **labels: str) -> None:
        """Add a sample of one of `OWN`."""
        kind, said = OWN[name]
        family = self.families.setdefault(name, Metric(name, said, kind))
        family.add_sample(f"{name}_total" if kind == COUNTER else name, {**self.labels, **labels}, float(value))

    def hand_on(self, families: Iterable[Metric], **labels: str) -> None:
        """Add what a replica counts."""
        for each in families:
            family = self.families.setdefault(each.name, Metric(each.name, each.documentation, each.type))
            for sample in each.samples:
                family.add_sample(sample.name, {**sample.labels, **self.labels, **labels}, sample.value)


def _attempt(step: Callable[[], None]) -> str:
    try:
        step()
        return ""
    except GatelineError as error:
        return f"cannot be asked: {error.message}; next: {error.next_step}"


def _add(page: _Page, target: Target) -> None:
    running = target.engine.status()
    page.add("gateline_proxy_up", running.proxy_alive)
    page.add("gateline_supervisor_up", running.supervised)
    for slot, status in running.slots.items():
        about = {"slot": str(slot), "release": status.release.digest, "version": status.release.version}
        page.add("gateline_slot_share", status.share, **about)
    _add_replicas(page, target, running)
    for name, count in target.engine.answers().items() if running.proxy_alive else ():
        page.add("gateline_proxy_answers", count, status=name)
    entry = target.journal.read()
    if entry is not None:
        state = "held" if entry.held else "abandoned" if entry.abandoned else "running"
        about = {"kind": entry.kind, "phase": entry.phase, "state": state}
        page.add("gateline_rollout_started_timestamp_seconds", _seconds(entry.started), **about)
    if Slot.STABLE in running.slots:
        _add_drift(page, target, running.slots[Slot.STABLE])


def _add_replicas(page: _Page, target: Target, running: Running) -> None:
    found = [(slot, replica) for slot, status in running.slots.items() for replica in status.replicas]
    with target.engine.client("", SECONDS) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        pages = pool.map(lambda one: _counted(client, one[1]), found)
        for (slot, replica), families in zip(found, pages, strict=True):
            about = {"slot": str(slot), "replica": replica.name}
            page.add("gateline_replica_up", bool(families), **about)
            page.add("gateline_replica_restarts", replica.restarts, **about)
            page.hand_on(families, **about)


def _counted(client: httpx.Client, replica: Replica) -> list[Metric]:
    """Return what a replica has counted; nothing where it does not answer."""
    try:
        answer = client.get(f"http://{replica.address}/metrics").raise_for_status()
        return list(text_string_to_metric_families(answer.text))
    except (httpx.HTTPError, ValueError):
        return []


def _add_drift(page: _Page, target: Target, stable: SlotStatus) -> None:
    """Add the last verdict, if it is on the release that serves: nothing is judged here, where looking often would deceive."""
    verdict = Window(target.engine.notes, stable.release.digest).last_verdict()
    if verdict is None:
        return
    page.add("gateline_drift_judged_timestamp_seconds", _seconds(verdict.created), outcome=str(verdict.outcome))
    page.add("gateline_drift_rows", verdict.metrics["rows"])
    for name, psi in verdict.metrics.items():
        if name.startswith("psi."):
            page.add("gateline_drift_psi", psi, column=name.removeprefix("psi."))


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
