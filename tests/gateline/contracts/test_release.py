"""Releases: their name, and what comes back from JSON."""

from __future__ import annotations

from gateline.contracts.release import Release
from gateline.settings import Service


def release(digest: str) -> Release:
    return Release(
        digest=digest,
        version="20261124-abc1234",
        artifact="a" * 64,
        project="flights",
        lock="l",
        python="3.11",
        service=Service(),
    )


def test_two_releases_of_one_model_have_two_names() -> None:
    assert release("0123456789").name == "20261124-abc1234+01234567"
    assert release("0" * 64).name != release("1" * 64).name


def test_a_release_comes_back_from_json() -> None:
    assert Release.model_validate_json(release("0" * 64).model_dump_json()) == release("0" * 64)
