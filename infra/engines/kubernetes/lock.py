"""The lock of one environment: a Lease that its holder renews, and that another may take once it is not renewed any more.

Times are those of the API server alone, which sends its own with every answer: machines' clocks are not compared.
"""

import contextlib
import json
import os
import secrets
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from socket import gethostname
from threading import Event, Thread

import httpx

from gateline.settings.errors import OutsideError
from infra.engines.kubernetes.api import Api, Body
from infra.engines.kubernetes.names import ABOUT, Names
from infra.host.processes import started

LEASES = "coordination.k8s.io/v1/leases"
HELD_SECONDS, RENEW_SECONDS = 9, 3.0
ATTEMPTS = 5
FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class Lock:
    """What this process holds of an environment."""

    def __init__(self, api: Api, names: Names) -> None:
        """Hold nothing."""
        self._api, self._names = api, names
        self._me = f"{gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._held: dict[str, Event] = {}

    def claim(self, about: str, rollback: bool) -> str:
        """Take the environment; return '', or what its holder is about. A `rollback` is in the way of rollbacks alone."""
        name = f"{self._names.prefix}-lock" + ("-rollback" if rollback else "")
        for _ in range(ATTEMPTS):
            lease, now = self._read(name)
            if lease is not None and not _is_free(lease, self._me, now):
                return str(lease["metadata"].get("annotations", {}).get(ABOUT) or lease["spec"].get("holderIdentity"))
            if self._api.swap(LEASES, self._lease(name, lease, about, self._me, now)):
                ended = self._held[name] = Event()
                Thread(target=self._renew, args=(name, about, ended), daemon=True).start()
                return ""
        return "other commands, which take it one after the other"

    def unclaim(self) -> None:
        """Give back what is held."""
        for name, ended in self._held.items():
            ended.set()
            with contextlib.suppress(OutsideError):  # then it ends by itself
                lease, now = self._read(name)
                if lease is not None and lease["spec"].get("holderIdentity") == self._me:
                    self._api.swap(LEASES, self._lease(name, lease, "", "", now))
        self._held = {}

    def _renew(self, name: str, about: str, ended: Event) -> None:
        """Renew the Lease until it is given back, or another has taken it: this process slept for too long."""
        while not ended.wait(RENEW_SECONDS):
            with contextlib.suppress(OutsideError):
                lease, now = self._read(name)
                if lease is None or lease["spec"].get("holderIdentity") != self._me:
                    return
                if not ended.is_set():
                    self._api.swap(LEASES, self._lease(name, lease, about, self._me, now))

    def _read(self, name: str) -> tuple[Body | None, datetime]:
        """Return a Lease, or None, and the API server's time."""
        answer = self._api.ask("GET", self._api.path(LEASES, name))
        now = parsedate_to_datetime(answer.headers["date"]) if "date" in answer.headers else datetime.now(UTC)
        return (answer.json() if answer.status_code == httpx.codes.OK else None), now

    def _lease(self, name: str, before: Body | None, about: str, holder: str, now: datetime) -> Body:
        meta: Body = {"name": name, "labels": self._names.labels("lock"), "annotations": {ABOUT: about}}
        meta |= {"resourceVersion": before["metadata"]["resourceVersion"]} if before else {}
        spec: Body = {"holderIdentity": holder, "leaseDurationSeconds": HELD_SECONDS, "renewTime": now.strftime(FORMAT)}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}


def _is_free(lease: Body, me: str, now: datetime) -> bool:
    """Say whether nobody else holds a Lease: not given, not renewed, or its process on this machine is gone."""
    spec = lease["spec"]
    if spec.get("holderIdentity", "") in ("", me):
        return True
    renewed = datetime.strptime(spec["renewTime"], FORMAT).replace(tzinfo=UTC)
    if now - renewed > timedelta(seconds=spec.get("leaseDurationSeconds", HELD_SECONDS)):
        return True
    with contextlib.suppress(ValueError, KeyError, TypeError):
        about = json.loads(lease["metadata"].get("annotations", {}).get(ABOUT, ""))
        return bool(about["host"] == gethostname() and not started(int(about["pid"])))
    return False
