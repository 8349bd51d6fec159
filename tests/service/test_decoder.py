"""What the quick decoder takes, the model takes too, as the same typed rows; what it does not take is the model's to judge."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from typing import Any

import pytest

from gateline.contracts import samples
from gateline.contracts import schema as schemas
from gateline.contracts.schema import Schema
from service.decoder import Decoder
from service.refusals import Refusal
from service.requests import Requests
from tests.service import bundles
from tests.service.bundles import NAMED, ROW
from tests.service.test_predict import HOSTILE, VALUES
from tests.service.test_requests import CHANGED

EVERYTHING = schemas.parse(
    {
        "columns": [
            {"name": "a:b", "dtype": "string", "nullable": 0.5, "sentinels": ["n/a"]},
            {"name": "kind", "dtype": "string", "categories": ["x", "y:z", "é"], "was": "sort"},
            {"name": "code", "dtype": "string", "pattern": "[A-Z]{2}|a", "default": "AB"},
            {"name": "size", "dtype": "number", "minimum": -2.5, "maximum": 1e300, "sentinels": [0, -1]},
            {"name": "free", "dtype": "number", "nullable": 0.1},
            {"name": "count", "dtype": "integer", "categories": [1, 2, 3], "default": 2},
            {"name": "whole", "dtype": "integer"},
            {"name": "flag", "dtype": "boolean", "nullable": 0.1, "default": None},
            {"name": "when", "dtype": "datetime", "minimum": 0.0, "sentinels": ["1970-01-02"]},
        ],
        "ignored": ["old"],
    }
)
WHOLE = {
    "a:b": "p:q", "kind": "x", "code": "CD", "size": 1.5, "free": None, "count": 1, "whole": 3, "flag": True,
    "when": "2025-03-14T01:02:03+05:30",
}  # fmt: skip
SCHEMAS = {
    "tests": (bundles.schema(), NAMED),
    "changed": (CHANGED, {"size": 1, "colour": "red"}),
    "all": (EVERYTHING, WHOLE),
}
ODD: list[Any] = [
    0, -0.0, 1, 3.0, 17.5, 17.000000001, -1, 2**53, 2**53 + 1, 2**64, -(2**70), 1e22, 1e300, 1e308, 3.5e38, 5e-324, True,
    False, None, "", "x", "AA", "AB", "a", "ab", "AB\n", "n/a", "y:z", "é", "\x7f", "\u2028", "\U0001f600", ":", "::", "\\",
    '"', "\ud800", "\x00", "1", "1970-01-02", "2025-03-14", "2025-03-14T25:00", "20250314T010203Z", "0001-01-01T00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    [], {}, [1], {"a": 1}, {"size": 1},
]  # fmt: skip
RAW = [
    "NaN", "Infinity", "-Infinity", "1e309", "-1e309", "9" * 400, "01", "1.", ".5", "+1", "-", "-0", "-0.0", "1E2", "1e-400",
    "0x1", "tru", "nulll",
    "'x'", '"\\u0041\\u0042"', '"\\ud800"', '"\\ud83d\\ude00"', "[" * 5_000, '"\x01"', '"\t"', "1 2", "",
]  # fmt: skip


@pytest.fixture(scope="module", params=SCHEMAS)
def asked(request: pytest.FixtureRequest) -> tuple[Requests, Schema, dict[str, Any]]:
    schema, named = SCHEMAS[request.param]
    return Requests(schema, 3, samples.rows(schema, 1, seed=1)[0]), schema, named


def agree(requests: Requests, body: bytes) -> bool:
    """Say whether the decoder takes a body; the model must then take it as the same, to the last bit and type."""
    found = requests.certain(body)
    if found is None:
        return False
    try:
        meant = requests.parse(body)
    except Refusal as refusal:
        raise AssertionError(f"taken, but refused: {body[:200]!r}: {refusal}") from None
    assert repr(found) == repr(meant), body[:200]
    assert requests.read(body) == meant or any(value != value for row in meant.rows for value in row)
    return True


def test_good_bodies_are_taken_in_every_form(asked: tuple[Requests, Schema, dict[str, Any]]) -> None:
    requests, schema, named = asked
    names = [column.name for column in schema.features]
    for row in samples.rows(schema, 50, seed=7):
        by_name = dict(zip(names, row))
        forms: list[Any] = [{"features": row}, {"features": by_name}, {"rows": [by_name, by_name]}]
        forms.append({"features": dict(reversed(by_name.items()))})
        before = {column.was or column.name: by_name[column.name] for column in schema.features}
        forms += [{"features": before}, {"rows": [before] * 3}]
        forms += [{"features": before | dict.fromkeys(schema.ignored, value)} for value in ("a: b", 1e300, -1, None, False)]
        for form in forms:
            assert agree(requests, json.dumps(form, ensure_ascii=False).encode())
            assert agree(requests, b" \r\n\t" + json.dumps(form, ensure_ascii=False, indent=1).encode() + b" \n")
    assert agree(requests, json.dumps({"features": named}).encode())


def changed_bodies(schema: Schema, named: dict[str, Any], seed: int, count: int) -> Iterator[bytes]:
    """Make bodies that are nearly right: values, names, forms and bytes changed at random."""
    chance = random.Random(seed)
    names = [column.name for column in schema.features]
    former = [column.was for column in schema.features if column.was]
    others = [*names, *former, *schema.ignored, "features", "rows", "nope", ""]
    drawn = samples.rows(schema, 20, seed=seed)
    for _ in range(count):
        values = dict(zip(names, chance.choice(drawn))) if chance.random() < 0.8 else dict(named)
        pairs = [(name, json.dumps(value, ensure_ascii=chance.random() < 0.3)) for name, value in values.items()]
        for _ in range(chance.choice((0, 0, 1, 1, 2))):
            place = chance.randrange(len(pairs))
            new = json.dumps(chance.choice(ODD)) if chance.random() < 0.6 else chance.choice(RAW)
            pairs[place] = (pairs[place][0], new)
        if chance.random() < 0.15:
            pairs.append((chance.choice(others), chance.choice(pairs)[1]))
        if chance.random() < 0.1:
            pairs.pop(chance.randrange(len(pairs)))
        if chance.random() < 0.3:
            chance.shuffle(pairs)
        yield _body(chance, pairs)


def _body(chance: random.Random, pairs: list[tuple[str, str]]) -> bytes:
    row = "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in pairs) + "}"
    ordered = "[" + ",".join(value for _, value in pairs) + "]"
    one, odd = '{"features": %s}', ['{"features": [%s]}', "%s", '{"features": %s, "rows": []}']
    form = chance.choice([*[one] * 8, *['{"rows": [%s]}', '{"rows": [%s, %s]}'] * 3, *odd])
    part = ordered if chance.random() < 0.4 and "rows" not in form else row
    body = form.replace("%s", part)
    if chance.random() < 0.1:
        body = body.replace('"features"', '"featur\\u0065s"').replace('":', '" :')
    data = body.encode("utf-8", "surrogatepass")
    if chance.random() < 0.1:
        place = chance.randrange(len(data))
        data = data[:place] + bytes([chance.randrange(256)]) + data[place + chance.randrange(2) :]
    return chance.choice((b"", b"", b"", b"\xef\xbb\xbf", b" ")) + data + chance.choice((b"", b"", b"", b"x", b"\x00", b"\n"))


@pytest.mark.parametrize("seed", range(4))
def test_what_the_decoder_takes_the_model_takes_as_the_same(asked: tuple[Requests, Schema, dict[str, Any]], seed: int) -> None:
    requests, schema, named = asked
    taken = sum(agree(requests, body) for body in changed_bodies(schema, named, seed, 1_500))
    assert 100 < taken < 1_400, "the bodies must be of both kinds"


def test_the_hostile_corpus_is_not_taken(asked: tuple[Requests, Schema, dict[str, Any]]) -> None:
    requests = asked[0]
    for name, (body, _) in HOSTILE.items():
        assert not agree(requests, body), name


@pytest.mark.parametrize("value", [*VALUES, *RAW, *(json.dumps(one) for one in ODD)])
def test_any_value_in_any_column_is_taken_as_the_model_takes_it(value: str) -> None:
    for schema, named in SCHEMAS.values():
        requests = Requests(schema, 3, [])
        for name in named:
            others = {other: json.dumps(given) for other, given in named.items()} | {name: value}
            body = "{" + ", ".join(f"{json.dumps(other)}: {given}" for other, given in others.items()) + "}"
            for form in ('{"features": %s}', '{"rows": [%s]}'):
                agree(requests, (form % body).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"features": NAMED})[:-2] + ', "hour": 17}}',
        json.dumps({"features": NAMED}).replace('"hour": 17', '"hour": 17, "hour": 17').replace("T12:00", "T12\\u003a00"),
        json.dumps({"features": ROW, "rows": [NAMED]}),
        json.dumps({"features": ROW})[:-1] + ', "features": ' + json.dumps(ROW) + "}",
        json.dumps({"rows": [NAMED] * 4}),
        json.dumps({"rows": []}),
        "{}",
    ],
)
def test_two_of_one_name_and_other_forms_are_left_to_the_model(body: str) -> None:
    requests = Requests(bundles.schema(), 3, ROW)
    assert requests.certain(body.encode()) is None
    with pytest.raises(Refusal):
        requests.read(body.encode())


def test_a_name_twice_is_not_made_up_for_by_one_that_is_left_out() -> None:
    requests = Requests(CHANGED, 3, [])
    twice = b'{"features": {"size": 1, "size": 2, "colour": "red", "seats": 1}}'
    assert requests.certain(twice) is None
    assert requests.certain(twice.replace(b'"size": 2, ', b"")) == requests.parse(twice.replace(b'"size": 2, ', b""))


def test_what_is_ignored_is_read_by_the_model_where_it_holds_more_than_one_value() -> None:
    requests = Requests(EVERYTHING, 3, [])
    for value in ({"a": 1}, [1], {"a": {"a": 1, "b": ":"}}):
        assert not agree(requests, json.dumps({"features": WHOLE | {"old": value}}).encode())
    twice = json.dumps({"features": WHOLE | {"old": 1}})[:-2] + ', "old": 2}}'
    assert requests.certain(twice.encode()) is None and agree(requests, twice.replace(', "old": 2', "").encode())
    both = json.dumps({"features": WHOLE | {"sort": "x"}}).encode()
    assert requests.certain(both) is None


def test_a_limit_is_where_the_model_has_it() -> None:
    schema = schemas.parse({"columns": [{"name": "x", "dtype": "number"}, {"name": "n", "dtype": "integer"}]})
    requests, decoder = Requests(schema, 1, []), Decoder(schema, 1, [None, None])
    for x in (3.4028234663852886e38, math.nextafter(3.4028234663852886e38, math.inf)):
        for n in (2**53, 2**53 + 2, -(2**53), 0.5):
            body = json.dumps({"features": [x, n]}).encode()
            assert (decoder.decode(body) is not None) == (x == 3.4028234663852886e38 and abs(n) in (2**53,))
            agree(requests, body)
