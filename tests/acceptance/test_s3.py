"""The pipeline on S3: registry and rows in buckets, from data to production and back, the server gone in between."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateline.contracts.manifest import Manifest
from gateline.registry.artifacts import CANDIDATE, CHAMPION, Artifacts
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from infra.host.python_env import python_for
from tests.acceptance.project import ROOT, Done, Project, front_python
from tests.servers import S3, s3_server

PATIENCE = 60.0


@dataclass(frozen=True)
class OnS3(Project):
    """A copy whose registry and rows lie in buckets, and which has said so in its group `storage`."""

    def nox(self, session: str, *arguments: str, **variables: str) -> Done:
        """Run a nox session with the copy's own environment."""
        return self.run(str(self.python()), "-m", "nox", "-s", session, "--", *arguments, **variables)

    def invoke(self, *arguments: str, **variables: str) -> Done:
        """Run an invoke task with the copy's own environment."""
        return self.run(str(self.python()), "-m", "invoke", *arguments, **variables)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start an invoke task with the copy's own environment and leave it running."""
        argv = [str(self.python()), "-m", "invoke", *arguments]
        return subprocess.Popen(argv, cwd=self.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def python(self) -> Path:
        """Return the interpreter that the copy's README would make."""
        return python_for(self.path / "requirements" / "dev.txt", ROOT)

    @property
    def store(self) -> Store:
        """Its registry."""
        return Store.of(self.settings)

    def chosen(self) -> str:
        """Return the digest of the release built last."""
        return Releases(self.store).chosen().digest

    def candidate(self) -> Manifest:
        """Return the manifest of its candidate."""
        artifacts = Artifacts(self.store)
        return artifacts.manifest(artifacts.alias(CANDIDATE) or "")

    def answering(self) -> str:
        """Return the version that production answers with."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/predict",
            json.dumps({"features": self.row()}).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(json.load(answer)["model_version"])


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        server.bucket("artifacts")
        server.bucket("rows", versioned=True)
        yield server


def passed(*commands: Done) -> str:
    """Return what commands printed that must have passed."""
    for done in commands:
        assert done.code == 0, done.output
    return "".join(done.output for done in commands)


def on_s3(folder: Path, s3: S3) -> OnS3:
    """Copy the project, put its rows into a bucket, and name both buckets in its settings."""
    urls = {f"data.{role}": f"s3://rows/flights/{role}.csv" for role in ("train", "test")}
    copy = OnS3(Project.copy(folder, "on-s3", urls | {"registry.url": "s3://artifacts/gateline"}).path)
    for role in ("train", "test"):
        upload(copy, s3, role)
    return copy


def upload(project: Project, s3: S3, role: str, more: str = "") -> str:
    """Write rows of the copy into the bucket; return the id of the version."""
    rows = (project.path / "data" / f"{role}.csv").read_text() + more
    done = s3.client().put_object(Bucket="rows", Key=f"flights/{role}.csv", Body=rows.encode())
    return str(done["VersionId"])


def test_the_pipeline_on_s3(tmp_path: Path, s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.reach(monkeypatch)
    project = on_s3(tmp_path, s3)
    bare = project.run(str(front_python()), "-m", "invoke", "build")
    assert bare.code == 2 and 'storage = ["s3fs"]' in bare.output and "nox -s lock" in bare.output, bare.output
    group = project.path / "pyproject.toml"
    group.write_text(group.read_text().replace("storage = [\n]", 'storage = ["s3fs"]'))
    passed(project.run(str(front_python()), "-m", "nox", "-s", "lock"))
    locks = {path.stem: path.read_text() for path in (project.path / "requirements").glob("*.txt")}
    assert {name for name, text in locks.items() if "\ns3fs==" in text} >= {"dev", "train", "security"}
    assert "s3fs" not in locks["service"] and not any("://" in text for text in locks.values())
    try:
        said = passed(project.module("validation.data"), project.module("training"), project.module("validation.model"))
        said += passed(project.invoke("build"), project.nox("integration"))
        said += passed(project.invoke("deploy", "--env=staging"), project.invoke("smoke", "--env=staging"))
        said += passed(project.invoke("deploy", "--env=production"))
        assert not (project.path / ".gateline/registry").exists(), "all of the registry is in the bucket"
        first, before = project.candidate(), project.answering()
        assert before == first.version and Artifacts(project.store).alias(CHAMPION) == first.identity
        again = project.module("training")
        assert again.code == 0 and "nothing to train" in again.output, again.output

        project.change(model__parameters__max_iter=22)
        project.release()
        said += passed(project.invoke("deploy", "--env=production", "--skip-canary"))
        assert project.answering() == project.candidate().version != before

        said += gone_and_back(project, s3, before)
        assert Artifacts(project.store).alias(CHAMPION) == first.identity
        assert s3.environment["AWS_SECRET_ACCESS_KEY"] not in said
        assert secret_files(project, s3) == []
        overwritten(project, s3)
    finally:
        s3.process.send_signal(signal.SIGCONT)
        project.stop()


def gone_and_back(project: OnS3, s3: S3, before: str) -> str:
    """Roll back while the server answers nobody; when it is back, the log has everything, in order, and holds."""
    s3.process.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    process = project.start("rollback", "--env=production")
    while project.answering() != before:
        assert time.monotonic() - begun < PATIENCE
        time.sleep(0.2)
    moved = time.monotonic() - begun
    output = process.communicate(timeout=PATIENCE)[0]
    ended = time.monotonic() - begun
    print(f"traffic moved after {moved:.1f} s, the command ended after {ended:.1f} s")
    assert process.returncode == 0 and "cannot be reached" in output, output
    assert moved < 15 and ended < 45
    spool = project.path / ".gateline/environments/production/spool"
    assert list(spool.glob("*.json"))
    asked = project.invoke("audit")
    assert asked.code == 4 and "AWS_ENDPOINT_URL_S3" in asked.output, asked.output

    s3.process.send_signal(signal.SIGCONT)
    back = passed(project.invoke("up", "--env=production"), project.invoke("audit"))
    assert not list(spool.glob("*.json")) and "rolled back" in back, back
    quarantined = project.invoke("deploy", "--env=production", "--skip-canary")
    assert quarantined.code == 1 and "quarantine" in quarantined.output, quarantined.output
    return output + asked.output + back


def overwritten(project: OnS3, s3: S3) -> None:
    """Overwrite the test rows: the candidate is judged on those it was trained with, and refused once they are gone."""
    candidate = project.candidate()
    [kept] = candidate.objects["test"].versions.values()
    rows = (project.path / "data/test.csv").read_text().splitlines(keepends=True)[1:2001]
    now = upload(project, s3, "test", "".join(rows))
    assert kept != now and project.candidate().objects == candidate.objects
    judged = project.module("validation.model", "--fresh")
    assert judged.code == 0, judged.output
    verdict = json.loads((project.path / "reports/validate_model/verdict.json").read_text())
    assert verdict["judged"]["test"] == candidate.inputs["test"]
    asked = project.module("validation.model", "--fresh", "--test-data", candidate.objects["test"].url)
    assert asked.code in (0, 1), asked.output
    verdict = json.loads((project.path / "reports/validate_model/verdict.json").read_text())
    assert verdict["judged"]["test"] != candidate.inputs["test"]
    s3.client().delete_object(Bucket="rows", Key="flights/test.csv", VersionId=kept)
    refused = project.module("validation.model", "--fresh")
    assert refused.code == 1 and "digest: s3://rows/flights/test.csv is not what" in refused.output, refused.output


def secret_files(project: Project, s3: S3) -> list[str]:
    """Return the files that the copy's commands wrote and that hold the secret."""
    secret = s3.environment["AWS_SECRET_ACCESS_KEY"].encode()
    written = [path for folder in (".gateline", "reports") for path in (project.path / folder).rglob("*")]
    own = (path for path in written if path.is_file() and "envs" not in path.relative_to(project.path).parts)
    return [str(path) for path in own if secret in path.read_bytes()]
