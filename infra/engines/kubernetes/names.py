"""What the objects of one environment are called, and which labels they carry."""

import re
from collections.abc import Mapping

from gateline.contracts.digest import of_bytes, short

DOMAIN = "gateline.dev"
PROJECT, ENVIRONMENT, PART = f"{DOMAIN}/project", f"{DOMAIN}/environment", f"{DOMAIN}/part"
SLOT, RELEASE, VERSION = f"{DOMAIN}/slot", f"{DOMAIN}/release", f"{DOMAIN}/version"
DEPLOYMENT, POOL = f"{DOMAIN}/deployment", f"{DOMAIN}/pool-"
REPLICAS, PLAN, ABOUT = f"{DOMAIN}/replicas", f"{DOMAIN}/plan", f"{DOMAIN}/about"
"""Annotations: how many replicas were asked for; what the watcher is to do; who holds the lock."""
MANAGED = {"app.kubernetes.io/managed-by": "gateline"}
LONGEST = 40
"""Of a prefix: with what follows it, a name is no longer than the 63 characters that a Service's may have."""
NO_LABEL = re.compile(r"[^A-Za-z0-9_.-]")


class Names:
    """The names of one environment of one project."""

    def __init__(self, project: str, environment: str) -> None:
        """Make them up."""
        self.project, self.environment = project, environment
        whole = f"gateline-{project}-{environment}"
        fits = len(whole) <= LONGEST
        self.prefix = whole if fits else f"{whole[: LONGEST - 9].rstrip('-')}-{of_bytes(whole.encode())[:8]}"
        """What every name begins with; also the Secret of the state, the entry Service and the HTTPRoute."""
        self.watcher, self.heartbeat = f"{self.prefix}-watcher", f"{self.prefix}-heartbeat"

    def of(self, workload: str) -> str:
        """Return the Deployment of a workload, and its Secret and Service."""
        return f"{self.prefix}-{workload}"

    @property
    def own(self) -> dict[str, str]:
        """The labels that find all of this environment."""
        return {PROJECT: value(self.project), ENVIRONMENT: value(self.environment)}

    def labels(self, part: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the labels of one object; `part` says what it is for."""
        about = {"app.kubernetes.io/name": value(self.project), PART: part}
        return about | MANAGED | self.own | {name: value(text) for name, text in (more or {}).items()}


def value(text: str) -> str:
    """Return a text as a label's value may be: the beginning of a digest, or at most 63 letters, digits, '-', '_' and '.'."""
    return short(text) if len(text) == 64 else NO_LABEL.sub("-", text)[:63].strip("-_.")
