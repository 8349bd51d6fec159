"""Push to and pull from a real registry, by digest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateline.settings.errors import GateRefused, OutsideError, UsageError
from infra.engines.docker import images
from infra.releases.image.building import Workshop
from infra.releases.image.pushing import push
from tests.infra.engines.docker.conftest import Harbour, daemon, harbour
from tests.servers import image_registry

__all__ = ["daemon", "harbour"]

pytestmark = pytest.mark.slow


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A registry on loopback."""
    with image_registry(tmp_path) as address:
        yield address


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
