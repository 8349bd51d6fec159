"""What an image is called."""

from __future__ import annotations

import pytest

from gateline.contracts.release import Release
from gateline.settings import Service, Settings
from infra.releases.image.building import git_tags, tags


def settings(repository: str = "") -> Settings:
    return Settings.model_validate(
        {
            "project": {"name": "flights"},
            "data": {"target": "y"},
            "image": {"repository": repository},
            "environments": {"staging": {"port": 8101}},
        }
    )


def release(commit: str = "c0ffee1") -> Release:
    return Release(
        digest="d" * 64,
        version="20260102-c0ffee1",
        artifact="a",
        project="flights",
        lock="l",
        python="3.11",
        service=Service(),
        commit=commit,
    )


def test_a_release_is_tagged_by_version_commit_and_latest() -> None:
    assert tags(settings(), release(), ()) == (
        "flights:20260102-c0ffee1-dddddddd",
        "flights:sha-c0ffee1",
        "flights:latest",
    )


@pytest.mark.parametrize(
    ("version", "tag"), [("v1.2.3", "1.2.3"), ("1.2.3-rc.1", "1.2.3-rc.1"), ("release-7", None), ("v1.2", None)]
)
def test_a_semantic_version_of_the_commit_is_a_tag(version: str, tag: str | None) -> None:
    found = tags(settings("registry.example.org/team/flights"), release(), (version,))
    assert (f"registry.example.org/team/flights:{tag}" in found) is (tag is not None)
    assert len(found) == (4 if tag else 3)


@pytest.mark.parametrize(("commit", "tag"), [("", "sha-nogit"), ("c0ffee1" + "0" * 33 + "-dirty", "sha-c0ffee1-dirty")])
def test_a_commit_that_is_no_tag_is_made_one(commit: str, tag: str) -> None:
    assert f"flights:{tag}" in tags(settings(), release(commit), ())


def test_the_repository_is_the_projects_name_unless_it_is_set() -> None:
    assert {tag.rpartition(":")[0] for tag in tags(settings(), release(), ())} == {"flights"}
    assert {tag.rpartition(":")[0] for tag in tags(settings("ghcr.io/a/b"), release(), ())} == {"ghcr.io/a/b"}


def test_outside_git_there_are_no_tags(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    assert git_tags() == ()
