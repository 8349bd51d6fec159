"""Rows are parted so that both parts can be used, and what stands in the way is named, before anything is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from gateline.settings.errors import UsageError
from template.adopting.moments import Moments
from template.adopting.splitting import NEITHER, TEST, TRAIN, Labelled, Split, by_time, stratified

START = datetime(2025, 1, 1, tzinfo=UTC)


def rows(labels: Sequence[str], digests: Sequence[bytes] | None = None, **about: object) -> Labelled:
    """Rows of a target `left`, all different where no digests are given."""
    each = digests or [str(place).encode() for place in range(len(labels))]
    return Labelled("left", range(len(labels)), labels, each, range(1, len(labels) + 1), **about)  # type: ignore[arg-type]


def timed(labels: Sequence[str], positive: str = "yes") -> Split:
    """Split rows that happened one a day."""
    time = Moments("seen", [START + timedelta(days=place) for place in range(len(labels))])
    return by_time(rows(labels, positive=positive), time)


def of(split: Split, part: str, labels: Sequence[str]) -> Counter[str]:
    return Counter(labels[place] for place in split.rows(part))


MIXED = ["yes" if i % 3 == 0 else "no" for i in range(1200)]


def test_the_latest_quarter_is_the_test() -> None:
    split = timed(MIXED)
    assert split.rows(TRAIN) == list(range(900)) and split.rows(TEST) == list(range(900, 1200))
    assert split.how == "the latest by seen" and split.notes == ()


def test_without_a_time_every_class_gives_the_same_share() -> None:
    labels = ["rare" if i % 40 == 0 else "often" for i in range(1200)]
    split = stratified(rows(labels), len(labels))
    assert of(split, TEST, labels) == {"rare": 8, "often": 293} and split.notes == ()
    assert stratified(rows(labels), len(labels)) == split, "the same for the same file"


def test_the_test_part_grows_to_what_the_gates_ask_for() -> None:
    split = stratified(rows(MIXED[:569]), 569)
    assert 200 <= len(split.rows(TEST)) <= 202 and split.notes == ()
    assert len(timed(MIXED[:569]).rows(TEST)) == 200
    assert len(stratified(rows(MIXED[:400]), 400).rows(TEST)) == 161, "two fifths at the most"


@pytest.mark.parametrize("size", [60, 150, 344])
def test_few_rows_are_told_with_what_to_set(size: int) -> None:
    for split in (stratified(rows(MIXED[:size]), size), timed(MIXED[:size])):
        [note] = split.notes
        assert note.startswith(f"{size} rows are few: gates.") and "min_rows asks for" in note and "500 in all" in note
        assert f"there are {len(split.rows(TEST))}" in note
        assert ("lowered in pipeline.toml to fit" in note) is (len(split.rows(TEST)) >= 30)
    assert stratified(rows(MIXED[:500]), 500).notes == ()


def test_rows_that_stand_twice_come_to_one_part() -> None:
    labels, digests = MIXED * 2, [str(place).encode() for place in range(1200)] * 2
    split = stratified(rows(labels, digests), 2400)
    test = {digests[place] for place in split.rows(TEST)}
    assert not test & {digests[place] for place in split.rows(TRAIN)} and len(test) == 300
    assert split.notes == ("2,400 of 2,400 rows stand more than once: equal rows are in one part, so that none leaks",)


def test_a_table_of_counts_is_parted_row_by_row() -> None:
    labels = [["yes", "no"][(i % 24) % 2] for i in range(960)]
    split = stratified(rows(labels, [str(i % 24).encode() for i in range(960)], ways=24.0), 960)
    assert of(split, TEST, labels) == {"yes": 120, "no": 120}
    assert split.notes == ("rows repeat: 24 of 960 are different, as in a table of counts; each counts for itself",)


def test_numbers_are_not_classes() -> None:
    split = stratified(rows([str(i) for i in range(1000)], classes=False), 1000)
    assert len(split.rows(TEST)) == 250 and split.how == "by a digest of each row"


@pytest.mark.parametrize("place", [20, 1190])
def test_one_row_of_a_class_is_left_out_and_named(place: int) -> None:
    labels = ["a", "b", "c"] * 400
    labels[place] = "zzz"
    for split in (timed(labels, ""), stratified(rows(labels), 1200)):
        assert split.parts[place] == NEITHER
        assert split.notes == (
            f"'zzz' stands in 1 of 1,200 rows (row {place + 1}): one row cannot be both learned and tested; left out",
        )


def test_a_label_that_steers_a_terminal_is_shown_on_one_line() -> None:
    labels = ["a", "b", "c"] * 400
    labels[20] = "\x1b[2J\n::error::" + "z" * 5000
    [note] = stratified(rows(labels), 1200).notes
    assert "\x1b" not in note and "\n" not in note and "\\x1b[2J\\n" in note and len(note) < 250


def test_a_class_of_the_latest_rows_alone_is_left_out_or_refused() -> None:
    labels = ["a", "b", "c"] * 400
    split = timed([*labels[:-5], *["new"] * 5], "")
    assert split.rows(NEITHER) == list(range(1195, 1200))
    assert "'new' stands in 5 of 1,200 rows (rows 1196, 1197" in split.notes[0] and split.notes[0].endswith("; left out")
    with pytest.raises(UsageError, match="'new' stands in 100 of 1,200 rows .*in the test rows alone") as refused:
        timed([*labels[:-100], *["new"] * 100], "")
    assert "--time=none" in refused.value.next_step


def test_a_class_of_the_training_rows_alone_is_told() -> None:
    labels = ["a", "b", "old"] * 100 + ["a", "b"] * 450
    assert timed(labels, "").notes == (
        "'old' is in the training rows alone (100 rows): how well it is predicted is not tested",
    )


@pytest.mark.parametrize("positive", ["yes", "no"])
def test_one_class_among_the_latest_rows_asks_whether_labels_are_final(positive: str) -> None:
    other = {"yes": "no", "no": "yes"}[positive]
    with pytest.raises(UsageError, match=f"the latest 300 rows .* all are '{other}', no row is '{positive}'") as refused:
        timed([*([positive, other] * 450), *[other] * 300])
    assert "are their labels final" in refused.value.message and "--time=none" in refused.value.next_step


def test_one_class_among_the_earlier_rows_has_another_advice() -> None:
    with pytest.raises(UsageError, match="900 rows up to 2027-06-19 by 'seen' hold one class alone: all are 'no'") as refused:
        timed([*["no"] * 900, *["yes", "no"] * 150])
    assert "final" not in refused.value.message


def test_a_run_without_a_positive_at_the_end_is_told() -> None:
    [note] = timed([*MIXED[:1100], *["no"] * 100]).notes
    assert "no row is 'yes' among the latest 101, after 2028-01-04" in note and "final?" in note
    assert timed([*MIXED[:1190], *["no"] * 10]).notes == (), "chance explains ten rows"


def test_a_class_too_rare_for_both_parts_is_refused_with_its_count() -> None:
    with pytest.raises(UsageError, match="'yes' stands in 1 of 1,200 rows .*row 8"):
        stratified(rows(["yes" if i == 7 else "no" for i in range(1200)]), 1200)
    digests = [b"same" if i % 400 == 0 else str(i).encode() for i in range(1200)]
    with pytest.raises(UsageError, match="'yes' stands in 3 of 1,200 rows, too few for both parts"):
        stratified(rows(["yes" if i % 400 == 0 else "no" for i in range(1200)], digests), 1200)


def test_rows_without_a_moment_are_in_neither_part() -> None:
    time = Moments("seen", [START + timedelta(days=place) if place % 10 else None for place in range(1200)])
    split = by_time(rows(MIXED, positive="yes"), time)
    assert split.rows(NEITHER) == list(range(0, 1200, 10))
    assert split.notes == ("120 rows have no date in 'seen': they are left out",)
    with pytest.raises(UsageError, match="no date in 'seen' leaves between 10% and 40%"):
        by_time(rows(MIXED), Moments("seen", [START] * 1200))
