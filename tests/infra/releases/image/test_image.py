"""Images on a real daemon: what is in them, that equal inputs give equal files, and which builder made them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from gateline.settings.errors import OutsideError, UsageError
from infra.releases.image.builders import Classic, builder_for
from infra.releases.image.building import Workshop, remove_older
from infra.releases.image.context import site
from infra.releases.image.listing import listing
from tests.infra.engines.docker.conftest import DockerEnvironment, daemon, environment

__all__ = ["daemon", "environment"]

pytestmark = pytest.mark.slow


def test_an_image_says_what_it_is_and_runs_as_nobody(environment: DockerEnvironment) -> None:
    release = environment.built("1")
    image = environment.releases.image(release.digest, "linux/amd64")
    assert image is not None and image.release == release.digest and image.size > image.base_size
    about = environment.client.images.get(image.id).attrs["Config"]
    labels = about["Labels"]
    assert about["User"] == "65532:65532" and about["Healthcheck"] and "MODEL_VERSION=1" in about["Env"]
    assert labels["org.opencontainers.image.version"] == "1" and labels["gateline.release"] == release.digest
    assert type(release).model_validate_json(labels["gateline.record"]) == release


def test_only_what_a_service_needs_is_in_it(environment: DockerEnvironment) -> None:
    release = environment.built("1")
    image = environment.releases.image(release.digest, "linux/amd64")
    assert image is not None
    ours = [entry.path for entry in listing(environment.client, image.id) if entry.path.startswith("opt/gateline/release/")]
    files = {path.removeprefix("opt/gateline/release/") for path in ours if "__pycache__" not in path}
    assert files == {"release.json", "service", "service.txt", "service/__main__.py", "service/knobs.json"}
    assert any(path.endswith(".pyc") for path in ours), "bytecode is compiled"


def test_what_is_built_is_not_built_again(environment: DockerEnvironment) -> None:
    said: list[str] = []
    release = environment.built("1")
    workshop = Workshop.of(environment.settings, environment.client, "", environment.root)
    workshop.image_of(release, environment.releases, said.append)
    assert said == [f"image {environment.name}:1-{release.digest[:8]} is built already: nothing to do"]


def test_both_builders_give_the_same_files(environment: DockerEnvironment) -> None:
    release = environment.built("1")
    first = environment.releases.image(release.digest, "linux/amd64")
    assert first is not None
    environment.client.images.remove(first.id, force=True)
    found = builder_for(environment.client, "")
    assert first.builder == found.name
    for builder in (Classic(environment.client), found):
        workshop = Workshop(environment.settings, environment.client, builder, "linux/amd64", environment.root)
        again = workshop.image_of(release, environment.releases, print)
        assert again.files == first.files
        environment.client.images.remove(again.id, force=True)


def test_a_build_that_fails_is_told_with_its_last_lines(environment: DockerEnvironment) -> None:
    spoilt = environment.settings.model_copy(
        update={"image": environment.settings.image.model_copy(update={"base": "no-such-base:here"})}
    )
    release = environment.built("1")
    workshop = Workshop(spoilt, environment.client, Classic(environment.client), "linux/amd64", environment.root)
    image = environment.releases.image(release.digest, "linux/amd64")
    assert image is not None
    environment.client.images.remove(image.id, force=True)
    with pytest.raises(OutsideError, match="no-such-base|could not be built"):
        workshop.image_of(release, environment.releases, print)


def test_an_unknown_platform_and_a_changed_hash_are_refused(tmp_path: Path) -> None:
    lock = tmp_path / "service.txt"
    lock.write_text("six==1.16.0 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(UsageError, match="image.platform is linux/riscv64; known: linux/amd64"):
        site(lock, "linux/riscv64", "3.11", tmp_path)
    with pytest.raises(OutsideError, match="cannot be installed for linux/amd64"):
        site(lock, "linux/amd64", "3.11", tmp_path)


def test_of_the_helper_images_the_newest_two_stay(environment: DockerEnvironment) -> None:
    repository = f"{environment.name}-helper"
    for number in range(4):
        text = f"FROM {environment.settings.image.base}\nLABEL gateline.project={environment.name} number={number}\n"
        environment.client.images.build(rm=True, fileobj=io.BytesIO(text.encode()), tag=f"{repository}:{number}")
    used = environment.client.containers.create(f"{repository}:0", ["x"], labels={"gateline.project": environment.name})
    try:
        assert remove_older(environment.client, repository) == [f"{repository}:1"]
    finally:
        used.remove()
    assert remove_older(environment.client, repository) == [f"{repository}:0"]
    left = {tag for image in environment.client.images.list(name=repository) for tag in image.tags}
    assert left == {f"{repository}:2", f"{repository}:3"}
