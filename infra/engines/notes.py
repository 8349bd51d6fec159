"""The notes of an environment whose engine keeps its state where every machine that reaches it reads the same."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from gateline.contracts.slots import State
from gateline.settings.errors import OutsideError
from infra.host.notes import Notes

S = TypeVar("S", bound=State)


class StateNotes(Notes):
    """Notes that are part of the state: with it, they change whole or not at all."""

    def __init__(
        self, read: Callable[[], S | None], write: Callable[[Callable[[S], S]], object], where: Callable[[], str]
    ) -> None:
        """Keep how the state is read and changed, and how the place is called; nothing is asked before a note is."""
        self._state, self._write, self._where = read, write, where

    @property
    def shared(self) -> bool:
        return True

    def read(self, name: str) -> str | None:
        return self._all().get(name)

    def write(self, name: str, text: str) -> None:
        self.update({name: text})

    def remove(self, name: str) -> None:
        self.update({name: None})

    def names(self, prefix: str) -> list[str]:
        return sorted(name for name in self._all() if name.startswith(prefix))

    def update(self, changes: Mapping[str, str | None]) -> None:
        """Replace or forget notes, all at once. Raises OutsideError where the environment is not up."""
        before = self._state()
        if not any((before.notes if before else {}).get(name) != text for name, text in changes.items()):
            return
        if before is None:
            raise OutsideError("this environment is not up: nothing can be kept with it", "invoke up")

        def changed(state: S) -> S:
            notes = {name: text for name, text in {**state.notes, **changes}.items() if text is not None}
            return state.model_copy(update={"notes": notes})

        self._write(changed)

    def where(self, name: str) -> str:
        return f"the note '{name}' in {self._where()}"

    def _all(self) -> Mapping[str, str]:
        state = self._state()
        return state.notes if state else {}
