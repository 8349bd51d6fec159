"""The kubernetes engine: each release a Deployment, and one object of the cluster that shares the traffic."""

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from gateline.contracts.digest import short
from gateline.contracts.files import place
from gateline.contracts.release import Image, Release
from gateline.contracts.slots import Slot, SlotMetrics, State, WantedReplica
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.settings import Settings
from gateline.settings.errors import GatelineError, GateRefused, OutsideError, UsageError
from infra.engines import changes
from infra.engines.contract import NOT_STARTED, Replica, Running, SlotStatus
from infra.engines.kubernetes.api import Api, PodTransport
from infra.engines.kubernetes.cluster import Cluster
from infra.engines.kubernetes.lock import LEASES, Lock
from infra.engines.kubernetes.names import Names
from infra.engines.kubernetes.objects import PORT
from infra.engines.kubernetes.pods import Pod, PodReadiness, Pods
from infra.engines.kubernetes.state import ClusterState, Kept, SecretState, Workload
from infra.engines.notes import StateNotes
from infra.engines.observing import ASK_SECONDS, SECONDS, Life, Observed
from infra.engines.slots import SlotEngine, given
from infra.host import unpacked
from infra.host.bundle import verify
from infra.host.notes import Notes
from infra.releases.signing.trust import Check, Trust, asked

BEAT_SECONDS = 0.4
CONNECTION_SECONDS = 1.0
"""Where a Service shares the traffic, it is connections that it shares: one that is kept stays with its pod, also with one
that is selected no more. So they are closed when they are so old, with an answer that says so: no request is lost."""
NOBODY = Life()


class KubernetesEngine(SlotEngine):
    """Runs the releases of one environment in one namespace of a cluster, which is reached when it is first asked for."""

    def __init__(self, settings: Settings, environment: str, root: Path = Path(".")) -> None:
        """Know where everything is; nothing is asked, started or written."""
        super().__init__(settings, environment, root)
        self._where = self._environment.kubernetes
        self._names = Names(settings.project.name, environment)
        self._api, self._pulse = Api(self._where), Api(self._where)
        self._pods, self._lock = Pods(self._api, self._names), Lock(self._api, self._names)
        self._cluster = Cluster(self._api, self._names, self._environment)
        self._ever: defaultdict[str, dict[str, Life]] = defaultdict(dict)
        """The pods that were seen of each Deployment, those that are gone as well."""
        self._beaten = 0.0

    @property
    def notes(self) -> Notes:
        return StateNotes(self._read, self._write, lambda: f"Secret {self._names.prefix} in {self._api}")

    def claim(self, about: str, rollback: bool = False) -> str:
        return self._lock.claim(about, rollback)

    def unclaim(self) -> None:
        self._lock.unclaim()

    def down(self) -> None:
        """Stop every pod, also where the state is gone. The Service, or the HTTPRoute, stays, so that its address does."""
        if (state := self._read()) is not None:
            state = self._write(lambda state: state.model_copy(update={"wanted": "down"}))
        self._cluster.halt(state or self._first())

    def remove(self) -> None:
        """Remove every object of this environment; images stay where they are."""
        self.down()
        self._cluster.remove()

    def orphaned(self) -> str:
        found = self._cluster.deployments() if self._read() is None else {}
        told = f"{', '.join(sorted(found))} in {self._api} run, though their state (Secret {self._names.prefix}) is gone"
        return told if found else ""

    def status(self) -> Running:
        state, pods = self._state(), self._pods.all()
        up = state.wanted == "up"
        live = self._cluster.live_shares(state, pods) if up else {}
        slots = {}
        for slot, wanted in state.slots.items():
            ours = [pod for pod in pods if pod.deployment == self._names.of(wanted.name) and not pod.leaving]
            replicas = (Replica(pod.name, pod.replica.address, pod.life.alive, pod.life.restarts) for pod in ours)
            slots[slot] = SlotStatus(slot, wanted.release, live.get(slot, 0.0), tuple(replicas))
        return Running(
            environment=state.environment,
            url=self._cluster.url(),
            proxy_alive=up and self._cluster.is_shared(),
            supervised=not (up and state.slots) or self._cluster.is_watched(),
            slots=slots,
            where=f"Deployments {self._names.prefix}-… in {self._api}",
            sharing=self._cluster.sharing(state, pods),
        )

    def versions(self) -> Mapping[str, str]:
        return self._cluster.versions()

    def fetch(self, release: Release, archive: bytes) -> None:
        """Note the pushed image of a release, which the nodes pull by its digest, and bring its files onto this machine.

        Raises UsageError where it was not pushed.
        """
        unpacked.add(self._layout, release, archive)
        image = self._image_of(release)
        kept = Kept(release=release, image=image)

        def noted(state: ClusterState) -> State:
            after = changes.fetched(state, release.digest, image.pushed)
            return after.model_copy(update={"kept": {**state.kept, release.digest: kept}})

        self._write(noted)

    def kept(self) -> list[Release]:
        found = (kept.release for kept in self._state().kept.values())
        return sorted(found, key=lambda release: release.created)

    def verify(self, release: Release, running: bool = False) -> str:
        """Return who vouches for a release and its image: what a node runs by digest is what was pushed."""
        kept = self._state().kept.get(release.digest)
        if kept is None:
            raise UsageError(
                f"release {release.name} ({short(release.digest)}) was not brought to {self._name}",
                "fetch it from the registry first: invoke deploy",
            )
        return Trust(self.notes).require(release, kept.image.id)

    def evidence(self, slot: Slot) -> Iterator[Check]:
        wanted = self._state().wanted_in(slot)
        yield asked("image", lambda: self.verify(wanted.release))
        kept = self._state().kept[wanted.release.digest]
        good = {kept.image.pushed.rpartition("@")[2], kept.image.id}
        for pod in self._pods.of(self._names.of(wanted.name)):
            found = pod.image.rpartition("@")[2]
            told = f"runs {short(found.removeprefix('sha256:'))}" if found else f"runs nothing yet ({pod.told})"
            yield Check(f"pod {pod.name}", found in good, told)

    def start(self, slot: Slot, release: Release, replicas: int) -> None:
        self.verify(release)
        kept = self._state().kept[release.digest]
        self._change(self._starting(slot, kept.release, kept.image.pushed, replicas))  # type: ignore[arg-type]

    def preview(self, release: Release, replicas: int) -> str:
        state = self._state()
        started = self._starting(Slot.CANARY, release, self._image_of(release).pushed, replicas)(state)
        after = changes.shared(started, {Slot.CANARY: 1.0})
        assert isinstance(after, ClusterState)
        return self._cluster.preview(after, state.slots.get(Slot.STABLE))

    def _starting(self, slot: Slot, release: Release, program: str, replicas: int) -> Callable[[ClusterState], State]:
        state = self._state()
        count = replicas * int(os.environ.get("GATELINE_WORKERS") or release.service.workers)
        variables = given(self._environment, state, os.environ) | {"GATELINE_HOSTS": ",".join(self._hosts())}
        variables |= {} if self._where.gateway else {"GATELINE_CONNECTION_SECONDS": str(CONNECTION_SECONDS)}

        def started(state: ClusterState) -> State:
            after = changes.started(state, slot, release, program, count, variables, _nowhere)
            wanted = after.slots[slot]
            if isinstance(wanted, Workload) and wanted.pools:
                return after
            own, stable = wanted.replicas[0].name, state.slots.get(Slot.STABLE)
            pools = tuple(dict.fromkeys((own, *((stable.name,) if stable else ()))))
            return after.with_slot(slot, Workload(**{**dict(wanted), "pools": pools}))

        return started

    def wait_ready(self, slot: Slot, seconds: float) -> None:
        state = self._state()
        wanted = state.wanted_in(slot)
        self._cluster.wake(wanted)
        where, name = f"{wanted.release.name} in slot {slot} of {state.environment}", self._names.of(wanted.name)
        with self.client("", ASK_SECONDS) as client:
            PodReadiness(
                where, wanted.release.digest, client, lambda: self._cluster.deployment(name), lambda: self._pods.of(name),
                self._pods.last_lines, lambda pods: self._cluster.reached(wanted, pods),
            ).wait(seconds)  # fmt: skip

    def guard(self, slot: Slot, guarded: bool) -> None:
        """Tie a slot's traffic to the heartbeat. Raises OutsideError where no watcher is there to listen to it."""
        if guarded:
            self.beat()
            self._cluster.wait_watched(self._environment.ready_seconds)
        super().guard(slot, guarded)

    def beat(self) -> None:
        """Renew the Lease, twice a second at most: each time is a write of the cluster's."""
        if time.monotonic() - self._beaten >= BEAT_SECONDS:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            self._pulse.merge(LEASES, self._names.heartbeat, {"spec": {"renewTime": now}})
            self._beaten = time.monotonic()

    def metrics(self, slot: Slot) -> SlotMetrics:
        """Read the counters of a slot's pods, and those that pods which are gone had when they were last read.

        Nothing of ours stands between callers and pods: requests that none answered are counted by nobody, and what the
        pods counted stands for what was sent where weights share the traffic; elsewhere nobody intended a share.
        """
        name = self._names.of(self._state().wanted_in(slot).name)
        pods = self._pods.of(name)
        ever = self._ever[name]
        ever |= {pod.name: pod.life for pod in pods}
        if not pods:
            raise OutsideError(f"no pod of slot {slot} runs, so it gives no metrics", "invoke status --logs")
        with self.client("", SECONDS) as client:
            found = self._meter.read([pod.replica for pod in pods], Observed(NOBODY, ever), client, {}, set(ever))
        return replace(found, proxied=found.requests if self._where.gateway else 0.0)

    def logs(self, lines: int) -> Mapping[str, str]:
        """Return the last lines of each pod of this environment, by its name, as its node keeps them."""
        return {name: self._api.logs(name, lines) for name in sorted(self._cluster.pod_names())}

    def predictions(self) -> Iterator[str]:
        """Yield every line of the prediction logs of the pods that run; those of a pod end with it."""
        for pod in self._pods.all():
            if pod.life.alive:
                done = self._api.kubectl("exec", pod.name, "--container=service", "--", "python3", "-c", READ_LOGS)
                if done.code:
                    raise OutsideError(f"pod {pod.name} gives no predictions: {done.said()[-1]}", "invoke status --logs")
                yield from done.output.splitlines(keepends=True)

    def bundle(self, release: Release) -> Path:
        """Return where the files of a release can be read on this machine; they are fetched where they miss."""
        folder = self._layout.bundle(release.digest)
        try:
            verify(folder, release)
        except GateRefused:
            unpacked.add(self._layout, release, Releases(Store.of(self._settings)).archive(release.digest))
        return folder

    def remember(self, digests: list[str]) -> None:
        """Replace the history; releases before the last ones are forgotten."""

        def remembered(state: ClusterState) -> State:
            after = changes.remembered(state, digests, self._where.keep_releases)
            kept = {digest: kept for digest, kept in state.kept.items() if digest in after.programs}
            return after.model_copy(update={"kept": kept})

        self._write(remembered)

    def close(self) -> None:
        """Give the ways to the API server back."""
        self._lock.unclaim()
        self._api.close()
        self._pulse.close()

    @cached_property
    def _states(self) -> SecretState:
        self._refuse_another_cluster()
        return SecretState(self._api, self._names)

    def _refuse_another_cluster(self) -> None:
        """Raise UsageError where this is not the namespace that the environment was brought up in from this machine."""
        record, here = self._layout.folder / "cluster.json", self._cluster.identity()
        known = json.loads(record.read_text(encoding="utf-8")) if record.exists() else here
        if known["uid"] != here["uid"]:
            raise UsageError(
                f"{self._name} is in {known['name']}, and this is {here['name']}, another one",
                f"set environments.{self._name}.kubernetes.context; or, if the environment has moved there: rm {record}",
            )
        if not record.exists():
            place({record: json.dumps(here)})

    def _read(self) -> ClusterState | None:
        return self._states.read()

    def _write(self, change: Callable[[ClusterState], State]) -> ClusterState:
        return self._states.change(self._first(), change)

    def _state(self) -> ClusterState:
        return self._read() or self._first()

    def _first(self) -> ClusterState:
        return ClusterState(
            project=self._settings.project.name, environment=self._name, host="0.0.0.0",  # nosec B104: no bind
            port=self._environment.port, runtime=Path("/"),
        )  # fmt: skip

    def _transport(self) -> httpx.BaseTransport:
        return PodTransport(self._api)

    def _living(self, slot: Slot) -> Sequence[WantedReplica]:
        pods: list[Pod] = self._pods.of(self._names.of(self._state().wanted_in(slot).name))
        return [pod.replica for pod in pods if pod.life.alive]

    def _hosts(self) -> Iterator[str]:
        """Yield the names that callers may ask the service by: any address, and what the cluster and the settings call it."""
        yield "0.0.0.0"  # nosec B104: no bind, it stands for any address
        name, namespace = self._names.prefix, self._where.namespace
        yield from (name, f"{name}.{namespace}", f"{name}.{namespace}.svc", f"{name}.{namespace}.svc.cluster.local")
        yield "*" if self._where.hostname.startswith("*") else self._where.hostname or name
        yield urlsplit(self._where.url).hostname or name

    def _image_of(self, release: Release) -> Image:
        """Return the newest pushed image of a release. Raises UsageError where there is none."""
        platform = self._settings.image.platform
        images = Releases(Store.of(self._settings)).images(release.digest)
        fitting = [image for image in images if not platform or image.platform == platform]
        if not fitting:
            raise UsageError(f"{release.name} has no image", "invoke build --push, then run the stages that judge it")
        pushed = next((image for image in fitting if image.pushed), None)
        if pushed is None:
            raise UsageError(
                f"the image of {release.name} was not pushed: a cluster's nodes pull it from its registry",
                "set image.repository, then: invoke build --push",
            )
        return pushed

    def _repair(self, before: State) -> tuple[list[str], Mapping[Slot, str]]:
        if told := self.orphaned():
            raise OutsideError(told, f"invoke down --env={self._name}, then deploy again")
        state = self._write(lambda state: state.model_copy(update={"wanted": "up", "port": self._environment.port}))
        return self._realise(state)

    def _apply(self, state: State) -> None:
        assert isinstance(state, ClusterState)
        self._realise(state)

    def _realise(self, state: ClusterState) -> tuple[list[str], Mapping[Slot, str]]:
        """Make the cluster what the state says; return in words what was missing, and by slot why it is not started."""
        refused, there = {}, self._cluster.deployments()
        for slot, wanted in state.slots.items():
            if self._names.of(wanted.name) not in there:
                try:
                    self.verify(wanted.release)
                except GatelineError as error:
                    refused[slot] = f"{NOT_STARTED}slot {slot}: {error.message.removeprefix('signature: ')}"
        return self._cluster.realise(state, there, refused, self._pods), refused


READ_LOGS = (
    "import os, pathlib, shutil, sys\n"
    "for path in pathlib.Path(os.environ['GATELINE_LOG_DIR']).glob('*.jsonl'):\n"
    "    with path.open('rb') as log:\n"
    "        shutil.copyfileobj(log, sys.stdout.buffer)"
)
"""Run in a pod: every line of its prediction logs."""


def _nowhere(count: int, state: State) -> list[tuple[str, int]]:
    """Return where pods will be, which the cluster alone decides."""
    return [("", PORT)] * count
