"""Push to and pull from a real registry, by digest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateline.settings.errors import GateRefused, OutsideError, UsageError
from infra.engines.docker.daemon import bring, present
from infra.releases.image.building import Workshop, push
from tests.infra.engines.docker.conftest import DockerEnvironment, daemon, environment
from tests.servers import image_registry

__all__ = ["daemon", "environment"]

pytestmark = pytest.mark.slow


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A registry on loopback."""
    with image_registry(tmp_path) as address:
        yield address


def published(environment: DockerEnvironment, repository: str) -> Workshop:
    """Let the project push under this name; return where its images are built."""
    section = environment.settings.image.model_copy(update={"repository": repository})
    environment.settings = environment.settings.model_copy(update={"image": section})
    return Workshop.of(environment.settings, environment.client, "", environment.root)


def test_what_was_pushed_is_pulled_by_digest_and_is_the_same_image(environment: DockerEnvironment, registry: str) -> None:
    workshop = published(environment, f"{registry}/team/tiny")
    release = environment.built("1")
    image = workshop.image_of(release, environment.releases, print)
    said: list[str] = []
    pushed = push(environment.client, environment.settings, image, said.append)
    environment.releases.add_image(pushed)
    assert pushed.pushed.startswith(f"{registry}/team/tiny@sha256:")
    assert said[0] == f"pushing {registry}/team/tiny:1-{release.digest[:8]}" and len(said) == len(image.tags)
    environment.client.images.remove(image.id, force=True)
    assert not present(environment.client, image.id)
    assert bring(environment.client, environment.releases, release) == image.id


def test_another_image_in_its_place_is_refused(environment: DockerEnvironment, registry: str) -> None:
    workshop = published(environment, f"{registry}/team/tiny")
    one, two = environment.built("1"), environment.built("2")
    first, second = (workshop.image_of(release, environment.releases, print) for release in (one, two))
    pushed = push(environment.client, environment.settings, second, print).pushed
    environment.releases.add_image(first.model_copy(update={"pushed": pushed}))
    environment.client.images.remove(first.id, force=True)
    with pytest.raises(GateRefused, match="digest: what came for 1.* is not the image that was built"):
        bring(environment.client, environment.releases, one)


def test_no_registry_and_one_that_does_not_answer(environment: DockerEnvironment) -> None:
    release = environment.built("1")
    image = environment.releases.image(release.digest, "linux/amd64")
    assert image is not None
    with pytest.raises(UsageError, match="image.repository is not set"):
        push(environment.client, environment.settings, image, print)
    published(environment, "127.0.0.1:1/tiny")
    with pytest.raises(OutsideError, match="127.0.0.1:1"):
        push(environment.client, environment.settings, image, print)
