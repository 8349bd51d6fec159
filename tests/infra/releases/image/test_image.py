"""Images on a real daemon: what is in them, that equal inputs give equal files, and which builder made them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from gateline.settings.errors import OutsideError, UsageError
from infra.releases.image.builders import Classic, builder_for
from infra.releases.image.building import Workshop
from infra.releases.image.context import remove_older
from infra.releases.image.listing import listing
from infra.releases.image.site import site
from tests.infra.engines.docker.conftest import Harbour, daemon, harbour

__all__ = ["daemon", "harbour"]

pytestmark = pytest.mark.slow


def test_an_image_says_what_it_is_and_runs_as_nobody(harbour: Harbour) -> None:
    release = harbour.built("1")
    image = harbour.releases.image(release.digest, "linux/amd64")
    assert image is not None and image.release == release.digest and image.size > image.base_size
    about = harbour.client.images.get(image.id).attrs["Config"]
    labels = about["Labels"]
    assert about["User"] == "65532:65532" and about["Healthcheck"] and "MODEL_VERSION=1" in about["Env"]
    assert labels["org.opencontainers.image.version"] == "1" and labels["gateline.release"] == release.digest
    assert type(release).model_validate_json(labels["gateline.record"]) == release


def test_only_what_a_service_needs_is_in_it(harbour: Harbour) -> None:
    release = harbour.built("1")
    image = harbour.releases.image(release.digest, "linux/amd64")
    assert image is not None
    ours = [entry.path for entry in listing(harbour.client, image.id) if entry.path.startswith("opt/gateline/release/")]
    files = {path.removeprefix("opt/gateline/release/") for path in ours if "__pycache__" not in path}
    assert files == {"release.json", "service", "service.txt", "service/__main__.py", "service/knobs.json"}
    assert any(path.endswith(".pyc") for path in ours), "bytecode is compiled"


def test_what_is_built_is_not_built_again(harbour: Harbour) -> None:
    said: list[str] = []
    release = harbour.built("1")
    workshop = Workshop.of(harbour.settings, harbour.client, "", harbour.root)
    workshop.image_of(release, harbour.releases, said.append)
    assert said == [f"image {harbour.name}:1-{release.digest[:8]} is built already: nothing to do"]


def test_both_builders_give_the_same_files(harbour: Harbour) -> None:
    release = harbour.built("1")
    first = harbour.releases.image(release.digest, "linux/amd64")
    assert first is not None
    harbour.client.images.remove(first.id, force=True)
    found = builder_for(harbour.client, "")
    assert first.builder == found.name
    for builder in (Classic(harbour.client), found):
        workshop = Workshop(harbour.settings, harbour.client, builder, "linux/amd64", harbour.root)
        again = workshop.image_of(release, harbour.releases, print)
        assert again.files == first.files
        harbour.client.images.remove(again.id, force=True)


def test_a_build_that_fails_is_told_with_its_last_lines(harbour: Harbour) -> None:
    spoilt = harbour.settings.model_copy(
        update={"image": harbour.settings.image.model_copy(update={"base": "no-such-base:here"})}
    )
    release = harbour.built("1")
    workshop = Workshop(spoilt, harbour.client, Classic(harbour.client), "linux/amd64", harbour.root)
    image = harbour.releases.image(release.digest, "linux/amd64")
    assert image is not None
    harbour.client.images.remove(image.id, force=True)
    with pytest.raises(OutsideError, match="no-such-base|could not be built"):
        workshop.image_of(release, harbour.releases, print)


def test_an_unknown_platform_and_a_changed_hash_are_refused(tmp_path: Path) -> None:
    lock = tmp_path / "service.txt"
    lock.write_text("six==1.16.0 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(UsageError, match="image.platform is linux/riscv64; known: linux/amd64"):
        site(lock, "linux/riscv64", "3.11", tmp_path)
    with pytest.raises(OutsideError, match="cannot be installed for linux/amd64"):
        site(lock, "linux/amd64", "3.11", tmp_path)


def test_of_the_helper_images_the_newest_two_stay(harbour: Harbour) -> None:
    repository = f"{harbour.name}-helper"
    for number in range(4):
        text = f"FROM {harbour.settings.image.base}\nLABEL gateline.project={harbour.name} number={number}\n"
        harbour.client.images.build(rm=True, fileobj=io.BytesIO(text.encode()), tag=f"{repository}:{number}")
    used = harbour.client.containers.create(f"{repository}:0", ["x"], labels={"gateline.project": harbour.name})
    try:
        assert remove_older(harbour.client, repository) == [f"{repository}:1"]
    finally:
        used.remove()
    assert remove_older(harbour.client, repository) == [f"{repository}:0"]
    left = {tag for image in harbour.client.images.list(name=repository) for tag in image.tags}
    assert left == {f"{repository}:2", f"{repository}:3"}
