"""Notes in the state's label: any colleague who reaches the daemon reads what another one's command left."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateline.contracts.state import State
from gateline.settings.errors import OutsideError
from infra.engines.docker.labelled_state import LabelledState


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
