"""A killed command leaves word."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.settings.errors import OutsideError
from infra.host.notes import FolderNotes
from infra.rollout.journal import Entry, Journal

ENTRY = Entry(kind="canary", phase="begin", release="a" * 64, started="2026-01-02T03:04:05+00:00", pid=1)


def test_nothing_under_way(tmp_path: Path) -> None:
    assert Journal(FolderNotes(tmp_path)).read() is None


def test_an_entry_is_read_by_another_process(tmp_path: Path) -> None:
    Journal(FolderNotes(tmp_path)).write(ENTRY)
    assert Journal(FolderNotes(tmp_path)).read() == ENTRY


def test_phases_replace_each_other_and_keep_the_rest(tmp_path: Path) -> None:
    journal = Journal(FolderNotes(tmp_path))
    journal.write(ENTRY)
    journal.phase("watch")
    assert journal.read() == ENTRY.model_copy(update={"phase": "watch"})


def test_a_phase_without_an_entry_is_no_entry(tmp_path: Path) -> None:
    Journal(FolderNotes(tmp_path)).phase("watch")
    assert Journal(FolderNotes(tmp_path)).read() is None


def test_clear_forgets(tmp_path: Path) -> None:
    journal = Journal(FolderNotes(tmp_path))
    journal.write(ENTRY)
    journal.clear()
    journal.clear()
    assert journal.read() is None


def test_a_damaged_journal_is_named(tmp_path: Path) -> None:
    (tmp_path / "rollout.json").write_text('{"kind": "deploy"')
    with pytest.raises(OutsideError, match="rollout.json is damaged"):
        Journal(FolderNotes(tmp_path)).read()
