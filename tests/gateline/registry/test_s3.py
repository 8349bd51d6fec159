"""The registry on a real S3 server: the guarantees of the folder, and words where the server is gone."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier

import httpx
import pytest
import s3fs

from gateline.contracts.event import Event
from gateline.contracts.manifest import Objects
from gateline.registry.artifacts import Artifacts
from gateline.registry.audit import AuditLog, ChainBroken
from gateline.registry.store import PROOF, Store
from gateline.rows.sources import data_digest, pinned
from gateline.settings.errors import OutsideError
from tests.gateline.registry.made import files, manifest
from tests.gateline.registry.writers import KEY, append_at_once
from tests.servers import S3, s3_server

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
OPERATIONS: dict[str, Callable[[Store], object]] = {
    "read": lambda store: store.read("a/x"),
    "exists": lambda store: store.exists("a/x"),
    "names": lambda store: store.names("a"),
    "write": lambda store: store.write("a/x", b"1"),
    "create": lambda store: store.create("a/x", b"1"),
    "delete": lambda store: store.delete("a/x"),
}


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def bucket(s3: S3, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a new bucket that this process can reach."""
    return reach(s3, monkeypatch)


def reach(server: S3, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let this process reach a server; return the URL of a new bucket there."""
    server.reach(monkeypatch)
    return server.bucket(f"bucket-{uuid.uuid4().hex}")


def event(number: int) -> Event:
    return Event(id=str(number), source="/flights", type="dev.gateline.change.started", time="2026-11-24T00:00:00Z")


def test_objects_are_written_read_replaced_listed_and_deleted(bucket: str) -> None:
    store = Store(f"{bucket}/registry", "p")
    assert not store.exists("a/x") and store.names("a") == []
    with pytest.raises(FileNotFoundError):
        store.read("a/x")
    for data in (b"1", b"2"):
        store.write("a/x", data)
        assert store.read("a/x") == data and store.exists("a/x")
    store.write("a/b/z", b"")
    assert store.names("a") == ["x"] and not store.exists("a") and store.read("a/b/z") == b""
    store.delete("a/x")
    store.delete("a/x")
    assert not store.exists("a/x") and store.names("a") == []


def test_what_another_process_wrote_is_seen_at_once(bucket: str, s3: S3) -> None:
    store = Store(bucket, "p")
    store.write("a/x", b"1")
    assert store.names("a") == ["x"]
    s3.client().put_object(Bucket=bucket[5:], Key="p/a/y", Body=b"2")
    assert store.names("a") == ["x", "y"] and store.exists("a/y")


@pytest.mark.parametrize("left", [0, 2])
def test_nothing_is_chained_in_a_bucket_that_was_emptied_or_cut(bucket: str, s3: S3, left: int) -> None:
    log = AuditLog(Store(bucket, "p"), KEY)
    heads = [log.append(event(number)) for number in range(3)]
    assert log.append(event(3), heads).count == 4
    for number in range(left + 1, 5):
        s3.client().delete_object(Bucket=bucket[5:], Key=f"p/audit/{number:08d}.json")
    with pytest.raises(ChainBroken, match=f"it has {left} events, and line 3 is missing"):
        log.append(event(4), heads)
    assert len(log.events()) == left


def test_more_objects_are_listed_than_one_answer_holds(bucket: str, s3: S3) -> None:
    client, count = s3.client(), 1003
    for number in range(count):
        client.put_object(Bucket=bucket[5:], Key=f"p/a/{number:04d}", Body=b"")
    assert Store(bucket, "p").names("a") == [f"{number:04d}" for number in range(count)]


def test_of_two_writers_at_once_exactly_one_creates(bucket: str) -> None:
    rounds, store, together = 100, Store(bucket, "p"), Barrier(2)

    def create(writer: int) -> list[bool]:
        made = []
        for number in range(rounds):
            together.wait()
            try:
                store.create(f"a/{number}", bytes([writer]))
                made.append(True)
            except FileExistsError:
                made.append(False)
        return made

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(create, (0, 1))
    assert all(one != other for one, other in zip(first, second, strict=True))
    assert [store.read(f"a/{number}") for number in range(rounds)] == [bytes([not one]) for one in first]
    assert 0 < sum(first) < rounds, "one of them always came first: they did not race"


def test_proof_of_exclusive_creation_costs_a_process_one_request(bucket: str, s3: S3) -> None:
    Store(bucket, "p").create("a/1", b"")
    store = Store(bucket, "p")
    for number in (2, 3, 4):
        store.create(f"a/{number}", b"")
    seen = [request for request in s3.requests() if bucket[5:] in request and request.startswith("PUT")]
    assert sum(PROOF in request for request in seen) == 3, "two for the first ever, one for the next process"
    assert store.names("a") == ["1", "2", "3", "4"]


def test_a_store_that_ignores_the_condition_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_server(tmp_path, "--forgetful") as server:
        store = Store(reach(server, monkeypatch), "p")
        for _ in range(2):
            with pytest.raises(OutsideError, match="overwrites an object that was to be created") as caught:
                store.create("a/x", b"1")
        assert "If-None-Match" in caught.value.next_step
        assert not store.exists("a/x")


def test_an_event_whose_answer_was_lost_stands_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_server(tmp_path, "--hiccup") as server:
        log = AuditLog(Store(reach(server, monkeypatch), "p"), KEY)
        for number in (1, 2):
            assert log.append(event(number)).count == number
        puts = [request for request in server.requests() if request.startswith("PUT") and "00000001.json" in request]
        assert len(puts) == 2, "the write was not repeated: this test showed nothing"
        assert [entry.id for entry in log.events()] == ["1", "2"] and log.verify((log.head(),)) == []


def test_eight_writers_at_once_lose_nothing(bucket: str, s3: S3) -> None:
    append_at_once(bucket, writers=8, each=10, environ=s3.environment)


def test_an_artifact_comes_back_and_a_changed_byte_is_found(bucket: str, s3: S3) -> None:
    artifacts = Artifacts(Store(bucket, "p"))
    stored = artifacts.add(manifest(), files())
    assert artifacts.files(stored.identity).items() >= files().items()
    artifacts.point("champion", stored.identity)
    assert artifacts.resolve("champion") == artifacts.resolve(stored.version) == stored.identity
    key = f"p/artifacts/{stored.identity}/model.skops"
    s3.client().put_object(Bucket=bucket[5:], Key=key, Body=files()["model.skops"][:-1] + b"x")
    with pytest.raises(Exception, match="digest: model.skops"):
        artifacts.files(stored.identity)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_bucket_that_is_not_there_is_named(bucket: str, name: str) -> None:
    with pytest.raises(OutsideError, match="s3://no-such-bucket: 'a.*NoSuchBucket") as caught:
        OPERATIONS[name](Store("s3://no-such-bucket", "p"))
    assert "make the bucket" in caught.value.next_step


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_server_that_refuses_connections_is_said_within_seconds(
    bucket: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    s3fs.S3FileSystem.clear_instance_cache()
    begun = time.monotonic()
    with pytest.raises(OutsideError, match="EndpointConnectionError") as caught:
        OPERATIONS[name](Store(bucket, "p"))
    assert time.monotonic() - begun < 10
    assert "AWS_ENDPOINT_URL_S3" in caught.value.next_step


def test_a_server_that_is_gone_is_waited_for_once_a_command(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    s3fs.S3FileSystem.clear_instance_cache()
    store = Store(bucket, "p")
    with pytest.raises(OutsideError):
        store.read("a/x")
    begun = time.monotonic()
    for operation in OPERATIONS.values():
        with pytest.raises(OutsideError, match="EndpointConnectionError"):
            operation(store)
    assert time.monotonic() - begun < 0.5


@pytest.mark.parametrize("name", ["read", "write"])
def test_a_server_that_never_answers_is_said_within_its_patience(
    bucket: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{silent.getsockname()[1]}")
        s3fs.S3FileSystem.clear_instance_cache()
        begun = time.monotonic()
        with pytest.raises(OutsideError, match="ReadTimeoutError|ConnectTimeoutError"):
            OPERATIONS[name](Store(bucket, "p"))
        assert time.monotonic() - begun < 25


POLICY = re.compile(r"```json\n(.*?)```", re.DOTALL)


def identity(server: S3, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let this process be a user who may do what the docs say that the line needs; return the secret.

    From here on the server lets nobody else do anything.
    """
    [policy] = POLICY.findall((ROOT / "docs/registry.md").read_text().partition("**Permissions**")[2])
    iam = server.client("iam")
    iam.create_user(UserName="line")
    iam.put_user_policy(UserName="line", PolicyName="line", PolicyDocument=policy)
    key = iam.create_access_key(UserName="line")["AccessKey"]
    server.reach(monkeypatch)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    httpx.post(f"{server.endpoint}/moto-api/reset-auth", content="0", trust_env=False).raise_for_status()
    return str(key["SecretAccessKey"])


def test_the_policy_of_the_docs_is_enough_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_server(tmp_path) as server:
        for name in ("my-artifacts", "my-rows", "others"):
            server.bucket(name, versioned=name == "my-rows")
        server.client().put_object(Bucket="my-rows", Key="flights/train.csv", Body=b"a\n1\n")
        identity(server, monkeypatch)
        store = Store("s3://my-artifacts/gateline", "p")
        for operation in OPERATIONS.values():
            with suppress(FileNotFoundError, FileExistsError):
                operation(store)
        AuditLog(store, KEY).append(event(1))
        held = pinned("s3://my-rows/flights/train.csv")
        assert isinstance(held, Objects) and held.versions[""] and data_digest(held)
        for url in ("s3://others", "s3://my-artifacts/elsewhere"):
            with pytest.raises(OutsideError, match="AccessDenied") as caught:
                Store(url, "p").write("a/x", b"1")
            assert "docs/registry.md lists" in caught.value.next_step


def test_wrong_credentials_are_said_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_server(tmp_path) as server:
        server.bucket("artifacts")
        right = identity(server, monkeypatch)
        for name in ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"):
            monkeypatch.setenv(name, "wrong-" + "x" * 20)
            s3fs.S3FileSystem.clear_instance_cache()
            with pytest.raises(OutsideError, match="SignatureDoesNotMatch|InvalidAccessKeyId") as caught:
                Store("s3://artifacts", "p").read("a/x")
            assert "AWS_SECRET_ACCESS_KEY" in caught.value.next_step
            assert "xxxx" not in str(caught.value) and right not in str(caught.value)


def test_no_credentials_are_asked_for_by_name(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(OutsideError, match="NoCredentialsError") as caught:
        Store(bucket, "p").read("a/x")
    assert "AWS_SECRET_ACCESS_KEY" in caught.value.next_step


def test_a_url_whose_library_is_not_installed_says_what_to_do() -> None:
    code = """
import sys
sys.modules["s3fs"] = None
from gateline.registry.store import PROOF, Store
from gateline.settings.front_door import front_door
raise SystemExit(front_door(lambda: Store("s3://key:hunter2@bucket", "p").names("a") and 0))  # pragma: allowlist secret
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "s3://***@bucket: the library s3fs is not installed here; it belongs to the group `storage`" in done.stderr
    assert 'storage = ["s3fs"]' in done.stderr and "nox -s lock" in done.stderr and "hunter2" not in done.stderr
