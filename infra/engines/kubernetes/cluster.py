"""What of one environment is in the cluster, and what makes that be as the state says."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gateline.contracts.slots import Slot
from gateline.settings import Environment
from gateline.settings.errors import OutsideError
from infra.engines.kubernetes import traffic
from infra.engines.kubernetes.api import Api, Body
from infra.engines.kubernetes.difference import difference
from infra.engines.kubernetes.lock import FORMAT, LEASES
from infra.engines.kubernetes.names import DEPLOYMENT, MANAGED, PART, POOL, REPLICAS, SLOT, Names
from infra.engines.kubernetes.objects import KINDS, SPARE_SECONDS, Objects
from infra.engines.kubernetes.pods import Pod, Pods, refused
from infra.engines.kubernetes.state import ClusterState, Workload
from infra.host.processes import wait_until

DEPLOYMENTS, SERVICES, SECRETS = "apps/v1/deployments", "v1/services", "v1/secrets"  # pragma: allowlist secret
ROUTES, SLICES = "gateway.networking.k8s.io/v1/httproutes", "discovery.k8s.io/v1/endpointslices"
GATEWAY = "/apis/gateway.networking.k8s.io/v1/namespaces/{}/gateways/{}"
FOLLOW_SECONDS, SETTLE_SECONDS = 15.0, 0.3
"""How long the cluster may take to follow a change of traffic; and what its nodes take after they were told."""
OWNER = "kubernetes.io/service-name"


class Cluster:
    """The objects of one environment as they are in its namespace."""

    def __init__(self, api: Api, names: Names, environment: Environment) -> None:
        """Keep the way there; nothing is asked."""
        self._api, self._names, self._environment = api, names, environment
        self._where = environment.kubernetes
        self._objects = Objects(names, self._where, environment.port)
        self._entry = (ROUTES if self._where.gateway else SERVICES, names.prefix)

    def identity(self) -> dict[str, str]:
        """Return what this namespace is known by, and how people call it. Raises OutsideError where it does not exist."""
        found = self._api.get(f"/api/v1/namespaces/{self._where.namespace}")
        if found is None:
            why = f"{self._api}: there is no such namespace"
            raise OutsideError(why, f"kubectl create namespace {self._where.namespace}, or ask whoever runs the cluster")
        return {"uid": found["metadata"]["uid"], "name": str(self._api)}

    def versions(self) -> dict[str, str]:
        """Return the resource version of the state, of what shares the traffic, and of the Deployments of services."""
        kinds = (SECRETS, self._entry[0])
        single = {f"{kind}/{self._names.prefix}": self._api.get(self._api.path(kind, self._names.prefix)) for kind in kinds}
        found = single | {f"{DEPLOYMENTS}/{name}": body for name, body in self.deployments().items()}
        return {name: body["metadata"]["resourceVersion"] for name, body in found.items() if body is not None}

    def deployments(self) -> dict[str, Body]:
        """Return the Deployments of services by name."""
        found = self._api.items(DEPLOYMENTS, self._names.own | {PART: "service"})
        return {one["metadata"]["name"]: one for one in found}

    def deployment(self, name: str) -> Body:
        """Return a Deployment. Raises OutsideError where it is gone."""
        found = self._api.get(self._api.path(DEPLOYMENTS, name))
        if found is None:
            raise OutsideError(f"Deployment {name} in {self._api} is gone", "invoke up makes it again")
        return found

    def pod_names(self) -> list[str]:
        """Return every pod of this environment, the watcher's as well."""
        return [one["metadata"]["name"] for one in self._api.items("v1/pods", self._names.own)]

    # Making it so.

    def realise(self, state: ClusterState, there: Mapping[str, Body], left_out: Collection[Slot], pods: Pods) -> list[str]:
        """Make everything what the state says, but for the Deployments of `left_out`: new ones, then the traffic, then those
        that leave. Return in words what was missing."""
        told = []
        for slot, wanted in state.slots.items():
            name = self._names.of(wanted.name)
            if name in there:
                self._change(slot, wanted, there[name])
            elif slot not in left_out:
                self._start(state, slot, wanted)
                told.append(f"Deployment {name} of slot {slot} was gone; it was made again")
        present = state.model_copy(update={"slots": {slot: one for slot, one in state.slots.items() if slot not in left_out}})
        self._watch(present)
        self.share(present, pods.all())  # a route that names what is not there is not followed
        self._leave(state, {*there} - {self._names.of(one.name) for one in state.slots.values()}, pods)
        return told

    def _start(self, state: ClusterState, slot: Slot, wanted: Workload) -> None:
        self._api.apply(SECRETS, self._objects.secret(slot, wanted))
        if self._where.gateway:
            self._api.apply(SERVICES, self._objects.service(slot, wanted))
        count = 0 if state.wanted == "down" else self._count(slot, wanted)
        self._api.apply(DEPLOYMENTS, self._objects.deployment(slot, wanted, count, self._environment.ready_seconds))

    def _count(self, slot: Slot, wanted: Workload) -> int:
        """Return how many replicas a slot has: none in `previous` where the settings keep that cold, unless it serves."""
        cold = slot is Slot.PREVIOUS and not self._where.warm and wanted.share == 0
        return 0 if cold else len(wanted.replicas)

    def _change(self, slot: Slot, wanted: Workload, before: Body) -> None:
        """Move a Deployment to its slot, and to another number of replicas where that was asked for.

        What an autoscaler made of the number since then stays.
        """
        labels, notes = before["metadata"].get("labels", {}), before["metadata"].get("annotations", {})
        count = self._count(slot, wanted)
        body: Body = {"metadata": {"labels": {SLOT: str(slot)}, "annotations": {REPLICAS: str(count)}}}
        if notes.get(REPLICAS) != str(count) or (count and not before["spec"].get("replicas")):
            body["spec"] = {"replicas": count}
        if "spec" in body or labels.get(SLOT) != str(slot):
            self._api.merge(DEPLOYMENTS, self._names.of(wanted.name), body)

    def wake(self, wanted: Workload) -> None:
        """Start the pods of a slot that was kept cold."""
        name = self._names.of(wanted.name)
        if not self.deployment(name)["spec"].get("replicas"):
            count = len(wanted.replicas)
            about = {"annotations": {REPLICAS: str(count)}}
            self._api.merge(DEPLOYMENTS, name, {"metadata": about, "spec": {"replicas": count}})

    def _leave(self, state: ClusterState, names: Collection[str], pods: Pods) -> None:
        """Remove Deployments, and return when the requests of their pods have ended."""
        for name in names:
            self._api.delete(DEPLOYMENTS, name)
        if names:
            seconds = self._where.leave_seconds + state.drain_seconds + 2 * SPARE_SECONDS
            wait_until(lambda: not any(pod.deployment in names for pod in pods.all()), seconds)
        for name in names:
            self._api.delete(SERVICES, name)
            self._api.delete(SECRETS, name)

    def _watch(self, state: ClusterState) -> None:
        """Let the watcher run, from the image of the release that serves."""
        if self._api.get(self._api.path(LEASES, self._names.heartbeat)) is None:
            self._api.apply(LEASES, self._objects.heartbeat(datetime.now(UTC).strftime(FORMAT)))
        if not state.slots or state.wanted == "down":
            return
        image = (state.slots.get(Slot.STABLE) or next(iter(state.slots.values()))).program
        if self._api.get(self._api.path("rbac.authorization.k8s.io/v1/rolebindings", self._names.watcher)) is None:
            for kind, body in self._objects.watcher_account():
                self._api.apply(kind, body)
        ours = ",".join(f"{key}={text}" for key, text in self._names.own.items())
        services = f"{self._api.path(DEPLOYMENTS)}?labelSelector={ours}"
        paths = (self._api.path(LEASES, self._names.heartbeat), self._api.path(*self._entry), services)
        for kind, body in self._objects.watcher(image, paths):
            self._api.apply(kind, body)

    def is_watched(self) -> bool:
        """Say whether the watcher runs."""
        found = self._api.get(self._api.path(DEPLOYMENTS, self._names.watcher))
        return bool(found and found.get("status", {}).get("readyReplicas"))

    def wait_watched(self, seconds: float) -> None:
        """Return when the watcher runs. Raises OutsideError where it does not: nobody would take the canary out."""
        if not wait_until(self.is_watched, seconds):
            found = self._api.get(self._api.path(DEPLOYMENTS, self._names.watcher)) or {}
            why = refused(found) or "its pod is not ready"
            raise OutsideError(
                f"the watcher {self._names.watcher} in {self._api} does not run within {seconds:g} s: {why}",
                f"kubectl describe pods -l {DEPLOYMENT}={self._names.watcher}",
            )

    def halt(self, state: ClusterState) -> None:
        """Stop every pod; Services, the HTTPRoute, the state and the Lease stay."""
        self._api.delete(DEPLOYMENTS, self._names.watcher)
        pods = Pods(self._api, self._names)
        self._leave(state, {*self.deployments()}, pods)

    def remove(self) -> None:
        """Remove every object that the engine made for this environment."""
        for kind in KINDS if self._where.gateway else [kind for kind in KINDS if kind != ROUTES]:
            for one in self._api.items(kind, self._names.own | MANAGED):
                self._api.delete(kind, one["metadata"]["name"])
        wait_until(lambda: not self.pod_names(), self._where.leave_seconds + 2 * SPARE_SECONDS)

    # The traffic.

    def share(self, state: ClusterState, pods: Sequence[Pod]) -> None:
        """Give each slot its share by one change of one object, and return when the cluster follows it."""
        if self._where.gateway:
            self._weigh(state, pods)
            return
        before = self._api.get(self._api.path(SERVICES, self._names.prefix))
        wanted = self._sharing(state, ())
        self._api.apply(SERVICES, wanted)
        selector = wanted["spec"]["selector"]
        if before is None or before["spec"].get("selector") != selector:
            self._follow(self._names.prefix, selector)

    def _sharing(self, state: ClusterState, ready: Collection[str]) -> Body:
        """Return the object that shares the traffic; `ready` are the workloads, by name, that a Gateway may lead to."""
        guarded = any(one.guarded and one.share > 0 for one in state.slots.values())
        if not self._where.gateway:
            selector = traffic.selector(self._names, state)
            plan = {"where": "/spec/selector", "guarded": guarded, "alive": selector}
            return self._objects.entry(selector, plan | {"dead": traffic.selector(self._names, state, guarded=False)})
        port, every = self._environment.port, {one.name for one in state.slots.values()}
        plan = {"where": "/spec/rules/0/backendRefs", "guarded": guarded}
        plan["alive"] = traffic.backends(self._names, state, port, every)
        plan["dead"] = traffic.backends(self._names, state, port, every, guarded=False)
        return self._objects.route(traffic.backends(self._names, state, port, ready), plan)

    def preview(self, state: ClusterState, stable: Workload | None) -> str:
        """Return how the Deployment of `stable`, and what shares the traffic, differ from what a state would make of them.

        The API server says what that would be, and refuses an object that it would not take.
        """
        wanted = state.slots[Slot.CANARY]
        count, patience = self._count(Slot.CANARY, wanted), self._environment.ready_seconds
        made = self._api.apply(DEPLOYMENTS, self._objects.deployment(Slot.CANARY, wanted, count, patience), dry_run=True)
        there = self._api.get(self._api.path(DEPLOYMENTS, self._names.of(stable.name))) if stable else None
        shared = self._api.apply(self._entry[0], self._sharing(state, {wanted.name}), dry_run=True)
        before = self._api.get(self._api.path(*self._entry))
        return difference(there, made) + difference(before, shared)

    def _follow(self, service: str, selector: Mapping[str, str]) -> None:
        """Return when a Service leads to the ready pods that its selector names. Raises OutsideError where it never does."""

        def follows() -> bool:
            chosen = self._api.items("v1/pods", selector)
            ready = {one["metadata"]["name"] for one in chosen if _is_ready(one)}
            return self._endpoints(service) == ready

        late = f"the endpoints of Service {service} in {self._api} did not follow within {FOLLOW_SECONDS:g} s"
        _settle(follows, lambda: late, f"kubectl describe endpointslices -l {OWNER}={service}")

    def _weigh(self, state: ClusterState, pods: Sequence[Pod]) -> None:
        if self._api.get(self._api.path(SERVICES, self._names.prefix)) is None:
            self._api.apply(SERVICES, self._objects.entry(traffic.nobody(self._names), {}))
        self._api.apply(ROUTES, self._sharing(state, self._ready(state, pods)))
        last: list[str] = []

        def follows() -> bool:
            route = self._api.get(self._api.path(ROUTES, self._names.prefix)) or {}
            last[:] = _faults(route)
            return not last

        _settle(
            follows,
            lambda: f"Gateway {self._where.gateway} does not route HTTPRoute {self._names.prefix}: {'; '.join(last)}",
            f"kubectl describe httproute {self._names.prefix} --namespace={self._where.namespace}",
        )

    def reached(self, wanted: Workload, pods: Sequence[Pod]) -> str:
        """Return why the Gateway cannot reach these pods yet; '' where it can, or none stands before them."""
        if not self._where.gateway:
            return ""
        missing = {pod.name for pod in pods} - self._endpoints(self._names.of(wanted.name))
        return f"Service {self._names.of(wanted.name)} does not lead to {', '.join(sorted(missing))} yet" if missing else ""

    def live_shares(self, state: ClusterState, pods: Sequence[Pod]) -> dict[Slot, float]:
        """Return the share of each slot as the cluster gives it now: what has no ready pod has none."""
        found = self._api.get(self._api.path(*self._entry)) or {"spec": {}}
        ready = {slot: self._ready_pods(one, pods) for slot, one in state.slots.items()}
        if self._where.gateway:
            rules = found["spec"].get("rules", [{}])
            weights = {one["name"]: float(one.get("weight", 1)) for one in rules[0].get("backendRefs", ())}
            by_slot = {slot: weights.get(self._names.of(one.name), 0.0) for slot, one in state.slots.items() if ready[slot]}
        else:
            selector = found["spec"].get("selector", {})
            chosen = {slot: _selects(selector, self._names, one) for slot, one in state.slots.items()}
            by_slot = {slot: float(len(ready[slot]) * chosen[slot]) for slot in state.slots}
        named = {str(slot): value for slot, value in by_slot.items()}
        return {slot: traffic.shares(named)[str(slot)] for slot in by_slot}

    def sharing(self, state: ClusterState, pods: Sequence[Pod]) -> str:
        """Say which share the pods give where no weights do; '' behind a Gateway."""
        if self._where.gateway:
            return ""
        counts = {slot: len(self._ready_pods(one, pods)) for slot, one in state.slots.items()}
        asked = {slot: one.share for slot, one in state.slots.items()}
        return traffic.told(asked, counts) or "shared by ready pods: all of it goes to one slot"

    def is_shared(self) -> bool:
        """Say whether the object that shares the traffic is there, and the Gateway, where one is named, is programmed."""
        if self._api.get(self._api.path(*self._entry)) is None:
            return False
        return not self._where.gateway or _holds(self._gateway().get("status", {}).get("conditions", ()), "Programmed")

    def url(self) -> str:
        """Return where callers reach the environment."""
        if self._where.url:
            return self._where.url
        if self._where.gateway:
            gateway = self._gateway()
            address = next((one["value"] for one in gateway.get("status", {}).get("addresses", ())), self._where.gateway)
            listener = next((one for one in gateway.get("spec", {}).get("listeners", ())), {"port": 80})
            return f"http://{self._where.hostname or address}:{listener['port']}"
        found = self._api.get(self._api.path(SERVICES, self._names.prefix))
        host = (found or {}).get("spec", {}).get("clusterIP", f"{self._names.prefix}.{self._where.namespace}")
        return f"http://{host}:{self._environment.port}"

    def _gateway(self) -> Body:
        namespace, _, name = self._where.gateway.partition("/")
        return self._api.get(GATEWAY.format(namespace, name)) or {}

    def _ready(self, state: ClusterState, pods: Sequence[Pod]) -> set[str]:
        return {one.name for one in state.slots.values() if self._ready_pods(one, pods)}

    def _ready_pods(self, wanted: Workload, pods: Sequence[Pod]) -> list[Pod]:
        return [pod for pod in pods if pod.deployment == self._names.of(wanted.name) and pod.ready]

    def _endpoints(self, service: str) -> set[str]:
        """Return the pods that a Service leads to."""
        found = self._api.items(SLICES, {OWNER: service})
        ends = (end for one in found for end in one.get("endpoints") or () if end.get("conditions", {}).get("ready"))
        return {end["targetRef"]["name"] for end in ends if "targetRef" in end}


def _settle(follows: Callable[[], bool], late: Callable[[], str], advice: str) -> None:
    """Return when the traffic follows a change. Raises OutsideError, which says `late`, where it never does."""
    if not wait_until(follows, FOLLOW_SECONDS):
        raise OutsideError(late(), advice)
    time.sleep(SETTLE_SECONDS)


def _selects(selector: Mapping[str, str], names: Names, wanted: Workload) -> bool:
    pool = {POOL + pool: "yes" for pool in wanted.pools}
    return bool(selector) and selector.items() <= (names.own | pool | {DEPLOYMENT: names.of(wanted.name)}).items()


def _is_ready(pod: Body) -> bool:
    return _holds(pod.get("status", {}).get("conditions", ()), "Ready") and "deletionTimestamp" not in pod["metadata"]


def _holds(conditions: Sequence[Any], kind: str) -> bool:
    return any(one["type"] == kind and one["status"] == "True" for one in conditions)


def _faults(route: Body) -> list[str]:
    """Return what keeps a route from being followed as it is now."""
    parents = route.get("status", {}).get("parents", ())
    generation = route.get("metadata", {}).get("generation")
    if not parents:
        return ["no Gateway has taken it up"]
    conditions = [one for parent in parents for one in parent.get("conditions", ())]
    late = [one for one in conditions if one.get("observedGeneration", generation) != generation]
    wrong = [f"{one.get('reason')}: {one.get('message')}" for one in conditions if one["status"] != "True" and one not in late]
    return wrong or (["the Gateway has not seen the last change"] if late else [])
