"""Audit events: their stored form, their digest, their seal."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from pydantic import ValidationError

from gateline.contracts.event import GENESIS, Event, seal_of

EVENT = Event(
    id="1", source="/flights", type="dev.gateline.change.started", time="2026-11-24T00:00:00Z", data={"b": 1, "a": "é"}
)


def test_the_stored_form_is_cloudevents_json_in_one_order() -> None:
    body = json.loads(EVENT.to_bytes())
    assert {"specversion", "id", "source", "type"} <= set(body)
    assert body["specversion"] == "1.0"
    assert EVENT.to_bytes() == json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert Event.model_validate_json(EVENT.to_bytes()) == EVENT


def test_the_digest_is_that_of_the_stored_form() -> None:
    assert EVENT.digest() == hashlib.sha256(EVENT.to_bytes()).hexdigest()
    assert len(GENESIS) == len(EVENT.digest())


@pytest.mark.parametrize(
    "change", [{"id": "2"}, {"data": {"a": "é", "b": 2}}, {"previous": "1" * 64}, {"seal": "x"}, {"sequence": 1}]
)
def test_every_field_is_in_the_digest(change: dict[str, object]) -> None:
    assert EVENT.model_copy(update=change).digest() != EVENT.digest()


def test_the_seal_is_an_hmac_that_only_the_key_makes() -> None:
    sealed = EVENT.sealed("key")
    assert sealed.seal == hmac.new(b"key", EVENT.to_bytes(), hashlib.sha256).hexdigest()
    stored = json.loads(sealed.to_bytes())
    assert sealed.seal == seal_of(stored, "key") != seal_of(stored, "other")
    assert sealed.seal != seal_of(stored | {"subject": "x"}, "key")


def test_without_a_key_nothing_is_sealed() -> None:
    assert EVENT.sealed("") is EVENT


def test_what_is_no_json_number_is_stored_as_null() -> None:
    event = EVENT.model_copy(update={"data": {"p95": float("nan")}})
    assert json.loads(event.to_bytes())["data"] == {"p95": None}


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        Event.model_validate(EVENT.model_dump() | {"extra": 1})


@pytest.mark.parametrize(
    "wrong",
    [
        {"time": "soon"},
        {"data": {"actor": "eve"}},
        {"data": {"release": ["1"]}},
        {"data": {"heads": 3}},
        {"data": {"heads": [{"count": "3", "digest": "a"}]}},
        {"data": {"findings": [{"line": 1}]}},
    ],
)
def test_an_event_of_another_form_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Event.model_validate(EVENT.model_dump() | wrong)
