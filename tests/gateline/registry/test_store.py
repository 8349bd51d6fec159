"""The store: whole writes, exclusive creation, and a clear error where its place is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateline.registry.store import Store
from gateline.settings.errors import GateRefused, OutsideError, UsageError
from gateline.settings.front_door import front_door
from tests.gateline.settings.files import good

ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A registry in a folder, and one behind an fsspec URL."""
    if request.param == "folder":
        yield Store(str(tmp_path / "registry"), "flights")
        return
    opened = Store(f"memory://{tmp_path.name}", "flights")
    yield opened
    for folder in ("a", "a/b"):
        for name in opened.names(folder):
            opened.delete(f"{folder}/{name}")


def test_what_was_written_is_read_and_replaced(store: Store) -> None:
    store.write("a/x", b"1")
    store.write("a/x", b"2")
    assert store.read("a/x") == b"2"
    assert store.exists("a/x")


def test_what_is_not_there_is_not_found(store: Store) -> None:
    assert not store.exists("a/x")
    with pytest.raises(FileNotFoundError):
        store.read("a/x")


def test_an_object_is_created_once(store: Store) -> None:
    store.create("a/x", b"1")
    with pytest.raises(FileExistsError):
        store.create("a/x", b"2")
    assert store.read("a/x") == b"1"


def test_names_are_those_directly_in_the_folder_sorted(store: Store) -> None:
    for name in ("a/y", "a/x", "a/b/z", "a/.hidden"):
        store.write(name, b"1")
    assert store.names("a") == ["x", "y"]
    assert store.names("none") == []


def test_an_object_is_deleted_and_deleting_nothing_does_nothing(store: Store) -> None:
    store.write("a/x", b"1")
    store.delete("a/x")
    store.delete("a/x")
    assert not store.exists("a/x")


def test_a_folder_is_no_object(store: Store) -> None:
    store.write("a/x", b"1")
    assert not store.exists("a")


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "a//b", "", ".", "a/[red]b", "<b>", "a\nb", "..."])
def test_a_name_that_leads_out_of_the_registry_is_refused(store: Store, name: str) -> None:
    with pytest.raises(GateRefused, match="no name of an object"):
        store.write(name, b"1")
    with pytest.raises(GateRefused, match="no name of an object"):
        store.read(name)


def test_two_projects_share_a_registry(tmp_path: Path) -> None:
    Store(str(tmp_path), "one").write("x", b"1")
    assert not Store(str(tmp_path), "two").exists("x")


def test_the_settings_name_the_registry(tmp_path: Path) -> None:
    settings = good(tmp_path, registry=f'url = "{tmp_path / "r"}"')
    Store.of(settings).write("a/x", b"1")
    assert (tmp_path / "r" / "flights" / "a" / "x").read_bytes() == b"1"


def test_objects_can_be_read_by_whom_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        Store(str(tmp_path), "p").write("x", b"1")
    finally:
        os.umask(before)
    assert (tmp_path / "p" / "x").stat().st_mode & 0o777 == 0o640


def test_a_reader_sees_the_old_or_the_new_object_and_nothing_between(tmp_path: Path) -> None:
    store = Store(str(tmp_path), "p")
    contents = [bytes([number]) * 200_000 for number in range(4)]
    store.write("x", contents[0])
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for content in contents:
                store.write("x", content)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            assert all(store.read("x") in contents for _ in range(200))
        finally:
            stop.set()
        writing.result()


def test_a_listing_is_whole_while_others_write(tmp_path: Path) -> None:
    """Partial files come and go in a folder that is listed; that must not hide the objects in it."""
    store = Store(str(tmp_path), "p")
    store.write("a/first", b"1")
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(_write_again_and_again, store, 150)
        while not writing.done():
            assert "first" in store.names("a")


def _write_again_and_again(store: Store, times: int) -> None:
    for _ in range(times):
        store.write("a/second", b"2")


KILLED = """
import sys
from gateline.registry.store import Store
store = Store(sys.argv[1], "p")
store.write("x", b"a" * 3_000_000)
print("ready", flush=True)
while True:
    store.write("x", b"a" * 3_000_000)
    store.write("x", b"b" * 3_000_000)
"""


@pytest.mark.parametrize("delay", [0.003, 0.01, 0.02, 0.05])
def test_a_writer_killed_in_the_middle_leaves_a_whole_object(tmp_path: Path, delay: float) -> None:
    writer = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    time.sleep(delay)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    store = Store(str(tmp_path), "p")
    assert store.read("x") in (b"a" * 3_000_000, b"b" * 3_000_000)
    store.create("y", b"1")
    store.write("x", b"c")
    assert store.read("x") == b"c"


FULL = """
import resource
import sys
from gateline.registry.store import Store
from gateline.settings.front_door import front_door
store = Store(sys.argv[1], "p")
def main():
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    try:
        getattr(store, sys.argv[2])("a/x", b"n" * 50_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    return 0
raise SystemExit(front_door(main))
"""


@pytest.mark.parametrize("action", ["write", "create"])
def test_a_full_disk_is_a_clear_error_and_leaves_nothing_half_done(tmp_path: Path, action: str) -> None:
    store = Store(str(tmp_path), "p")
    if action == "write":
        store.write("a/x", b"old")
    command = [sys.executable, "-B", "-c", FULL, str(tmp_path), action]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert f"error: registry {tmp_path}: 'a/x' cannot be written: File too large" in done.stderr
    assert "next: check registry.url, that its disk has space" in done.stderr
    assert "Traceback" not in done.stderr
    left = [path.name for path in (tmp_path / "p" / "a").iterdir()]
    assert left == (["x"] if action == "write" else [])
    if action == "write":
        assert store.read("a/x") == b"old"


def gone(tmp_path: Path, how: str) -> Store:
    """Return the store of a registry whose place is not there."""
    place = tmp_path / "registry"
    if how == "a file stands there":
        place.write_text("x")
    elif how == "a link to nowhere":
        place.symlink_to(tmp_path / "unmounted" / "share")
    else:
        place.symlink_to(place)
    return Store(str(place), "p")


@pytest.mark.parametrize("how", ["a file stands there", "a link to nowhere", "a link to itself"])
@pytest.mark.parametrize("action", ["write", "create"])
def test_a_registry_that_is_gone_cannot_be_written(tmp_path: Path, how: str, action: str) -> None:
    store = gone(tmp_path, how)
    with pytest.raises(OutsideError, match="cannot be written") as caught:
        getattr(store, action)("a/x", b"1")
    assert "check registry.url" in caught.value.next_step
    assert front_door(lambda: getattr(store, action)("a/x", b"1")) == 4


@pytest.mark.parametrize("how", ["a file stands there", "a link to nowhere", "a link to itself"])
def test_a_registry_that_is_gone_cannot_be_read(tmp_path: Path, how: str) -> None:
    store = gone(tmp_path, how)
    for read in (store.read, store.exists, store.names):
        with pytest.raises(OutsideError, match="cannot be read"):
            read("a")


def test_an_unknown_kind_of_url_is_refused_with_a_next_step() -> None:
    with pytest.raises(UsageError, match="nowhere://bucket: Protocol not known") as caught:
        Store("nowhere://bucket", "p").names("a")
    assert "name a folder" in caught.value.next_step


def test_credentials_in_the_url_are_not_shown(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        Store("nowhere://key:hunter2@bucket", "p").names("a")  # pragma: allowlist secret
    assert "hunter2" not in str(caught.value)
    assert Store("memory://key:hunter2@bucket", "p").url == "memory://***@bucket"  # pragma: allowlist secret


@pytest.mark.parametrize("gone", ["removed", "empty", "unmounted"])
def test_nothing_is_written_where_an_audit_log_was_seen_and_none_is_now(tmp_path: Path, gone: str) -> None:
    registry = tmp_path / "registry"
    seen = Store(str(registry), "flights", lambda: True)
    seen.create("audit/00000001.json", b"{}")
    seen.write("verdicts/smoke/x.json", b"{}")
    registry.rename(tmp_path / "away")
    if gone == "empty":
        registry.mkdir()
    if gone == "unmounted":
        registry.symlink_to(tmp_path / "nowhere")
    for store in (seen, Store(str(registry), "flights", lambda: True)):
        with pytest.raises(OutsideError):
            store.write("verdicts/smoke/x.json", b"{}")
    assert not registry.exists() or not any(registry.iterdir())
    if gone != "unmounted":
        Store(str(registry), "flights").write("verdicts/smoke/x.json", b"{}")
        assert (registry / "flights").exists(), "where none was seen, a registry begins"


def test_a_log_begun_again_by_a_person_is_written_to(tmp_path: Path) -> None:
    store = Store(str(tmp_path), "flights", lambda: True)
    with pytest.raises(OutsideError, match="holds no audit log, though events of it were seen") as caught:
        store.write("aliases/release", b"1")
    assert "--accept-cut" in caught.value.next_step
    store.create("audit/00000001.json", b"{}")
    store.write("aliases/release", b"1")
    assert store.read("aliases/release") == b"1"
