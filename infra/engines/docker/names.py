"""What the containers, networks and volumes of one environment are called, and the labels that they carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PREDICTIONS = "/var/lib/predictions"
RUNTIME = "/var/lib/gateline"
PART, REPLICA, STATE, REVISION = "gateline.part", "gateline.replica", "gateline.state", "gateline.revision"
RELEASE, SLOT, VERSION = "gateline.release", "gateline.slot", "gateline.version"
RECORD, PROJECT, ENVIRONMENT = "gateline.record", "gateline.project", "gateline.environment"


@dataclass(frozen=True)
class Names:
    """The names of one environment of one project."""

    project: str
    environment: str

    @property
    def prefix(self) -> str:
        """What every name begins with; also the network's name."""
        return f"gateline-{self.project}-{self.environment}"

    @property
    def proxy(self) -> str:
        """The proxy's container."""
        return f"{self.prefix}-proxy"

    @property
    def runtime(self) -> str:
        """The volume with the proxy's configuration."""
        return f"{self.prefix}-runtime"

    @property
    def predictions(self) -> str:
        """The volume with the prediction logs."""
        return f"{self.prefix}-predictions"

    def replica(self, name: str) -> str:
        """Return the container of a replica."""
        return f"{self.prefix}-{name}"

    def state(self, revision: int) -> str:
        """Return the container that is never started and carries this revision of the state."""
        return f"{self.prefix}-state-{revision:08d}"

    def labels(self, part: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the labels of one part of the environment."""
        return {PROJECT: self.project, ENVIRONMENT: self.environment, PART: part, **(more or {})}

    def filters(self, part: str) -> dict[str, str | list[str] | bool]:
        """Return what finds every container of one part."""
        return {"label": [f"{name}={value}" for name, value in self.labels(part).items()]}
