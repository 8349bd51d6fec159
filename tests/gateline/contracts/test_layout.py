"""Where an environment keeps its files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateline.contracts import layout
from gateline.settings.errors import OutsideError
from tests.infra.engines.process.conftest import settings


def test_by_default_it_is_below_the_project(tmp_path: Path) -> None:
    assert layout.folder(settings(1), "production", tmp_path) == tmp_path / ".gateline" / "environments" / "production"


@pytest.mark.parametrize("state", ["/srv/kept", "../kept", "~/kept"])
def test_a_folder_elsewhere_is_the_same_for_every_checkout_of_a_project(
    tmp_path: Path, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    one, other = (layout.base(settings(1, state=state), "production", tmp_path / name) for name in ("one", "other"))
    assert one == other == (Path("/srv/kept") if state.startswith("/") else tmp_path / "kept") / "tiny"
    assert layout.base(settings(1, "another", state=state), "production", tmp_path / "one") != one


@pytest.mark.parametrize(("kept", "seen"), [("here", True), ("/root here", True), ("s3://there tiny", False), ("", True)])
def test_events_seen_of_another_registry_say_nothing_of_this_one(tmp_path: Path, kept: str, seen: bool) -> None:
    here, folder = settings(1), tmp_path / layout.STATE / layout.BUILD
    assert not layout.has_seen_events(here, tmp_path)
    folder.mkdir(parents=True)
    (folder / "audit-head.json").write_text('{"count": 1, "digest": "x"}')
    if kept:
        named = kept.replace("here", layout.log_of(here.registry.url, "tiny")).replace("/root ", f"{Path.cwd()}/")
        (folder / "audit-log.json").write_text(named)
    assert layout.has_seen_events(here, tmp_path) is seen


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutsideError, match=rf"{tmp_path}/file/x.*cannot be used: Not a directory") as caught:
        layout.make(tmp_path / "file" / "x")
    assert "environments.<name>.state" in caught.value.next_step


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_of_another_account_is_named(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o555)
    with pytest.raises(OutsideError, match="may not write into it"):
        layout.make(tmp_path / "theirs")
