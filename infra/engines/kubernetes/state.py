"""What an environment keeps in its namespace, in one Secret (the token and the keys of its services are in it): its state,
and the notes of commands. Any colleague who may read it can roll back. A change is made on what was read, or made again.
"""

import base64
from collections.abc import Callable, Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateline.contracts.release import Image, Release
from gateline.contracts.slots import Slot, State, WantedSlot
from gateline.settings.errors import OutsideError
from infra.engines.kubernetes.api import Api
from infra.engines.kubernetes.names import Names

SECRETS = "v1/secrets"  # pragma: allowlist secret
KEY, TYPE = "state.json", "gateline.dev/state"
ATTEMPTS = 50


class Kept(BaseModel):
    """A release that was brought here, and its image as it was tested."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: Release
    image: Image


class Workload(WantedSlot):
    """What a slot should run: one Deployment, named as the first of its replicas; the others count."""

    pools: tuple[str, ...] = ()
    """The Deployments, by name, among whose pods its own may share traffic: its own, and that which was stable."""

    @property
    def name(self) -> str:
        """The Deployment, without the environment's prefix. A slot that moves keeps it: no pod is started again."""
        return self.replicas[0].name


class ClusterState(State):
    """What should run in one environment of a cluster."""

    slots: Mapping[Slot, Workload] = Field(default_factory=dict)
    kept: Mapping[str, Kept] = Field(default_factory=dict)
    """The releases that were brought here, by their digest."""

    def wanted_in(self, slot: Slot) -> Workload:
        wanted = super().wanted_in(slot)
        assert isinstance(wanted, Workload)
        return wanted


class SecretState:
    """The state of one environment in its namespace."""

    def __init__(self, api: Api, names: Names) -> None:
        """Keep the way there; nothing is asked."""
        self._api, self._names = api, names

    def read(self) -> ClusterState | None:
        """Return the state, or None before the first `up`. Raises OutsideError if it is damaged."""
        return self._read()[0]

    def change(self, first: ClusterState, change: Callable[[ClusterState], State]) -> ClusterState:
        """Apply `change` to the state (to `first`, if there is none), keep it, and return it."""
        for _ in range(ATTEMPTS):
            before, version = self._read()
            after = change(before or first)
            assert isinstance(after, ClusterState)
            if after == before:
                return after
            after = after.model_copy(update={"revision": (before or first).revision + 1})
            data = base64.b64encode(after.model_dump_json().encode()).decode()
            about = {"name": self._names.prefix, "labels": self._names.labels("state")}
            about |= {"resourceVersion": version} if version else {}
            body = {"apiVersion": "v1", "kind": "Secret", "metadata": about, "type": TYPE, "data": {KEY: data}}
            if self._api.swap(SECRETS, body):
                return after
        raise OutsideError(f"the state of {self._names.prefix} changed {ATTEMPTS} times meanwhile", "run the command again")

    def _read(self) -> tuple[ClusterState | None, str]:
        """Return the state and the version of its Secret."""
        found = self._api.get(self._api.path(SECRETS, self._names.prefix))
        if found is None:
            return None, ""
        try:
            data = base64.b64decode(found.get("data", {}).get(KEY, ""))
            return ClusterState.model_validate_json(data), str(found["metadata"]["resourceVersion"])
        except (ValidationError, ValueError) as error:
            told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            raise OutsideError(
                f"Secret {self._names.prefix} in {self._api} carries no state: {told}",
                "restore it from a backup, or remove it and what runs: invoke down, then deploy again",
            ) from None
