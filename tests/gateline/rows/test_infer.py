"""The schema that is proposed for a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gateline.contracts import schema as schemas
from gateline.contracts.schema import Column
from gateline.rows.kinds import pattern_of
from gateline.rows.infer import ALSO_WHEN, SAYS_WHEN, Note, Values, head_room, infer, main, propose, render, span
from gateline.settings.errors import UsageError
from gateline.settings.front_door import front_door

EXAMPLE = Path(__file__).parents[3] / "data" / "train.csv"


def proposed(values: list[str], *, labels: bool = False) -> tuple[dict[str, Any], list[str]]:
    from collections import Counter

    body, remarks = propose("x", Values(Counter(values)), labels=labels)
    del body["name"]
    return body, remarks


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["1", "-2", "3"], "integer"),
        (["1990.0", "", "2001.0"], "integer"),
        (["1990.0", "2001.0"], "number"),
        (["1", "2.5", "1e3"], "number"),
        (["1", "NA", "3"], "integer"),
        (["007", "012"], "string"),
        (["99999999999999999999", "1"], "string"),
        (["true", "False", ""], "boolean"),
        (["0", "1"], "integer"),
        (["2024-01-01", "2024-02-03T04:05:06Z"], "datetime"),
        (["2024-01-01", "soon"], "string"),
        (["1", "a"], "string"),
        (["", ""], "string"),
    ],
)
def test_the_narrowest_dtype_that_holds_for_all(values: list[str], dtype: str) -> None:
    assert proposed(values)[0]["dtype"] == dtype


@pytest.mark.parametrize(("share", "allowed"), [(0.001, 0.02), (0.1, 0.14), (0.168, 0.22), (0.9, 1.0), (1.0, 1.0)])
def test_missing_values_get_head_room(share: float, allowed: float) -> None:
    assert head_room(share) == allowed


def test_a_full_column_may_miss_nothing() -> None:
    assert "nullable" not in proposed(["1", "2"])[0]
    assert proposed(["1", "2", "", "3"])[0]["nullable"] == 0.33


@pytest.mark.parametrize(
    ("dtype", "seen", "declared"),
    [
        ("integer", (10, 20), (5, 25)),
        ("integer", (1, 100), (0, 150)),
        ("integer", (-10, 10), (-20, 20)),
        ("integer", (-8, -4), (-10, -2)),
        ("integer", (-3, 0), (-5, 0)),
        ("integer", (7, 7), (3, 11)),
        ("number", (0.2, 0.6), (0.0, 0.8)),
        ("number", (1234.5, 5678.9), (0.0, 8000.0)),
        ("number", (0.0, 0.0), (0.0, 1.0)),
        ("number", (1e-9, 3e-9), (0.0, 4e-9)),
    ],
)
def test_ranges_get_head_room_and_keep_their_sign(
    dtype: str, seen: tuple[float, float], declared: tuple[float, float]
) -> None:
    assert span(dtype, *seen) == pytest.approx(declared, rel=1e-9)


def test_few_repeated_strings_are_categories() -> None:
    assert proposed(["b", "a"] * 5)[0]["categories"] == ["a", "b"]
    assert "categories" not in proposed(["b", "a"] * 2)[0]
    assert "categories" not in proposed([f"v{number}" for number in range(31)] * 9)[0]


def test_labels_are_categories_however_few_rows() -> None:
    assert proposed(["b", "a"], labels=True)[0]["categories"] == ["a", "b"]
    assert proposed(["3", "1", "2"], labels=True)[0] == {"dtype": "integer", "categories": [1, 2, 3]}
    assert proposed(["1", "2", "3"])[0] == {"dtype": "integer", "minimum": 0, "maximum": 4}
    assert proposed(["0", "1"])[0] == {"dtype": "integer", "categories": [0, 1]}


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        ([f"A{chr(65 + number)}C" for number in range(25)], "[A-Z]{3}"),
        ([f"AB-{number:04d}" for number in range(25)], "[A-Z]{2}\\-[0-9]{4}"),
        ([f"{number:x}A7"[-3:].upper().zfill(3) for number in range(40)], "[A-Z0-9]{3}"),
        ([f"name {number}" for number in range(8, 40)], None),
        (["ABC", "ABD"], None),
    ],
)
def test_an_obvious_form_is_a_pattern(values: list[str], pattern: str | None) -> None:
    assert pattern_of(values) == pattern
    if pattern:
        Column(name="x", dtype="string", pattern=pattern)


def test_a_far_repeated_code_stands_for_missing_and_is_named() -> None:
    body, remarks = proposed(["5", "7", "9"] * 10 + ["-999"] * 3)
    assert body == {"dtype": "integer", "missing": ["-999"], "nullable": 0.13, "minimum": 3, "maximum": 11}
    assert "-999 occurs 3 times" in remarks[0] and "missing" in remarks[0]


@pytest.mark.parametrize("values", [["-999", "-1200", "800"], ["999", "1000", "5"], ["-999", "-998"]])
def test_such_a_code_among_values_like_it_is_none(values: list[str]) -> None:
    assert "missing" not in proposed(values * 10)[0]


def test_minus_one_among_the_others_is_only_noted() -> None:
    body, remarks = proposed(["-1", "0", "5", "9"])
    assert "missing" not in body and "-1 occurs 1 times" in remarks[0]
    assert proposed(["-1", "-2", "5"])[1] == []
    assert proposed(["-1", "1", "-1", "1"])[1] == []  # two classes


@pytest.mark.parametrize(
    ("values", "dates"),
    [
        (["3/14/2025", "12/1/2025", ""], True),
        (["14.03.2025", "01.12.2025 10:30"], True),
        (["3/14/2025", "soon"], False),
        (["2025-03-14", "2025-12-01"], False),
        (["1/2", "3/4"], False),
        (["10.0.0.1", "10.0.0.2"], False),
    ],
)
def test_dates_that_are_read_as_words_are_named(values: list[str], dates: bool) -> None:
    body, remarks = proposed(values * 6)
    assert any("looks like d" in remark for remark in remarks) is dates
    assert not dates or body["dtype"] == "string"


@pytest.mark.parametrize(
    ("values", "seems"),
    [
        (["12 kg", "7 kg"], "numbers with the unit kg"),
        (["12 kg", "5 lb"], "numbers of several units (kg 50%, lb 50%)"),
        (["12 kg", "5"], "numbers of several units (kg 50%, none 50%)"),
        (["€ 5", "$ 7"], "numbers of several units (€ 50%, $ 50%)"),
        (["5'11\"", "6'2\""], "measures of two units at once"),
        (["1h 30m", "2h 5m"], "measures of two units at once"),
        (["9:30 PM", "10:15 AM"], "times of day"),
        (["9 pm", "10 am"], "times of day"),
        (["14 Jan 24", "15 Feb 24"], "dates"),
        (["Jan-24", "Mai-24"], "dates"),
        (["12 High Street", "7 Low Road"], ""),
        (["Jan Smith", "May Jones"], ""),
        (["10-20", "20-30"], ""),
    ],
)
def test_what_words_seem_to_be_is_named(values: list[str], seems: str) -> None:
    remarks = [remark for remark in proposed(values * 6)[1] if "looks like" in remark]
    assert [f"looks like {seems}" in remark for remark in remarks] == [True] * bool(seems)


@pytest.mark.parametrize(
    ("values", "words", "count"),
    [(["yes", "yes", "YES", "no"], 1, 6), (["a b", "a b", "A  b", "a  B"], 2, 12), (["a", "b"], 0, 0)],
)
def test_words_that_differ_by_capitals_or_blanks_are_counted(values: list[str], words: int, count: int) -> None:
    remarks = [remark for remark in proposed(values * 6)[1] if "but for capitals" in remark]
    assert [f"{words} of its words are others but for capitals or blanks, in {count} values" in one for one in remarks] == (
        [True] * bool(words)
    )


def test_what_a_person_should_look_at_is_noted() -> None:
    assert "key" in proposed([f"id {number}" for number in range(40)])[1][0]
    assert "one value alone" in proposed(["a", "a"])[1][0]
    assert "no value" in proposed(["", ""])[1][0]


def test_a_column_that_says_when_may_be_the_time_or_known_too_late(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("opened,closed\n2024-01-01,2024-02-01\n2024-01-02,2024-02-03\n")
    assert infer(str(path))[1] == [Note("opened", SAYS_WHEN), Note("closed", SAYS_WHEN)]
    assert infer(str(path), time="opened")[1] == [Note("closed", ALSO_WHEN)]


@pytest.mark.parametrize(
    ("words", "times", "noted"),
    [
        ([f"{'abc'[i % 3] * (i // 3 + 1)} street" for i in range(31)], 5, True),
        ([f"{'abc'[i % 3] * (i // 3 + 1)} street" for i in range(31)], 4, False),
        ([f"{'abc'[i % 3] * (i // 3 + 1)} street" for i in range(30)], 5, False),
        ([f"A{i:02d}" for i in range(31)], 5, False),
    ],
    ids=["more words than are listed", "hardly repeated", "listed", "a pattern"],
)
def test_words_that_are_neither_listed_nor_of_a_pattern_are_noted(words: list[str], times: int, noted: bool) -> None:
    remarks = proposed(words * times)[1]
    assert ["any word passes" in remark for remark in remarks] == [True] * noted


def test_the_example_is_proposed_as_it_was_declared() -> None:
    found, notes = infer(str(EXAMPLE), "late")
    declared = schemas.load(EXAMPLE.parent / "schema.json")
    assert [(c.name, c.dtype) for c in found.columns] == [(c.name, c.dtype) for c in declared.columns]
    assert found.target == "late" and found.column("late").categories == (0, 1)
    assert found.column("dest").pattern == "[A-Z]{3}" and found.column("origin").categories == ("EWR", "JFK", "LGA")
    assert notes and infer(str(EXAMPLE), "late") == (found, notes)


def test_csv_and_parquet_are_proposed_alike(tmp_path: Path) -> None:
    rows = pd.DataFrame(
        {
            "count": pd.array([1, None, 3] * 10, dtype="Int64"),
            "size": [0.5, 1.25, float("nan")] * 10,
            "kind": ["a", None, "b"] * 10,
            "on": [True, False, True] * 10,
            "when": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"] * 10),
        }
    )
    rows.to_parquet(tmp_path / "rows.parquet")
    rows.to_csv(tmp_path / "rows.csv", index=False)
    text, typed = (infer(str(tmp_path / name))[0] for name in ("rows.csv", "rows.parquet"))
    assert text == typed
    assert [column.dtype for column in text.columns] == ["integer", "number", "string", "boolean", "datetime"]


def test_what_is_rendered_is_read_again(tmp_path: Path) -> None:
    found, _ = infer(str(EXAMPLE), "late")
    (tmp_path / "schema.json").write_text(render(found))
    assert schemas.load(tmp_path / "schema.json") == found
    assert '"minimum": 0,' in render(found) and len(render(found).splitlines()) == 18


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (b"a,b\n", "no row"),
        (b"a,b\n1,2\n3\n", "the number of fields differs from the header's 2; these rows were not read: rows 2"),
        (b"a,a\n1,2\n", "names 'a' more than once"),
        (b"\xef\xbb\xbfa,b\n1,2\n", "byte order mark"),
        (b"a,b\n1,\xff\n", "not UTF-8: byte 0xff"),
        (b'a,b\n1,"2\n', "a quote is opened and never closed"),
        (b"PAR1 and nothing", "not a readable Parquet file"),
    ],
)
def test_files_that_cannot_be_read_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError) as raised:
        infer(str(path))
    assert said in raised.value.message and str(path) in raised.value.message and raised.value.next_step


@pytest.mark.parametrize(("name", "said"), [("none.csv", "no such data file"), ("", "no folder with")])
def test_files_that_are_not_there_are_refused(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        infer(str(tmp_path / name))


def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["schema", "infer", str(EXAMPLE), "--target", "late"])
    assert front_door(main) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["target"] == "late" and said.err.startswith("note: ")


def test_the_command_refuses_an_unknown_target(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["schema", "infer", str(EXAMPLE), "--target", "lat"])
    assert front_door(main) == 2
    said = capsys.readouterr()
    assert said.out == "" and "did you mean 'late'?" in said.err
