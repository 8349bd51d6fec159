"""The state of an environment, kept in the daemon: as a label of a container that is never started.

Labels are written once, with their container, and a container's name exists once. A change is therefore whole or not at all,
and of two changes at the same time one is made after the other; any colleague who reaches the daemon reads the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from gateline.contracts.state import State
from gateline.settings.errors import OutsideError
from infra.engines.docker.names import REVISION, STATE, Names
from infra.host.docker import CONFLICT, APIError, Docker, NotFound, reaching

ATTEMPTS = 20


class LabelledState:
    """The state of one environment on one daemon."""

    def __init__(self, client: Docker, names: Names) -> None:
        """Keep the daemon; nothing is asked."""
        self._client, self._names = client, names

    @property
    def label(self) -> str:
        """Where the state stands, for people."""
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
                self._forget_before(after.revision)
                return after
        raise OutsideError(
            f"the state of {self._names.prefix} changed {ATTEMPTS} times meanwhile", "run the command again"
        )

    def _keep(self, image: str, state: State) -> bool:
        labels = {STATE: state.model_dump_json(), REVISION: str(state.revision)}
        try:
            self._client.containers.create(
                image,
                name=self._names.state(state.revision),
                labels=self._names.labels("state", labels),
                network_disabled=True,
            )
        except APIError as error:
            if error.status_code == CONFLICT:
                return False
            with reaching():
                raise
        return True

    def _forget_before(self, revision: int) -> None:
        for carrier in self._carriers():
            if _revision(carrier) < revision:
                try:
                    carrier.remove(force=True)
                except NotFound:
                    continue

    def _carriers(self) -> list[Any]:
        with reaching():
            return self._client.containers.list(all=True, filters=self._names.filters("state"), ignore_removed=True)


def _revision(carrier: Any) -> int:
    return int(carrier.labels[REVISION])
