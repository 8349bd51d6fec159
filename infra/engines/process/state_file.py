"""The state on disk: one JSON file that commands write whole and the supervisor reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from gateline.contracts.files import write_private
from gateline.contracts.state import State
from gateline.settings.errors import OutsideError

LOCK_SECONDS = 10.0


class StateFile:
    """The state on disk. Readers see it whole; writers take turns."""

    def __init__(self, path: Path) -> None:
        """Keep the path; nothing is made until the first change."""
        self.path = path

    def read(self) -> State | None:
        """Return the state, or None before the first `up`. Raises OutsideError if the file is damaged."""
        try:
            return State.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            what = error.errors()[0]
            raise OutsideError(
                f"{self.path} is damaged: {'.'.join(map(str, what['loc']))}: {what['msg']}",
                "restore it, or remove it and deploy again (what still runs is then ended by `invoke up`)",
            ) from None

    def change(self, first: State, change: Callable[[State], State]) -> State:
        """Apply `change` to the state (to `first`, if there is none yet), write it, and return it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.path.with_suffix(".lock"), timeout=LOCK_SECONDS):
                before = self.read() or first
                after = change(before)
                if after != before or not self.path.exists():
                    after = after.model_copy(update={"revision": before.revision + 1})
                    write_private(self.path, after.model_dump_json(indent=2).encode())
                return after
        except Timeout:
            raise OutsideError(
                f"{self.path} stayed locked for {LOCK_SECONDS:.0f} s", "end the command that holds it, then try again"
            ) from None
