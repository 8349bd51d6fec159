"""Folders and sockets of an environment."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from gateline.settings.errors import OutsideError
from infra.host.layout import Layout, make_private

MACOS_LIMIT = 104
TEMPORARY_NAME = ".1234567.tmp"


@pytest.mark.parametrize(
    "temporary", ["/tmp", "/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T", "/x" * 60, "/with a space"]
)
def test_a_socket_fits_however_long_the_names_are(temporary: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", temporary)
    place = Layout(Path("/home/" + "x" * 200 + "/.gateline"), "p" * 40, "e" * 40)
    socket = str(place.runtime() / "proxy.sock") + TEMPORARY_NAME
    assert len(socket) < MACOS_LIMIT and " " not in socket


def test_sockets_are_where_the_account_wants_them_without_a_try(monkeypatch: pytest.MonkeyPatch) -> None:
    place, own = Layout(Path("/home/.gateline"), "tiny", "production"), Path(f"/tmp/g{os.getpid()}")
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
    folders = {Layout(Path(root), "tiny", env).runtime() for root in ("/a", "/b") for env in ("staging", "production")}
    assert len(folders) == 4


def test_a_private_folder_is_made_once(tmp_path: Path) -> None:
    make_private(tmp_path / "own")
    make_private(tmp_path / "own")
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("kind", "said"),
    [("other", r"is open to other accounts \(mode 0777; allowed: 0700\)"), ("link", "is a link"), ("file", "no folder")],
)
def test_a_folder_that_others_can_enter_or_made_is_named(tmp_path: Path, kind: str, said: str) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other").chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path / "other")
    (tmp_path / "file").touch()
    with pytest.raises(OutsideError, match=said) as refused:
        make_private(tmp_path / kind)
    assert "XDG_RUNTIME_DIR" in refused.value.next_step


@pytest.mark.skipif(os.getuid() != 0, reason="gives a folder to another account")
def test_the_account_that_planted_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o700)
    os.chown(tmp_path / "theirs", 65534, 65534)
    with pytest.raises(OutsideError, match="belongs to the account nobody, not to the account root"):
        make_private(tmp_path / "theirs")


@pytest.mark.parametrize(("mode", "taken"), [(0o700, True), (0o755, False)])
def test_the_accounts_own_runtime_folder_comes_first(mode: int, taken: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Layout(Path("/home/.gateline"), "tiny", "staging")
    with tempfile.TemporaryDirectory(prefix="x", dir="/tmp") as own:
        Path(own).chmod(mode)
        monkeypatch.setenv("XDG_RUNTIME_DIR", own)
        assert place.runtime().is_relative_to(own) is taken
    assert not place.runtime().is_relative_to(own)
