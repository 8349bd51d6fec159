"""Rows on S3: what was trained from is named by version, and read again as it was, or refused."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateline.contracts.manifest import MANIFEST_FILE, Manifest, Objects
from gateline.registry.store import Store
from gateline.rows.sources import data_digest, pinned, sources
from gateline.rows.streaming import Stream, read_parts
from gateline.settings import Settings
from gateline.settings.errors import GateRefused, OutsideError, UsageError
from tests.servers import S3, s3_server
from tests.training.example import artifacts_of, frame, settings_of, trained
from training.identity import plan
from training.rows import read
from validation.model.__main__ import task_of, options
from validation.model.artifacts import rows_of, contender_of

pytestmark = pytest.mark.slow
OTHER = b"when,size,count,colour,open,y\n"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def bucket(s3: S3, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a new bucket that keeps versions."""
    s3.reach(monkeypatch)
    return s3.bucket(f"bucket-{uuid.uuid4().hex}", versioned=True)[5:]


def rows(seed: int) -> bytes:
    return frame(100, seed).to_csv(index=False).encode()


def put(s3: S3, bucket: str, key: str, data: bytes) -> str:
    """Write an object; return the id of its version."""
    return str(s3.client().put_object(Bucket=bucket, Key=key, Body=data).get("VersionId", ""))


def on_s3(folder: Path, bucket: str, **more: str) -> Settings:
    """Return the settings of a small project whose rows lie in a bucket, and its registry in a folder."""
    return settings_of(folder, data={"train": f"s3://{bucket}/train.csv", "test": f"s3://{bucket}/test.csv", **more})


def contest(settings: Settings, folder: Path, *arguments: str) -> str | Objects:
    """Return the rows that `python -m validation.model` would judge the candidate on."""
    chosen = options(["--config", str(folder / "pipeline.toml"), *arguments])
    return task_of(chosen, Store.of(settings)).test


def test_one_object_a_folder_and_a_glob_are_read_with_their_versions(s3: S3, bucket: str) -> None:
    old = {"a.csv": rows(1), "day=2/b.csv.gz": gzip.compress(rows(2))}
    versions = {name: put(s3, bucket, f"rows/{name}", data) for name, data in old.items()}
    put(s3, bucket, "rows/_SUCCESS", b"")
    held = {url: pinned(f"s3://{bucket}/{url}") for url in ("rows", "rows/*.csv", "rows/a.csv")}
    assert held["rows"] == Objects(url=f"s3://{bucket}/rows", versions=versions)
    assert held["rows/*.csv"] == Objects(url=f"s3://{bucket}/rows/*.csv", versions={"a.csv": versions["a.csv"]})
    assert held["rows/a.csv"] == Objects(url=f"s3://{bucket}/rows/a.csv", versions={"": versions["a.csv"]})
    digests = {url: data_digest(which) for url, which in held.items()}
    assert digests == {url: data_digest(f"s3://{bucket}/{url}") for url in held}, "now and as they were are the same"
    put(s3, bucket, "rows/a.csv", OTHER)
    put(s3, bucket, "rows/c.csv", OTHER)
    s3.client().delete_object(Bucket=bucket, Key="rows/day=2/b.csv.gz")
    for url, which in held.items():
        assert data_digest(which) == digests[url] != data_digest(f"s3://{bucket}/{url}")
        assert {part.name: part.rows for part in read_parts(Stream(which))} == {
            name: 100 for name in (which.versions if isinstance(which, Objects) else ())
        }
    assert [source.partition for source in sources(held["rows"])] == [{}, {"day": "2"}]


def test_rows_that_change_while_training_runs_do_not_change_what_is_trained(
    s3: S3, bucket: str, tmp_path: Path
) -> None:
    first = put(s3, bucket, "train.csv", rows(1))
    put(s3, bucket, "test.csv", rows(2))
    settings = on_s3(tmp_path, bucket)
    planned = plan(settings)
    put(s3, bucket, "train.csv", rows(3)[: len(rows(3)) // 2])
    assert len(read(settings.data, planned.schema, planned.rows).train) == 100
    assert planned.rows["train"] == Objects(url=f"s3://{bucket}/train.csv", versions={"": first})
    assert plan(settings).identity != planned.identity


def test_the_manifest_names_the_versions_and_the_candidate_is_judged_on_them(
    s3: S3, bucket: str, tmp_path: Path
) -> None:
    was = {role: put(s3, bucket, f"{role}.csv", rows(seed)) for seed, role in enumerate(("train", "test"))}
    settings = on_s3(tmp_path, bucket)
    result = trained(settings)
    artifacts = artifacts_of(settings)
    artifacts.point("candidate", result.manifest.identity)
    found = Manifest.model_validate_json(artifacts.files(result.manifest.identity)[MANIFEST_FILE]).objects
    assert found == {
        role: Objects(url=f"s3://{bucket}/{role}.csv", versions={"": version}) for role, version in was.items()
    }
    now = put(s3, bucket, "test.csv", rows(9))
    assert contest(settings, tmp_path) == found["test"]
    url = f"s3://{bucket}/test.csv"
    asked = contest(settings, tmp_path, "--test-data", url)
    assert asked == Objects(url=url, versions={"": now}), "anyone who names rows gets those that are there"


def test_a_version_that_is_gone_is_refused_until_its_rows_are_back(
    s3: S3, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3, bucket, "train.csv", rows(1))
    gone = put(s3, bucket, "test.csv", rows(2))
    settings = on_s3(tmp_path, bucket)
    candidate = contender_of(trained(settings).manifest.identity, artifacts_of(settings))
    put(s3, bucket, "test.csv", rows(9))
    s3.client().delete_object(Bucket=bucket, Key="test.csv", VersionId=gone)
    monkeypatch.setattr("gateline.rows.sources._digests", {})  # as in another process, which has not read it
    with pytest.raises(GateRefused, match="digest: s3://.*test.csv is not what .* was trained with") as caught:
        rows_of(candidate, settings.data.test)
    assert "nox -s train" in caught.value.next_step and "--test-data" in caught.value.next_step
    with pytest.raises(
        GateRefused, match=f"version {gone} of .*test.csv, which was read before, is not there any more"
    ):
        data_digest(Objects(url=settings.data.test, versions={"": gone}))
    back = put(s3, bucket, "test.csv", rows(2))
    assert rows_of(candidate, settings.data.test) == Objects(url=settings.data.test, versions={"": back})


def test_a_bucket_without_versions_refuses_rows_that_were_overwritten(s3: S3, bucket: str, tmp_path: Path) -> None:
    plain = s3.bucket(f"plain-{uuid.uuid4().hex}")[5:]
    for seed, role in enumerate(("train", "test")):
        assert put(s3, plain, f"{role}.csv", rows(seed)) == ""
    settings = on_s3(tmp_path, plain)
    result = trained(settings)
    candidate = contender_of(result.manifest.identity, artifacts_of(settings))
    assert rows_of(candidate, settings.data.test) == result.manifest.objects["test"]
    put(s3, plain, "test.csv", rows(9))
    with pytest.raises(GateRefused, match="digest: "):
        rows_of(candidate, settings.data.test)


def test_files_of_a_folder_have_no_versions(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    result = trained(settings)
    assert result.manifest.objects == {}
    candidate = contender_of(result.manifest.identity, artifacts_of(settings))
    assert rows_of(candidate, settings.data.test) == settings.data.test


def test_what_is_not_there_is_said(s3: S3, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no such data file"):
        pinned(f"s3://{bucket}/none.csv")
    with pytest.raises(OutsideError, match="s3://no-such-bucket/x.csv: cannot be read: NoSuchBucket") as caught:
        pinned("s3://no-such-bucket/x.csv")
    assert "make the bucket" in caught.value.next_step
    put(s3, bucket, "x.csv", rows(1))
    held = pinned(f"s3://{bucket}/x.csv")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    breaking: list[Callable[[], object]] = [lambda: pinned(f"s3://{bucket}/x.csv"), lambda: data_digest(held)]
    for broken in breaking:
        with pytest.raises(OutsideError, match="EndpointConnectionError") as caught:
            broken()
        assert "AWS_ENDPOINT_URL_S3" in caught.value.next_step
