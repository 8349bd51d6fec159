"""What the containers, networks and volumes of an environment are called, and what their labels hold: also its state.

The state is a label of a container that is never started. Labels are written once, with their container, and a container's
name exists once. A change is therefore whole or not at all, and of two changes at the same time one is made after the other;
any colleague who reaches the daemon reads the same.
"""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from gateline.contracts.slots import State
from gateline.settings.errors import OutsideError
from infra.host.docker import CONFLICT, APIError, Docker, NotFound, reaching

PREDICTIONS = "/var/lib/predictions"
RUNTIME = "/var/lib/gateline"
PART, REPLICA, STATE, REVISION = "gateline.part", "gateline.replica", "gateline.state", "gateline.revision"
RELEASE, SLOT, VERSION = "gateline.release", "gateline.slot", "gateline.version"
RECORD, PROJECT, ENVIRONMENT = "gateline.record", "gateline.project", "gateline.environment"
ATTEMPTS = 20


class Names:
    """The names of one environment of one project."""

    def __init__(self, project: str, environment: str) -> None:
        """Make them up."""
        self.project, self.environment = project, environment
        self.prefix = f"gateline-{project}-{environment}"
        """What every name begins with; also the network's name."""
        self.proxy = f"{self.prefix}-proxy"
        """The proxy's container."""
        self.runtime = f"{self.prefix}-runtime"
        """The volume with the proxy's configuration."""
        self.predictions = f"{self.prefix}-predictions"
        """The volume with the prediction logs."""

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


class LabelledState:
    """The state of one environment on one daemon."""

    def __init__(self, client: Docker, names: Names) -> None:
        """Keep the daemon; nothing is asked."""
        self._client, self._names = client, names

    @property
    def label(self) -> str:
        """Where the state is, for people."""
        return f"{STATE} of the newest container {self._names.prefix}-state-…"

    def read(self) -> State | None:
        """Return the newest state, or None before the first `up`. Raises OutsideError if it is damaged."""
        carriers = self._carriers()
        if not carriers:
            return None
        newest = max(carriers, key=_revision)
        try:
            return State.model_validate_json(newest.labels[STATE])
        except ValidationError as error:
            raise OutsideError(
                f"container {newest.name} carries no state: {error.errors()[0]['msg']}",
                "remove that container: the state before it counts again",
            ) from None

    def change(self, image: str, first: State, change: Callable[[State], State]) -> State:
        """Apply `change` to the newest state (to `first`, if there is none), keep it, and return it.

        `image` is any image on the daemon: the carrier is never started.
        """
        for _ in range(ATTEMPTS):
            before = self.read()
            after = change(before or first)
            if after == before:
                return after
            after = after.model_copy(update={"revision": (before or first).revision + 1})
            if self._keep(image, after):
                for carrier in self._carriers():
                    if _revision(carrier) < after.revision:
                        with contextlib.suppress(NotFound):
                            carrier.remove(force=True)
                return after
        raise OutsideError(
            f"the state of {self._names.prefix} changed {ATTEMPTS} times meanwhile", "run the command again"
        )

    def _keep(self, image: str, state: State) -> bool:
        """Return whether it was kept: of two changes at once, the second finds the name taken."""
        labels = self._names.labels("state", {STATE: state.model_dump_json(), REVISION: str(state.revision)})
        try:
            self._client.containers.create(
                image, name=self._names.state(state.revision), labels=labels, network_disabled=True
            )
        except APIError as error:
            if error.status_code == CONFLICT:
                return False
            with reaching():
                raise
        return True

    def _carriers(self) -> list[Any]:
        with reaching():
            return self._client.containers.list(all=True, filters=self._names.filters("state"), ignore_removed=True)


def _revision(carrier: Any) -> int:
    return int(carrier.labels[REVISION])
