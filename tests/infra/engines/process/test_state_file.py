"""The state on disk."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from gateline.contracts.slots import Slot, State
from gateline.settings.errors import OutsideError
from infra.engines.process import record as states
from infra.engines.process.record import StateFile
from tests.infra.engines.states import slot, state


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "there" / "state.json")
    assert file.read() is None
    wanted = slot("s", share=0.5, guarded=True)
    written = file.change(state(), lambda before: before.with_slot(Slot.STABLE, wanted))
    assert file.read() == written and written.slots == {Slot.STABLE: wanted}
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_only_a_change_counts_as_a_revision(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state.json")
    assert file.change(state(), lambda before: before).revision == 1
    assert file.change(state(), lambda before: before).revision == 1
    assert file.change(state(), lambda before: before.with_slot(Slot.CANARY, slot("c"))).revision == 2


def test_writers_take_turns(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state.json")

    def count(before: State) -> State:
        return before.model_copy(update={"named": before.named + 1})

    threads = [threading.Thread(target=lambda: [file.change(state(), count) for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = file.read()
    assert found and found.named == state().named + 40


def test_a_change_that_fails_leaves_the_state_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = StateFile(tmp_path / "state.json")
    before = file.change(state(), lambda before: before)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        file.change(state(), lambda before: before.with_slot(Slot.CANARY, slot("c")))
    assert file.read() == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".lock") == ["state.json"]


@pytest.mark.parametrize("content", ["", "{", "{}", '{"project": 1}'])
def test_a_damaged_state_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(OutsideError, match=r"state\.json is damaged"):
        StateFile(tmp_path / "state.json").read()


def test_a_lock_that_stays_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "LOCK_SECONDS", 0.1)
    with FileLock(tmp_path / "state.lock"), pytest.raises(OutsideError, match="state.json stayed locked"):
        StateFile(tmp_path / "state.json").change(state(), lambda before: before)
