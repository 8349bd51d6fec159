"""Rule `image_policy`: a good image passes; root, setuid, writable files, no health check and a removed secret do not."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateline.contracts.release import Image
from infra.releases.image.listing import Entry
from infra.security import image_policy
from infra.security.finding import ScannerFailed, judge
from infra.security.running import of
from infra.security.subject import Subject
from tests.infra.engines.docker.conftest import DockerEnvironment, daemon, environment

__all__ = ["daemon", "environment"]

GOOD = {"User": "65532:65532", "Healthcheck": {"Test": ["CMD", "true"]}}
TOKEN = "ghp_" + hashlib.sha256(b"not a secret").hexdigest()[:36]


def test_a_good_configuration_has_no_finding() -> None:
    assert list(image_policy.configured(GOOD)) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"User": ""}, "root"),
        ({"User": "0"}, "root"),
        ({"User": "0:65532"}, "root"),
        ({"User": "somebody"}, "root"),
        ({"Healthcheck": None}, "health"),
    ],
)
def test_a_bad_configuration_is_found(change: dict[str, Any], code: str) -> None:
    assert [finding.code for finding in image_policy.configured(GOOD | change)] == [code]


@pytest.mark.parametrize(
    ("kind", "mode", "code"),
    [
        ("file", 0o644, None),
        ("folder", 0o755, None),
        ("folder", 0o1777, None),
        ("link to x", 0o777, None),
        ("file", 0o4755, "setuid"),
        ("file", 0o2755, "setuid"),
        ("file", 0o666, "writable"),
        ("folder", 0o777, "writable"),
    ],
)
def test_rights_of_files(kind: str, mode: int, code: str | None) -> None:
    found = image_policy.placed([Entry("usr/bin/x", kind, mode, "0:0", "", 1)])
    assert [finding.code for finding in found] == ([code] if code else [])


@pytest.mark.parametrize(
    ("path", "content", "told"),
    [
        ("service/a.py", b"1", ""),
        ("service/__pycache__/a.cpython-311.pyc", b"compiled", ""),
        ("service/a.py", b"2", "/opt/gateline/release/service/a.py is not the file of the release"),
        ("service/more.py", b"1", "/opt/gateline/release/service/more.py is no file of the release"),
        ("artifact/model.skops", b"other", "/opt/gateline/release/artifact/model.skops is not the file of the release"),
    ],
)
def test_what_the_image_runs_is_what_the_release_carries(path: str, content: bytes, told: str) -> None:
    held = {"service/a.py": b"1", "artifact/model.skops": b"model", "release.json": b"{}"} | {path: content}
    entries = [
        Entry(f"opt/gateline/release/{name}", "file", 0o644, "0:0", hashlib.sha256(data).hexdigest(), 1)
        for name, data in held.items()
    ]
    bundle = {"service/a.py": b"1", "release.json": b"{}"}
    judged = Subject(Path(), bundle=bundle, artifact={"model.skops": b"model"})
    assert [finding.message for finding in image_policy.other_code(entries, judged)] == ([told] if told else [])
    assert len(list(image_policy.other_code([], judged))) == 3, "a file that is missing is not the release's"
    assert list(image_policy.other_code(entries, Subject(Path()))) == []


def test_it_runs_only_where_an_environment_runs_containers() -> None:
    assert set(of(("image_policy", "secrets"), Subject(Path()))) == {"secrets"}
    assert set(of(("image_policy", "secrets"), Subject(Path(), in_containers=True))) == {"image_policy", "secrets"}


def test_without_an_image_it_cannot_judge() -> None:
    with pytest.raises(ScannerFailed, match="the release has no image"):
        image_policy.scan(Subject(Path(), in_containers=True))


def built(environment: DockerEnvironment) -> Image:
    """Return the record of a release's image."""
    image = environment.releases.image(environment.built("1").digest, "linux/amd64")
    assert image is not None
    return image


@pytest.mark.slow
def test_a_real_image_passes(environment: DockerEnvironment) -> None:
    scan = image_policy.scan(replace(Subject(Path(), in_containers=True), image=built(environment)))
    assert scan.findings == () and scan.looked_at > 1000
    assert judge("image_policy", scan, True).outcome == "pass"


@pytest.mark.slow
def test_root_and_a_secret_that_a_later_layer_removes(environment: DockerEnvironment, tmp_path: Path) -> None:
    image = built(environment)
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "settings.env").write_text(f"TOKEN='{TOKEN}'\n")
    (tmp_path / "context" / "Dockerfile").write_text(
        f"FROM {image.id}\nUSER 0\nCOPY settings.env /opt/settings.env\n"
        'RUN ["python3", "-c", "import os; os.remove(\'/opt/settings.env\')"]\n'
    )
    spoilt, _ = environment.client.images.build(
        rm=True, path=str(tmp_path / "context"), labels={"gateline.project": environment.name}
    )
    scan = image_policy.scan(
        replace(Subject(Path(), in_containers=True), image=image.model_copy(update={"id": spoilt.id}))
    )
    assert {finding.code for finding in scan.findings} == {"root", "secret"}
    said = [finding.message for finding in scan.findings if finding.code == "secret"]
    assert all("/opt/settings.env, line 1, looks like a secret" in one and TOKEN not in one for one in said)


@pytest.mark.slow
def test_an_image_that_is_not_there_cannot_be_judged(environment: DockerEnvironment) -> None:
    gone = built(environment).model_copy(update={"id": "sha256:" + "0" * 64})
    with pytest.raises(ScannerFailed, match="is not on this machine's daemon"):
        image_policy.scan(replace(Subject(Path()), image=gone))
