"""Files as people bring them: read, converted, and said."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from gateline.rows.infer import infer
from gateline.rows.importing import Taken, glance, take, write
from gateline.settings.errors import UsageError


def took(folder: Path, content: str | bytes, missing: tuple[str, ...] | None = None) -> Taken:
    path = folder / "rows.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return take(path) if missing is None else take(path, missing)


def said(taken: Taken) -> str:
    return "\n".join(map(str, taken.conversions))


def column(name: str, values: list[str]) -> str:
    return "\n".join([f"{name},other", *(f'"{value}",x' for value in values)]) + "\n"


PLAIN = "a,b\n1,x\n2,ü\n3,z\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (PLAIN.encode(), ""),
        (b"\xef\xbb\xbf" + PLAIN.encode(), "byte order mark"),
        (PLAIN.encode("utf-16"), "UTF-16"),
        (PLAIN.encode("utf-16-be"), "UTF-16-BE"),
        (PLAIN.encode("cp1252"), "Windows-1252"),
        (PLAIN.replace(",", ";").encode(), "semicolon"),
        (PLAIN.replace(",", "\t").encode(), "tab"),
        (PLAIN.replace(",", "|").encode(), "bar"),
        (b"sep=;\r\n" + PLAIN.replace(",", ";").encode("cp1252"), "sep=;"),
        (PLAIN.replace("\n", "\r\n").encode(), ""),
        (PLAIN.replace("\n", "\r").encode(), ""),
        (PLAIN.rstrip().encode(), ""),
        (gzip.compress(PLAIN.encode(), mtime=0), ""),
    ],
)
def test_any_separator_encoding_and_line_end(tmp_path: Path, content: bytes, words: str) -> None:
    taken = took(tmp_path, content)
    assert taken.part.table.to_pydict() == {"a": ["1", "2", "3"], "b": ["x", "ü", "z"]}
    assert words in said(taken) and bool(words) == bool(taken.conversions)
    seen = glance(tmp_path / "rows.csv")
    assert seen.columns == ("a", "b") and [str(each) for each in seen.conversions] == said(taken).splitlines()


def test_semicolons_with_decimal_commas(tmp_path: Path) -> None:
    taken = took(tmp_path, "a;b\n1,5;2,25\n2,5;3,5\n")
    assert taken.part.table.to_pydict() == {"a": ["1.5", "2.5"], "b": ["2.25", "3.5"]}


@pytest.mark.parametrize(
    ("values", "plain", "words"),
    [
        (["1,234.50", "99.00", "1,000,000"], ["1234.50", "99.00", "1000000"], "thousands"),
        (["1.234,50", "99,00", "0,123"], ["1234.50", "99.00", "0.123"], "a comma before the decimals"),
        (["1 234,5", "1\u00a0234", "12"], ["1234.5", "1234", "12"], "thousands"),
        (["45 %", "7%", "0.5%"], ["45", "7", "0.5"], "%"),
        (["€ 12", "€1,200", "€ 0.50"], ["12", "1200", "0.50"], "€"),
        (["$5", "-$7", "$1,000"], ["5", "-7", "1000"], "$"),
        (["1'234.5 CHF", "12 CHF"], ["1234.5", "12"], "CHF"),
        (["1,234", "5,678"], ["1234", "5678"], "1,234 is 1234"),
        (["14.03.2025", "01.12.2025"], ["2025-03-14", "2025-12-01"], "day, month, year"),
        (["14/03/2025", "01/12/2025"], ["2025-03-14", "2025-12-01"], "day, month, year"),
        (["14/03/25", "01/12/98"], ["2025-03-14", "1998-12-01"], "day, month, year in two digits"),
        (["3/14/25 9:30", "12/1/68 10:00"], ["2025-03-14 09:30:00", "2068-12-01 10:00:00"], "month, day, year in two digits"),
        (["03/14/2025 10:30", "12/01/2025 09:00"], ["2025-03-14 10:30:00", "2025-12-01 09:00:00"], "month, day, year"),
        (["(1,234.50)", "99"], ["-1234.50", "99"], "a minus of another form"),
        (["12-", "5", "\u22127"], ["-12", "5", "-7"], "a minus of another form"),
        (["2025/03/14"], ["2025-03-14"], "year, month, day"),
        (["2025.3.4 9:05", "2025.12.31 23:59"], ["2025-03-04 09:05:00", "2025-12-31 23:59:00"], "year, month, day"),
        (["2025-03-14 10:30:00 UTC", "2025-03-14 10:30:00+02"], ["2025-03-14 10:30:00Z", "2025-03-14 10:30:00+02:00"], "year"),
        (["03/14/2025 12:05 AM", "03/15/2025 1:00 pm"], ["2025-03-14 00:05:00", "2025-03-15 13:00:00"], "month, day, year"),
        (["14-Mar-2025", "1-Dec-2025"], ["2025-03-14", "2025-12-01"], "the name of their month"),
        (["March 14, 2025", "Sept. 1st, 2025"], ["2025-03-14", "2025-09-01"], "the name of their month"),
        (["14. März 2025", "Mo, 1. Dez. 2025"], ["2025-03-14", "2025-12-01"], "the name of their month"),
        (["14 de marzo de 2025", "1 août 2025 9:30"], ["2025-03-14", "2025-08-01 09:30:00"], "the name of their month"),
        (["Mar 2025", "12/2024"], ["2025-03-01", "2024-12-01"], "months"),
        (["2025Q1", "Q4 2024"], ["2025-01-01", "2024-10-01"], "quarters"),
        (["no ", " no", "yes"], ["no", "no", "yes"], "blanks around"),
        (["12 kg", "7.5KG", "1,200 kg."], ["12", "7.5", "1200"], "the unit KG, kg, kg."),
        (["1 min", "30 mins"], ["1", "30"], "the unit min, mins"),
        (["1,5 km", "800,25 km"], ["1.5", "800.25"], "a comma before the decimals and the unit km"),
        (["5'", "6'"], ["5", "6"], "the unit '"),
        (["-3 °C", "21.5°C"], ["-3", "21.5"], "the unit °C"),
        (["10,000+", "500+"], ["10000", "500"], "the unit +"),
        (["12 m2", "30 m²"], ["12", "30"], "the unit m2, m²"),
        (["US$ 12", "$1,000.50"], ["12", "1000.50"], "the sign $, US$"),
        (["%12", "%7"], ["12", "7"], "the sign %"),
        (["12,34,567", "500"], ["1234567", "500"], "thousands"),
        (["1_000", "12"], ["1000", "12"], "thousands"),
        (["１２．５", "٣"], ["12.5", "3"], "another width or script"),
        (["2025-03", "2024-12"], ["2025-03-01", "2024-12-01"], "months"),
        (["2025-W11", "2025-W12"], ["2025-03-10", "2025-03-17"], "weeks"),
    ],
)
def test_numbers_and_dates_as_people_write_them(
    tmp_path: Path, values: list[str], plain: list[str], words: str
) -> None:
    taken = took(tmp_path, column("a", values))
    assert taken.part.table["a"].to_pylist() == plain
    assert "'a': " in said(taken) and words in said(taken) and "row" in said(taken)


@pytest.mark.parametrize(
    "values",
    [
        ["1.5", "2.25"],
        ["007", "012"],
        ["45%", "0.45"],
        ["12 kg", "12 lb"],
        ["12 kg", "12"],
        ["€ 12", "$ 12"],
        ["5 MW", "5 mW"],
        ["0012 AB", "0013 AB"],
        ["12 May", "13 May"],
        ["9 AM", "10 AM"],
        ["1st", "2nd"],
        ["5'11\u2033", "6'2\u2033"],
        ["03/04/2025", "04/05/2025"],
        ["30/01/2025", "01/30/2025"],
        ["030 123 456", "030 99"],
        ["10.0.0.1", "10.0.0.2"],
        ["12 High Street", "7 Low Road"],
        ["1,2,3", "4,5,6"],
        ["2025-W60", "2025-W61"],
        ["2025-13", "2025-14"],
        ["30-Feb-2025", "31-Apr-2025"],
        ["14-Foo-2025"],
        ["2025-03-14 25:00 UTC", "2025-03-14 13:00 PM"],
        ["1234-5", "1235-6"],
        ["2009/10", "2010/11"],
        ["(a) 1", "x-"],
    ],
)
def test_what_is_plain_or_cannot_be_known_stays(tmp_path: Path, values: list[str]) -> None:
    taken = took(tmp_path, column("a", values))
    assert taken.part.table["a"].to_pylist() == values and said(taken) == ""


@pytest.mark.parametrize(
    ("name", "values", "plain", "words"),
    [
        ("day", ["20250314", "20251201"], ["2025-03-14", "2025-12-01"], "days written 20250314"),
        ("d", [f"202503{day}" for day in range(10, 20)], [f"2025-03-{day}" for day in range(10, 20)], "days written 20250314"),
        ("created_at", ["1741948200", "1741948201.0"], ["2025-03-14 10:30:00Z", "2025-03-14 10:30:01Z"], "seconds since 1970"),
        ("eventTime", ["1741948200500"], ["2025-03-14 10:30:00.500000Z"], "milliseconds since 1970"),
    ],
)
def test_numbers_that_are_moments_are_written_as_such(
    tmp_path: Path, name: str, values: list[str], plain: list[str], words: str
) -> None:
    taken = took(tmp_path, column(name, values))
    assert taken.part.table[name].to_pylist() == plain and words in said(taken)
    assert taken.schema()[0].column(name).dtype == "datetime"
    _, notes = infer(str(tmp_path / "rows.csv"))
    assert any(note.column == name and words in note.text for note in notes)
    parquet.write_table(pa.table({name: [int(float(value)) for value in values]}), tmp_path / "rows.parquet")
    assert take(tmp_path / "rows.parquet").times(name)[-1] == taken.times(name)[-1]


@pytest.mark.parametrize(
    ("name", "values"),
    [("amount", ["20250314", "20251201"]), ("amount", ["1741948200"]), ("time", ["1", "90"]), ("day", ["20251301"])],
)
def test_other_whole_numbers_stay(tmp_path: Path, name: str, values: list[str]) -> None:
    taken = took(tmp_path, column(name, values))
    assert taken.part.table[name].to_pylist() == values and said(taken) == ""


@pytest.mark.parametrize(
    ("above", "words"),
    [
        ("Sales 2024\n\n", "the line above the header is a title"),
        ("Sales 2024,,\n,,\n", "2 lines above the header are a title"),
        ("# made by hand\n# with care, and love\n", "2 lines above the header"),
        ("\n", ""),
        ("", ""),
    ],
)
@pytest.mark.parametrize("separator", [",", ";"])
def test_titles_and_comments_above_the_header_are_left_out(
    tmp_path: Path, above: str, words: str, separator: str
) -> None:
    content = above + "id,size,left\n" + "".join(f"{i},{i % 7},{'yes' if i % 2 else 'no'}\n" for i in range(9))
    taken = took(tmp_path, content.replace(",", separator))
    assert taken.columns == ["id", "size", "left"] and taken.rows == 9 and list(taken.part.numbers) == list(range(1, 10))
    assert words in said(taken)
    assert glance(tmp_path / "rows.csv").columns == ("id", "size", "left")


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,2\n",
        ",b\n0,2\n1,3\n",
        "b,\n5,x\n6,y\n",
        "a,b,c,d\n1,,,\n,,,\n",
        "#id,b\n1,2\n",
        "0,1,2\n5,6,7\n",
        "2019,2020,land\n1,2,x\n",
    ],
)
def test_a_header_is_no_title(tmp_path: Path, content: str) -> None:
    first = content.partition("\n")[0].split(",")
    assert [name for name in took(tmp_path, content).columns if not name.startswith("column_")] == [n for n in first if n]


@pytest.mark.parametrize("word", ["Total", "TOTAL:", "Summe", "Grand Total"])
def test_totals_below_the_table_are_left_out(tmp_path: Path, word: str) -> None:
    content = "region,n\nnorth,1\nsouth,2\n"
    taken = took(tmp_path, f"{content},\n{word},3\n , \n")
    assert taken.texts("n") == ["1", "2"] and list(taken.part.numbers) == [1, 2]
    assert "a row without a value: left out (rows 3, 5)" in said(taken) and "left out (row 4)" in said(taken)
    taken = took(tmp_path, f"{content}{word},3\n")
    assert taken.texts("n") == ["1", "2"] and "a total of the others below the table: left out (row 3)" in said(taken)
    assert took(tmp_path, f"{content}{word},3\n{word},4\n").rows == 4, "a word that repeats is one of the values"


def test_names_that_a_header_lacks(tmp_path: Path) -> None:
    taken = took(tmp_path, '"mpg","cyl"\n"Mazda RX4",21,6\n"Fiat 128",32.4,4\n')
    assert taken.columns == ["mpg", "cyl"] and taken.texts("cyl") == ["6", "4"] and "index" in said(taken)
    for content in ("a,b\n1,2,\n3,4,\n", "a,b,\n1,2,\n3,4,\n"):
        taken = took(tmp_path, content)
        assert taken.columns == ["a", "b"] and "'column_3': has neither a name nor a value: left out" in said(taken)
    assert took(tmp_path, "a,b,\n1,2,\n3,4,x\n").columns == ["a", "b", "column_3"]


def test_decimals_of_a_parquet_file_are_exact(tmp_path: Path) -> None:
    table = pa.table(
        {
            "whole": pa.array(["1", "2"]).cast(pa.decimal128(38, 0)),
            "huge": pa.array(["1", "1" + "0" * 30]).cast(pa.decimal128(38, 0)),
            "part": pa.array(["0.03", "1.10"]).cast(pa.decimal128(9, 2)),
            "ids": pa.array([2**64 - 1, 2**64 - 2], pa.uint64()),
            "a\x1b[31m": [1, 2],
        }
    )
    parquet.write_table(table, tmp_path / "rows.parquet")
    taken = take(tmp_path / "rows.parquet")
    schema, notes = taken.schema()
    assert [(column.name, column.dtype) for column in schema.columns] == [
        ("whole", "integer"), ("huge", "number"), ("part", "number"), ("a [31m", "integer")
    ]  # fmt: skip
    assert taken.texts("part") == ["0.03", "1.1"] and any("'ids': holds uint64 values that no" in str(note) for note in notes)


def test_the_header_once_more_is_no_row(tmp_path: Path) -> None:
    taken = took(tmp_path, "a,b\n1,x\na,b\n2,a\n")
    assert taken.texts("a") == ["1", "2"] and list(taken.part.numbers) == [1, 3]
    assert "the header stands there again: left out (row 2)" in said(taken)
    assert took(tmp_path, "a\na\nb\n").rows == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n4.7,3.2,virginica\n", "the columns have no names"),
        ("2024-01-01,7\n2024-01-02,8\n", "the columns have no names"),
        ("id,name\n1,'a,b'\n2,'c,d'\n", "most rows have another number"),
        ("id,price\n1,1,234\n2,5,678\n", "most rows have another number"),
        ('[{"a": 1}, {"a": 2}]', "JSON"),
        ('{"a": 1}\n{"a": 2}\n', "JSON"),
    ],
)
def test_what_is_no_table_is_named(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        took(tmp_path, content)
    assert words in f"{refused.value}"


def test_a_measure_of_another_unit_is_a_stray_and_one_without_is_counted(tmp_path: Path) -> None:
    taken = took(tmp_path, column("a", ["12 kg"] * 96 + ["5 lb", "7", "7", "?"]))
    assert "; 2 without it are taken for the same" in said(taken)
    assert taken.part.table["a"].to_pylist()[95:] == ["12", "5 lb", "7", "7", "?"]
    schema, notes = taken.schema()
    assert schema.column("a").dtype == "integer" and schema.column("a").missing == ("5 lb",)
    assert any("1 of 99 values are not of dtype integer (row 97)" in note.text for note in notes)


ENCODED = [
    ("Москва Казань Самара Омск менеджер инженер", "cp1251", "Windows-1251 (Cyrillic)"),
    ("Москва Казань Самара Омск менеджер инженер", "koi8-r", "KOI8-R"),
    ("Москва Казань Самара Омск менеджер инженер", "cp866", "DOS 866"),
    ("東京 大阪 名古屋 札幌 男性 女性 会員", "cp932", "Shift-JIS"),
    ("東京 大阪 名古屋 札幌 男性 女性 会員", "euc_jp", "EUC-JP"),
    ("東京 大阪 名古屋 札幌 男性 女性 会員", "iso2022_jp", "ISO-2022-JP"),
    ("北京 上海 广州 深圳 已婚 未婚 流失", "gb18030", "GB18030"),
    ("臺北 高雄 已婚 未婚 學士 碩士", "big5", "Big5"),
    ("서울 부산 대구 남자 여자 기혼 미혼", "cp949", "Windows-949 (Korean)"),
    ("Łódź Kraków Gdańsk mężczyzna żonaty", "cp1250", "Windows-1250"),
    ("Αθήνα Πάτρα άνδρας γυναίκα", "cp1253", "Windows-1253"),
    ("İstanbul Eskişehir kadın öğretmen şoför", "cp1254", "Windows-1254"),
    ("القاهرة الرياض ذكر أنثى", "cp1256", "Windows-1256"),
    ("München Köln größer Übung", "cp1252", "Windows-1252"),
    ("€12 €5 “so”", "cp1252", "Windows-1252"),
    ("Москва Казань менеджер", "utf-16", "UTF-16"),
    ("Москва Казань менеджер", "utf-16-le", "UTF-16-LE"),
    ("北京 上海 广州 深圳", "utf-16-be", "UTF-16-BE"),
    ("北京 上海 广州 深圳", "utf-32", "UTF-32"),
    ("Łódź Kraków", "utf-32-le", "UTF-32-LE"),
]


@pytest.mark.parametrize(("words", "encoding", "name"), ENCODED)
def test_an_encoding_is_found_out_and_said(tmp_path: Path, words: str, encoding: str, name: str) -> None:
    text = "id,word,left\n" + "".join(f"{i},{words.split()[i % len(words.split())]},no\n" for i in range(40))
    taken = took(tmp_path, text.encode(encoding))
    assert taken.texts("word")[: len(words.split())] == words.split()
    assert name in said(taken) and name in "".join(map(str, glance(tmp_path / "rows.csv").conversions))


def test_an_encoding_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("a,b\n1,Málaga\n".encode("mac-roman"))
    taken = take(path, encoding="mac-roman")
    assert taken.texts("b") == ["Málaga"] and "read as mac-roman, as --encoding says" in said(taken)
    assert glance(path, "mac-roman").columns == ("a", "b")
    path.write_text("a,b\n1,Málaga\n", encoding="utf-8-sig")
    assert take(path, encoding="utf-8").columns == ["a", "b"]
    path.write_text("a,b\n1,Málaga\n", encoding="utf-16")
    assert take(path, encoding="utf-16").texts("b") == ["Málaga"]


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1521", "--encoding is 'cp1521'; did you mean 'cp125"),
        ("hex", "--encoding is 'hex'"),
        ("utf-8", "byte 0x98 in line 2"),
    ],
)
def test_an_encoding_that_cannot_be_is_refused(tmp_path: Path, encoding: str, words: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"a,b\n1,\x98\n")
    with pytest.raises(UsageError) as refused:
        take(path, encoding=encoding)
    assert words in refused.value.message and refused.value.next_step


@pytest.mark.parametrize(
    ("labels", "merged"),
    [
        (["yes", "yes", "YES", "Yes ", "no"], ["yes", "yes", "yes", "yes", "no"]),
        (["not churned", "not  churned", "Not\u00a0churned", "churned"], ["not churned"] * 3 + ["churned"]),
        (["y", "Y", "y", "n"], ["y", "y", "y", "n"]),
        (["a", "A", "b", "B"], ["a", "a", "b", "b"]),
        (["A", "A", "a", "b"], ["A", "A", "A", "b"]),
        (["a", "A", "b", "c"], ["a", "A", "b", "c"]),
        (["1", "2", "2"], ["1", "2", "2"]),
        (["True", "true", "false"], ["True", "true", "false"]),
    ],
)
def test_classes_that_differ_by_capitals_or_blanks_are_one(tmp_path: Path, labels: list[str], merged: list[str]) -> None:
    taken = took(tmp_path, column("left", labels)).spelled_alike("left")
    assert taken.texts("left") == merged
    stripped = [label.strip() for label in labels]
    changed = {label for label, one in zip(stripped, merged, strict=True) if label != one}
    assert all(f"'{label}' is '" in said(taken).replace("\\xa0", "\u00a0") for label in changed)
    assert ("taken for the same class (row" in said(taken)) is bool(changed)
    parquet.write_table(pa.table({"left": stripped}), tmp_path / "rows.parquet")
    assert take(tmp_path / "rows.parquet").spelled_alike("left").texts("left") == merged


def test_a_few_large_numbers_with_commas_among_plain_ones_are_converted(tmp_path: Path) -> None:
    taken = took(tmp_path, column("a", ["12.5"] * 98 + ["1,234.50"] * 2))
    assert taken.part.table["a"].to_pylist()[-2:] == ["1234.50", "1234.50"] and "rows 99, 100" in said(taken)


def test_marks_for_missing_values_are_counted_each_and_written_into_the_schema(tmp_path: Path) -> None:
    content = column("a", ["1", "NULL", "?", " ", "", "2", "?", "-", "0000-00-00"])
    taken = took(tmp_path, content)
    assert taken.texts("a") == ["1", "", "", "", "", "2", "", "", ""]
    assert "'a': '?' stands for a missing value 2 times (rows 3, 7)" in said(taken)
    assert all(f"'a': {mark}" in said(taken) for mark in ("'NULL'", "a blank", "'-'", "'0000-00-00'"))
    schema, _ = taken.schema()
    assert schema.missing and "NULL" in schema.missing and schema.column("a").dtype == "integer"
    assert schema.column("a").nullable == 0.99


def test_namibia_stays_where_the_list_says_so(tmp_path: Path) -> None:
    content = column("a", ["NA", "DE", "?"] * 9)
    taken = took(tmp_path, content, ("", "?"))
    schema, _ = taken.schema()
    assert schema.column("a").categories == ("DE", "NA") and schema.missing == ("?",)
    assert infer(str(tmp_path / "rows.csv"), missing=("",))[0].missing == ()


def test_an_index_is_left_out_and_names_are_usable(tmp_path: Path) -> None:
    taken = took(tmp_path, ",a,a, b ,\n0,1,2,3,4\n1,5,6,7,8\n")
    assert taken.columns == ["a", "a_2", "b", "column_5"]
    assert "index" in said(taken) and "'a_2'" in said(taken)
    assert took(tmp_path, "Unnamed: 0,a\n5,1\n9,2\n").columns == ["a"]
    assert took(tmp_path, ",a\nMazda RX4,1\nFiat 128,2\n").columns == ["a"]


def test_a_first_column_without_a_name_that_repeats_is_no_index(tmp_path: Path) -> None:
    assert took(tmp_path, ",a\nx,1\nx,2\n").columns == ["column_1", "a"]


def test_a_carriage_return_stays_in_a_quoted_value_and_parts_no_row_elsewhere(tmp_path: Path) -> None:
    taken = took(tmp_path, 'a,b\n1,"late\rpaid"\n2,late\rpaid\n')
    assert taken.part.table["b"].to_pylist() == ["late\rpaid", "late paid"] and "(row 2)" in said(taken)
    write(taken, tmp_path / "written.csv")
    assert take(tmp_path / "written.csv").part.table.equals(taken.part.table)


def test_blanks_around_words_of_a_parquet_file_are_left_out_and_a_name_that_stands_twice_is_named(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": ["no ", "no", None], "b": [1, 2, 3]}), tmp_path / "rows.parquet")
    taken = take(tmp_path / "rows.parquet")
    assert taken.texts("a") == ["no", "no", ""] and "blanks around its words: left out (row 1)" in said(taken)
    parquet.write_table(pa.table([[1], [2]], names=["a", "a"]), tmp_path / "twice.parquet")
    with pytest.raises(UsageError, match="names 'a' more than once"):
        take(tmp_path / "twice.parquet")


def test_parquet_keeps_its_types_and_leaves_its_index(tmp_path: Path) -> None:
    table = pa.table({"zip": ["01234", "5"], "n": [1, 2], "l": [[1], [2]], "__index_level_0__": [4, 9]})
    parquet.write_table(table, tmp_path / "rows.bin")
    taken = take(tmp_path / "rows.bin")
    assert taken.columns == ["zip", "n"] and taken.kind == "parquet"
    assert "'__index_level_0__': is an index" in said(taken) and "'l': holds values of type list" in said(taken)
    assert [each.dtype for each in taken.schema()[0].columns] == ["string", "integer"]
    assert glance(tmp_path / "rows.bin").columns == ("zip", "n")


@pytest.mark.parametrize(
    ("values", "first"),
    [
        (["2025-03-14", None, "2025-04-01"], datetime(2025, 3, 14, tzinfo=UTC)),
        (["2025-03-14 10:00:00", "2025-04-01T10:00:00+02:00"], datetime(2025, 3, 14, 10, tzinfo=UTC)),
        (["2025-03", "NULL", "2025-04"], datetime(2025, 3, 1, tzinfo=UTC)),
        (["2025-W11", "2025-W14"], datetime(2025, 3, 10, tzinfo=UTC)),
    ],
)
def test_dates_that_a_parquet_file_keeps_as_text_are_moments(
    tmp_path: Path, values: list[str | None], first: datetime
) -> None:
    parquet.write_table(pa.table({"seen": values, "late": [1] * len(values)}), tmp_path / "rows.parquet")
    taken = take(tmp_path / "rows.parquet")
    assert taken.times("seen")[0] == first and "dates throughout" in said(taken)
    write(taken, tmp_path / "out.parquet")
    schema, _ = infer(str(tmp_path / "out.parquet"))
    assert schema.column("seen").dtype == "datetime" == taken.schema()[0].column("seen").dtype


@pytest.mark.parametrize("values", [["2025-03-14", "soon"], ["20250314", "20250401"], ["1", "0"], ["a", "b"]])
def test_other_text_of_a_parquet_file_stays_text(tmp_path: Path, values: list[str]) -> None:
    parquet.write_table(pa.table({"seen": values, "late": [1] * len(values)}), tmp_path / "rows.parquet")
    taken = take(tmp_path / "rows.parquet")
    assert taken.texts("seen") == values and taken.schema()[0].column("seen").dtype == "string"


def test_rows_are_selected_and_keep_their_numbers(tmp_path: Path) -> None:
    taken = took(tmp_path, "a,when\n1,2024-01-01\n2,\n3,2024-01-03T10:00:00+02:00\n").select([2, 1])
    assert taken.texts("a") == ["3", "2"] and list(taken.part.numbers) == [3, 2]
    assert taken.times("when") == [datetime(2024, 1, 3, 8, tzinfo=UTC), None]
    assert taken.known("a") == {"3": 1, "2": 1}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"a,b\n", "no row"),
        (b"a,b\n1,2\n3\n", r"number of fields differs.*\(row 2\)"),
        (b'a,b\n1,"2\n', "never closed"),
        (bytes(range(1, 256)) * 9, "binary"),
        (gzip.compress(PLAIN.encode() * 99, mtime=0)[:-5], "cut or damaged"),
        (b"PAR1", "Parquet"),
    ],
)
def test_what_cannot_be_taken_in_is_refused_by_name(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=f"rows.csv: .*{words}") as refused:
        took(tmp_path, content)
    assert refused.value.next_step


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(UsageError, match=str(path)):
            take(path)


def test_a_glance_reads_a_megabyte_and_cuts_no_character(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a;b\n" + "ü;1\n" * 400_000, encoding="utf-8")
    assert [each.what for each in glance(path).conversions] == ["separator"]
    path.write_bytes(gzip.compress(path.read_bytes(), 1))
    assert glance(path).columns == ("a", "b")


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("inf", "infinite"),
        ("-Infinity", "infinite"),
        ("1e999", "beyond what 32-bit numbers hold"),
        ("1e300", "beyond what 32-bit numbers hold"),
        ("9223372036854775808", "a whole number beyond 64 bits"),
        ("soon", ""),
    ],
)
def test_what_is_no_number_among_numbers_is_named_and_missing(tmp_path: Path, value: str, what: str) -> None:
    schema, notes = took(tmp_path, column("a", [str(number) for number in range(40)] + [value])).schema()
    declared = schema.column("a")
    assert declared.dtype == "integer" and declared.missing == (value,)
    note = next(str(note) for note in notes if "not of dtype" in note.text)
    assert "'a': 1 of 41 values" in note and "(row 41)" in note and what in note and '"missing" of' in note
    assert value == what or value not in note.replace("infinite", "")


def test_a_day_that_no_calendar_has_is_named(tmp_path: Path) -> None:
    schema, notes = took(tmp_path, column("a", ["2025-01-01"] * 40 + ["2025-02-30"])).schema()
    assert schema.column("a").dtype == "datetime" and schema.column("a").missing == ("2025-02-30",)
    assert any("a day that no calendar has (row 41)" in note.text for note in notes)


@pytest.mark.parametrize(("words", "dtype"), [(5, "integer"), (6, "string")])
def test_from_95_percent_a_column_is_of_numbers_and_below_it_is_said(tmp_path: Path, words: int, dtype: str) -> None:
    values = [str(number) for number in range(100 - words)] + [f"w{number}" for number in range(words)]
    schema, notes = took(tmp_path, column("a", values)).schema()
    assert schema.column("a").dtype == dtype
    assert any(("not of dtype integer" if dtype == "integer" else "fewer than 95 %") in note.text for note in notes)


def test_the_schema_reads_the_rows_as_they_were_taken(tmp_path: Path) -> None:
    taken = took(tmp_path, column("a", ["1", "?", "3"]))
    assert json.loads(json.dumps(taken.schema()[0].dump()))["missing"][0] == "NA"


@pytest.mark.parametrize("name", ["rows.csv", "rows.bin"])
def test_rows_are_taken_in_where_neither_pandas_nor_numpy_is(tmp_path: Path, name: str) -> None:
    moment = pa.array([1, 10**18 + 1], pa.timestamp("ns", "Europe/Berlin"))
    table = pa.table({"a": ["x", "y"], "when": moment, "clock": pa.array([1, 2], pa.time64("ns")), "n": [1.5, None]})
    parquet.write_table(table, tmp_path / "rows.bin")
    (tmp_path / "rows.csv").write_text("a;when\nx;2024-01-01\ny;2024-01-02\n")
    (tmp_path / "quoted.csv").write_text('a,n\n"two\nlines",1\n5" pipe,2\n')
    code = f"""
import sys
class Without:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in ("pandas", "numpy"):
            raise ImportError(name)
sys.meta_path.insert(0, Without())
from pathlib import Path
from gateline.rows.importing import glance, take, write
glance({str(tmp_path / name)!r})
taken = take({str(tmp_path / name)!r})
schema, notes = taken.schema("a", "when")
write(taken.select([1]), Path({str(tmp_path / "written")!r}))
print([column.dtype for column in schema.columns], *taken.times("when"))
from gateline.rows.infer import infer
schema, notes = infer({str(tmp_path / "quoted.csv")!r})
assert [column.dtype for column in schema.columns] == ["string", "integer"]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("['string', 'datetime'") and take(tmp_path / "written").texts("a") == ["y"]


def test_a_cell_of_megabytes_among_numbers_is_in_no_schema(tmp_path: Path) -> None:
    taken = took(tmp_path, column("a", [str(number) for number in range(40)] + ["x" * 200_000]))
    schema, notes = taken.schema()
    assert schema.column("a").missing == () and schema.column("a").dtype == "integer"
    assert "(row 41)" in said(taken) and taken.texts("a")[40] == "" and len(said(taken)) < 300
    _, notes = infer(str(tmp_path / "rows.csv"))
    assert any("(row 41)" in note.text and "these rows fail" in note.text for note in notes)
