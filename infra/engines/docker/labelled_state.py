"""The state of an environment, kept in the daemon: as a label of a container that is never started.

Labels are written once, with their container, and a container's name exists once. A change is therefore whole or not at all,
and of two changes at the same time one is made after the other; any colleague who reaches the daemon reads the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


class LabelledNotes:
    """The notes of one environment on one daemon. Implements `Notes`."""

    def __init__(self, states: Callable[[], LabelledState], image: Callable[[], str]) -> None:
        """Keep the way to the state, and to an image that can carry it. Nothing is asked before a note is."""
        self._states, self._image = states, image

    @property
    def shared(self) -> bool:
        """They are on the daemon."""
        return True

    def read(self, name: str) -> str | None:
        """Return a note, or None."""
        return self._all().get(name)

    def write(self, name: str, text: str) -> None:
        """Replace a note, whole or not at all. Raises OutsideError where the environment is not on the daemon."""
        self.update({name: text})

    def remove(self, name: str) -> None:
        """Forget a note; one that is not there is no mistake."""
        self.update({name: None})

    def names(self, prefix: str) -> list[str]:
        """Return the names of the notes that begin so, sorted."""
        return sorted(name for name in self._all() if name.startswith(prefix))

    def update(self, changes: Mapping[str, str | None]) -> None:
        """Replace several notes and forget those whose text is None, all at once or not at all. Raises as `write` does."""
        before = self._states().read()
        if not any((before.notes if before else {}).get(name) != text for name, text in changes.items()):
            return
        if before is None:
            raise OutsideError("this environment is not on its daemon: nothing can be kept with it", "invoke up")
        self._states().change(self._image(), before, lambda state: _changed(state, changes))

    def where(self, name: str) -> str:
        """Say where a note lies, for people."""
        return f"the note '{name}' in the label {self._states().label}"

    def _all(self) -> Mapping[str, str]:
        state = self._states().read()
        return state.notes if state else {}


def _changed(state: State, changes: Mapping[str, str | None]) -> State:
    kept = {name: text for name, text in state.notes.items() if name not in changes}
    return state.model_copy(update={"notes": kept | {name: text for name, text in changes.items() if text is not None}})
