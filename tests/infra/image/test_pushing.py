"""Push to and pull from a real registry, by digest."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infra.docker import images
from infra.image.building import Workshop
from infra.image.pushing import push
from infra.process.ports import free_ports
from settings.errors import GateRefused, OutsideError, UsageError
from tests.infra.docker.conftest import Harbour, daemon, harbour

__all__ = ["daemon", "harbour"]

pytestmark = pytest.mark.slow


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A registry on loopback that keeps its images in a folder."""
    binary = shutil.which("docker-registry")
    if binary is None:
        pytest.skip("no docker-registry")
    [port] = free_ports(1, ())
    config = tmp_path / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {tmp_path / 'images'}\n"
        f"http:\n  addr: 127.0.0.1:{port}\n"
    )
    with (tmp_path / "registry.log").open("wb") as log:
        process = subprocess.Popen([binary, "serve", str(config)], stdout=log, stderr=log)
    try:
        wait(f"http://127.0.0.1:{port}/v2/")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def wait(url: str) -> None:
    """Return when something answers there."""
    deadline = time.monotonic() + 15
    while True:
        try:
            httpx.get(url, trust_env=False).raise_for_status()
            return
        except httpx.HTTPError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.05)


def published(harbour: Harbour, repository: str) -> Workshop:
    """Let the project push under this name; return where its images are built."""
    section = harbour.settings.image.model_copy(update={"repository": repository})
    harbour.settings = harbour.settings.model_copy(update={"image": section})
    return Workshop.of(harbour.settings, harbour.client, "", harbour.root)


def test_what_was_pushed_is_pulled_by_digest_and_is_the_same_image(harbour: Harbour, registry: str) -> None:
    workshop = published(harbour, f"{registry}/team/tiny")
    release = harbour.built("1")
    image = workshop.image_of(release, harbour.releases, print)
    said: list[str] = []
    pushed = push(harbour.client, harbour.settings, image, said.append)
    harbour.releases.add_image(pushed)
    assert pushed.pushed.startswith(f"{registry}/team/tiny@sha256:")
    assert said[0] == f"pushing {registry}/team/tiny:1-{release.digest[:8]}" and len(said) == len(image.tags)
    harbour.client.images.remove(image.id, force=True)
    assert not images.present(harbour.client, image.id)
    assert images.bring(harbour.client, harbour.releases, release) == image.id


def test_another_image_in_its_place_is_refused(harbour: Harbour, registry: str) -> None:
    workshop = published(harbour, f"{registry}/team/tiny")
    one, two = harbour.built("1"), harbour.built("2")
    first, second = (workshop.image_of(release, harbour.releases, print) for release in (one, two))
    pushed = push(harbour.client, harbour.settings, second, print).pushed
    harbour.releases.add_image(first.model_copy(update={"pushed": pushed}))
    harbour.client.images.remove(first.id, force=True)
    with pytest.raises(GateRefused, match="digest: what came for 1.* is not the image that was built"):
        images.bring(harbour.client, harbour.releases, one)


def test_no_registry_and_one_that_does_not_answer(harbour: Harbour) -> None:
    release = harbour.built("1")
    image = harbour.releases.image(release.digest, "linux/amd64")
    assert image is not None
    with pytest.raises(UsageError, match="image.repository is not set"):
        push(harbour.client, harbour.settings, image, print)
    published(harbour, "127.0.0.1:1/tiny")
    with pytest.raises(OutsideError, match="127.0.0.1:1"):
        push(harbour.client, harbour.settings, image, print)
