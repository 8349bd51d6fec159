"""Notes in the state's label: any colleague who reaches the daemon reads what another one's command left."""

from __future__ import annotations

from collections.abc import Callable

from infra.docker.labelled_state import LabelledState
from infra.engines.state import State


class LabelledNotes:
    """The notes of one environment on one daemon. Implements `Notes`."""

    def __init__(
        self, states: Callable[[], LabelledState], image: Callable[[], str], first: Callable[[], State]
    ) -> None:
        """Keep the way to the state, and what makes it where there is none: an image to carry it, and the first state.

        Nothing is asked before a note is.
        """
        self._states, self._image, self._first = states, image, first

    def read(self, name: str) -> str | None:
        """Return a note, or None."""
        state = self._states().read()
        return state.notes.get(name) if state else None

    def write(self, name: str, text: str) -> None:
        """Replace a note, whole or not at all."""
        self._change(lambda notes: notes | {name: text})

    def remove(self, name: str) -> None:
        """Forget a note; one that is not there is no mistake."""
        if self.read(name) is not None:
            self._change(lambda notes: {other: text for other, text in notes.items() if other != name})

    def where(self, name: str) -> str:
        """Say where a note lies, for people."""
        return f"the note '{name}' in the label {self._states().label}"

    def _change(self, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        def changed(state: State) -> State:
            return state.model_copy(update={"notes": change(dict(state.notes))})

        self._states().change(self._image(), self._first(), changed)
