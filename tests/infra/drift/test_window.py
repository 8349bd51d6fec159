"""A window is what was counted since the last one, whatever restarted in between."""

from __future__ import annotations

from pathlib import Path

from gateline.contracts.reference import ColumnCounts, LiveCounts
from infra.drift.window import Judged, Window
from infra.host.notes import FolderNotes


def counts(rows: int, since: str = "10:00", until: str = "11:00") -> LiveCounts:
    return LiveCounts(
        rows=rows,
        columns={"size": ColumnCounts(counts=(rows - 1, 0), missing=1)},
        scores=(rows, 0),
        labels={"yes": rows},
        release="r",
        artifact="a",
        since=since,
        until=until,
    )


def test_the_first_window_is_everything_of_every_replica(tmp_path: Path) -> None:
    total = Window(FolderNotes(tmp_path), "r").since_last({"1": counts(10), "2": counts(5, since="09:00", until="12:00")})
    assert (total.rows, total.scores, total.labels) == (15, (15, 0), {"yes": 15})
    assert total.columns["size"] == ColumnCounts(counts=(13, 0), missing=2)
    assert (total.since, total.until, total.release, total.artifact) == ("09:00", "12:00", "r", "a")


def test_the_next_window_leaves_out_what_was_judged(tmp_path: Path) -> None:
    Window(FolderNotes(tmp_path), "r").close({"1": counts(10)})
    total = Window(FolderNotes(tmp_path), "r").since_last({"1": counts(14, until="13:00")})
    assert (total.rows, total.columns["size"].counts, total.since, total.until) == (4, (4, 0), "11:00", "13:00")


def test_a_restarted_replica_counts_whole(tmp_path: Path) -> None:
    Window(FolderNotes(tmp_path), "r").close({"1": counts(10)})
    assert Window(FolderNotes(tmp_path), "r").since_last({"1": counts(12, since="11:30")}).rows == 12


def test_another_release_starts_again(tmp_path: Path) -> None:
    Window(FolderNotes(tmp_path), "r").close({"1": counts(10)})
    assert Window(FolderNotes(tmp_path), "other").since_last({"1": counts(12)}).rows == 12


def test_no_replica_is_no_rows(tmp_path: Path) -> None:
    assert Window(FolderNotes(tmp_path), "r").since_last({}).rows == 0


def test_labels_have_a_window_of_their_own(tmp_path: Path) -> None:
    window, judged = Window(FolderNotes(tmp_path), "r"), Judged("12:00", frozenset({"aaaaaaaa", "bbbb+/bb"}))
    assert window.labelled() == Judged()
    window.close_labels(judged)
    assert Window(FolderNotes(tmp_path), "r").labelled() == judged
    assert Window(FolderNotes(tmp_path), "other").labelled() == Judged()
    assert window.since_last({"1": counts(10)}).rows == 10
