"""The watcher in the cluster: it takes a guarded slot out of the traffic when its controller has gone silent.

It runs with the standard library alone, in a pod of its own: `python3 watcher.py`. What it is to do stands in an annotation
of the object that shares the traffic: the value to be there while the controller beats, and the one for when it does not.
It may read one Lease, read and patch that one object, and read which Deployments have ready pods.
"""

import json
import os
import ssl
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
SILENT_SECONDS, LOOK_SECONDS, ASK_SECONDS = 2.0, 0.25, 2.0
PLAN = "gateline.dev/plan"


class Cluster:
    """The API server, as this pod's account may ask it."""

    def __init__(self) -> None:
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
        self._url = f"https://{f'[{host}]' if ':' in host else host}:{port}"
        self._context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))

    def ask(self, path: str, patch: list[dict[str, Any]] | None = None) -> Any:
        """Return an object, after a patch of it if one is given. Raises OSError."""
        token = (ACCOUNT / "token").read_text(encoding="utf-8")
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json-patch+json"}
        data = json.dumps(patch).encode() if patch is not None else None
        request = urllib.request.Request(self._url + path, data, headers, method="PATCH" if patch is not None else "GET")
        with urllib.request.urlopen(request, timeout=ASK_SECONDS, context=self._context) as answer:  # nosec B310: https alone
            return json.load(answer)


class Pulse:
    """When the controller was last heard, on this pod's own clock: no two clocks are compared."""

    def __init__(self, now: float) -> None:
        self._value: str | None = None
        self._begun, self._heard = now, float("-inf")

    def alive(self, value: str, now: float) -> bool | None:
        """Say whether `value`, which every beat changes, has changed lately; None where it was not watched for long enough."""
        if value != self._value:
            self._heard = now if self._value is not None else self._heard
            self._value = value
        if now - self._heard < SILENT_SECONDS:
            return True
        return None if now - self._begun < SILENT_SECONDS else False


def wanted(plan: dict[str, Any], alive: bool | None, ready: set[str]) -> Any:
    """Return the value that should be there. Of weights, those of Services without ready pods are 0, unless all are."""
    value = plan["alive"] if alive or not plan["guarded"] else plan["dead"]
    if isinstance(value, dict):
        return value
    takers = [one for one in value if one["weight"] and one["name"] in ready]
    return [one if one in takers else {**one, "weight": 0} for one in value] if takers else value


def look(cluster: Any, pulse: Pulse, heartbeat: str, shared: str, deployments: str) -> bool:
    """Look once, and change what is to be changed; return whether anything was."""
    lease, found = cluster.ask(heartbeat), cluster.ask(shared)
    alive = pulse.alive(str(lease["spec"].get("renewTime")), time.monotonic())
    plan = json.loads(found["metadata"].get("annotations", {}).get(PLAN, "null"))
    if plan is None or (plan["guarded"] and alive is None):
        return False
    where, is_route = plan["where"], isinstance(plan["alive"], list)
    listed = cluster.ask(deployments)["items"] if is_route else []
    ready = {one["metadata"]["name"] for one in listed if one.get("status", {}).get("readyReplicas")}
    present: Any = found
    for part in where.strip("/").split("/"):
        present = present[int(part)] if isinstance(present, list) else present.get(part)
    value = wanted(plan, alive, ready)
    if _same(present, value):
        return False
    version = {"op": "test", "path": "/metadata/resourceVersion", "value": found["metadata"]["resourceVersion"]}
    cluster.ask(shared, [version, {"op": "replace", "path": where, "value": value}])
    print(f"{'guarded' if plan['guarded'] else 'free'}, beating {alive}: {where} is {json.dumps(value)} now", flush=True)
    return True


def _same(present: Any, value: Any) -> bool:
    """Say whether they weigh, or select, the same; the API server adds fields to what it is given."""
    if isinstance(value, dict):
        return bool(present == value)
    return {one["name"]: one.get("weight", 1) for one in present or ()} == {one["name"]: one["weight"] for one in value}


def main(heartbeat: str, shared: str, deployments: str) -> None:
    """Look for ever; what fails is tried again at the next look."""
    cluster, pulse = Cluster(), Pulse(time.monotonic())
    while True:
        begun = time.monotonic()
        try:
            look(cluster, pulse, heartbeat, shared, deployments)
        except (OSError, KeyError, ValueError, TypeError) as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        time.sleep(max(0.05, LOOK_SECONDS - (time.monotonic() - begun)))


if __name__ == "__main__":
    main(*sys.argv[1:4])
