"""What commands write down for the next one, kept where the environment runs: texts by name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from gateline.contracts.files import place


class Notes(Protocol):
    """The notes of one environment."""

    @property
    def shared(self) -> bool:
        """Whether every machine that reaches the environment reads the same notes."""
        ...

    def read(self, name: str) -> str | None:
        """Return a note, or None."""
        ...

    def write(self, name: str, text: str) -> None:
        """Replace a note, whole or not at all."""
        ...

    def remove(self, name: str) -> None:
        """Forget a note; one that is not there is no mistake."""
        ...

    def names(self, prefix: str) -> list[str]:
        """Return the names of the notes that begin so, sorted; a prefix ends with a slash."""
        ...

    def update(self, changes: Mapping[str, str | None]) -> None:
        """Replace several notes, and forget those whose text is None."""
        ...

    def where(self, name: str) -> str:
        """Say where a note is, for people."""
        ...


class FolderNotes(Notes):
    """Notes as files of a folder: `<name>.json`."""

    def __init__(self, folder: Path) -> None:
        """Keep the folder; nothing is made."""
        self._folder = folder

    @property
    def shared(self) -> bool:
        return False

    def read(self, name: str) -> str | None:
        try:
            return self._path(name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def write(self, name: str, text: str) -> None:
        place({self._path(name): text})

    def remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def names(self, prefix: str) -> list[str]:
        return sorted(f"{prefix}{path.stem}" for path in (self._folder / prefix).glob("[!.]*.json"))

    def update(self, changes: Mapping[str, str | None]) -> None:
        """Replace several notes, then forget those whose text is None: killed in between, it has both, and never neither."""
        place({self._path(name): text for name, text in changes.items() if text is not None})
        for name in [name for name, text in changes.items() if text is None]:
            self.remove(name)

    def where(self, name: str) -> str:
        return str(self._path(name))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"
