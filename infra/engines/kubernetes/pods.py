"""The pods of one environment as the API server describes them, and what keeps them from serving, in its own words."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import httpx

from gateline.contracts.slots import WantedReplica
from gateline.settings.errors import OutsideError
from infra.engines.kubernetes.api import Api, Body
from infra.engines.kubernetes.names import DEPLOYMENT, PART, Names
from infra.engines.kubernetes.objects import CONTAINER, PORT
from infra.engines.observing import POLL_SECONDS, Life, unready

LINES, EVENTS = 10, 3
HOPELESS = (
    "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError",
    "RunContainerError", "CrashLoopBackOff",
)  # fmt: skip
"""Why a container waits that will go on waiting."""
NOT_YET = "failed to sync secret cache"
"""What a busy node says of a Secret that it has not read yet; it tries again by itself."""


@dataclass(frozen=True)
class Pod:
    """One pod of a service."""

    name: str
    deployment: str
    life: Life
    ready: bool
    leaving: bool
    image: str
    """What the node says that it runs: `…@sha256:…`, or the id of the image's configuration."""
    waits: str = ""
    """Why its container does not run: a reason of Kubernetes' own."""
    told: str = ""
    """What keeps it from running, in words; '' where it runs."""
    last_words: str = ""
    """The end of the log of its life before, as its node kept it."""
    address: str = ""
    """Its own address in the cluster."""

    @property
    def hopeless(self) -> bool:
        """Whether its container will go on waiting."""
        return self.waits in HOPELESS and NOT_YET not in self.told

    @property
    def replica(self) -> WantedReplica:
        """Return it as what can be asked; `PodTransport` finds it by its name."""
        return WantedReplica(name=self.name, host=self.name, port=PORT)


def read(body: Body) -> Pod:
    """Read a pod."""
    about, status = body["metadata"], body.get("status", {})
    conditions = {one["type"]: one for one in status.get("conditions", ())}
    container: Body = next((one for one in status.get("containerStatuses", ()) if one["name"] == CONTAINER), {})
    waiting = container.get("state", {}).get("waiting", {})
    scheduled = conditions.get("PodScheduled", {})
    told = f"{waiting.get('reason', '')}: {waiting.get('message', '')}".strip(": ")
    if scheduled.get("status") == "False":
        told = f"{scheduled.get('reason', '')}: {scheduled.get('message', '')}".strip(": ")
    restarts = int(container.get("restartCount", 0))
    leaving = "deletionTimestamp" in about
    ended = container.get("lastState", {}).get("terminated") or container.get("state", {}).get("terminated") or {}
    return Pod(
        name=about["name"],
        deployment=about.get("labels", {}).get(DEPLOYMENT, ""),
        life=Life(f"{about['uid']} {restarts}", "running" in container.get("state", {}) and not leaving, restarts),
        ready=conditions.get("Ready", {}).get("status") == "True" and not leaving,
        leaving=leaving,
        image=str(container.get("imageID", "")),
        waits=str(waiting.get("reason", "")),
        told=told,
        last_words=str(ended.get("message", "")).strip(),
        address=str(status.get("podIP", "")),
    )


class Pods:
    """The pods of one environment's services."""

    def __init__(self, api: Api, names: Names) -> None:
        """Keep the way to them; nothing is asked."""
        self._api, self._names = api, names

    def all(self) -> list[Pod]:
        """Return every pod of a service, those on their way out as well, by name."""
        found = self._api.items("v1/pods", self._names.own | {PART: "service"})
        return sorted((read(body) for body in found), key=lambda pod: pod.name)

    def of(self, deployment: str) -> list[Pod]:
        """Return those of one Deployment that stay."""
        return [pod for pod in self.all() if pod.deployment == deployment and not pod.leaving]

    def last_lines(self, name: str) -> str:
        """Return a pod's last events and log lines, for people: those of its life before, where it was started again."""
        logged = next((pod.last_words for pod in self.all() if pod.name == name), "") or self._api.logs(name, LINES)
        told = [*dict.fromkeys(self._events(name)), *(logged or "(nothing)").splitlines()[-LINES:]]
        return f"pod {name}:\n" + "\n".join(told)

    def _events(self, pod: str) -> Iterator[str]:
        path = f"{self._api.path('v1/events')}?fieldSelector=involvedObject.name={pod}"
        try:
            found = (self._api.get(path) or {}).get("items", [])
        except OutsideError:  # a courtesy: not every account may read events
            return
        for event in [one for one in found if one.get("type") == "Warning"][-EVENTS:]:
            yield f"{event.get('reason')}: {event.get('message')}"


@dataclass(frozen=True)
class PodReadiness:
    """One wait for the pods of one Deployment."""

    name: str
    """Names release, slot and environment, for people."""
    digest: str
    """The release that they should be."""
    client: httpx.Client
    deployment: Callable[[], Body]
    """Returns the Deployment as it is now."""
    pods: Callable[[], list[Pod]]
    last_lines: Callable[[str], str]
    reached: Callable[[Sequence[Pod]], str]
    """Returns why the traffic cannot reach these pods yet; '' where it can."""

    def wait(self, seconds: float) -> None:
        """Return when every pod that should be there is ready, as it says itself, and the traffic can reach it.

        Raises OutsideError as soon as one crashed, or cannot start at all, or after `seconds`; and GateRefused (rule `digest`)
        if another release answers.
        """
        before = {pod.name: pod.life.restarts for pod in self.pods()}
        deadline = time.monotonic() + seconds
        while (waiting := self._waiting_for(before)) is not None:
            pod, why = waiting
            if time.monotonic() > deadline:
                raise self._failure(f"{self.name} was not ready within {seconds:g} s: {why}", pod)
            time.sleep(POLL_SECONDS * 2)

    def _waiting_for(self, before: dict[str, int]) -> tuple[str, str] | None:
        """Return a pod (or '') and what is still missing; None where nothing is. Raises OutsideError where it is hopeless."""
        deployment, pods = self.deployment(), self.pods()
        wanted = int(deployment["spec"].get("replicas", 1))
        if why := refused(deployment):
            raise self._failure(f"{self.name} gets no pod: {why}", "")
        for pod in pods:
            if pod.life.restarts > before.get(pod.name, 0) or pod.waits == "CrashLoopBackOff":
                raise self._failure(f"{self.name} ended instead of getting ready", pod.name)
            if pod.hopeless:
                raise self._failure(f"{self.name} cannot start: {pod.told}", pod.name)
        for pod in pods:
            if why := pod.told or unready(self.client, pod.replica, self.digest):
                return pod.name, why
        if len(pods) < wanted:
            return "", f"{len(pods)} of {wanted} pods are there"
        if late := [pod.name for pod in pods if not pod.ready]:
            return late[0], f"pod {late[0]} does not pass its readiness probe yet"
        return ("", why) if (why := self.reached(pods)) else None

    def _failure(self, message: str, pod: str) -> OutsideError:
        lines = "\n  last lines of " + self.last_lines(pod).replace("\n", "\n    ") if pod else ""
        return OutsideError(message + lines, "fix that, then run the command again")


def refused(deployment: Body) -> str:
    """Return why the API server makes no pods for a Deployment (quota, Pod Security, …); '' where it does."""
    conditions = {one["type"]: one for one in deployment.get("status", {}).get("conditions", ())}
    failure = conditions.get("ReplicaFailure", {})
    return str(failure.get("message", failure.get("reason", ""))) if failure.get("status") == "True" else ""
