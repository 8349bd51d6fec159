"""Folders and sockets of an environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.process.place import Place, make_private
from settings.errors import OutsideError

MACOS_LIMIT = 104
TEMPORARY_NAME = ".1234567.tmp"


@pytest.mark.parametrize(
    "temporary", ["/tmp", "/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T", "/x" * 60, "/with a space"]
)
def test_a_socket_fits_whatever_the_names_are_long(temporary: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", temporary)
    place = Place(Path("/home/" + "x" * 200 + "/.gateline"), "p" * 40, "e" * 40)
    socket = str(place.runtime() / "proxy.sock") + TEMPORARY_NAME
    assert len(socket) < MACOS_LIMIT and " " not in socket


def test_sockets_are_where_the_account_wants_them_without_a_try(monkeypatch: pytest.MonkeyPatch) -> None:
    place, own = Place(Path("/home/.gateline"), "tiny", "production"), Path(f"/tmp/g{os.getpid()}")
    monkeypatch.setenv("TMPDIR", str(own))
    assert place.runtime().is_relative_to("/tmp/") and not place.runtime().is_relative_to(own), "it is not there"
    own.mkdir()
    try:
        assert place.runtime().is_relative_to(own) and not any(own.iterdir())
    finally:
        own.rmdir()
    monkeypatch.delenv("TMPDIR")
    assert place.runtime().parent == Path(f"/tmp/gateline-{os.getuid()}")


def test_two_copies_of_a_project_do_not_share_sockets() -> None:
    folders = {Place(Path(root), "tiny", env).runtime() for root in ("/a", "/b") for env in ("staging", "production")}
    assert len(folders) == 4


def test_a_private_folder_is_made_once(tmp_path: Path) -> None:
    make_private(tmp_path / "own")
    make_private(tmp_path / "own")
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["open", "link"])
def test_a_folder_that_others_can_enter_or_made_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "other").mkdir(mode=0o777)
    (tmp_path / "other").chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path / "other")
    with pytest.raises(OutsideError, match="is not a folder that this account alone can enter"):
        make_private(tmp_path / ("link" if kind == "link" else "other"))
