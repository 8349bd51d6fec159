"""Which platform images are built for: that of the environments' daemons, real ones here, and none that does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from gateline.settings import Settings
from gateline.settings.errors import OutsideError, UsageError
from infra.engines.docker.daemon import bring
from infra.releases.image.building import Workshop, platform_for, shared
from tests.infra import bundles
from tests.infra.engines.docker.conftest import DockerEnvironment, daemon, environment

__all__ = ["daemon", "environment"]

OTHER = "linux/arm64"
NOBODY = "unix:///tmp/gateline-no-daemon.sock"


def settings(platform: str = "", **hosts: str) -> Settings:
    return Settings.model_validate(
        {
            "project": {"name": "p"},
            "data": {"target": "y"},
            "image": {"platform": platform},
            "environments": {
                name: {"port": 8100 + number, "replicas": 2, "engine": "docker", "docker": {"host": host}}
                for number, (name, host) in enumerate(hosts.items())
            },
        }
    )


def test_environments_share_one_platform_or_are_told_apart() -> None:
    assert shared({"staging": "linux/arm64", "production": "linux/arm64"}) == "linux/arm64"
    assert shared({}) == ""
    with pytest.raises(UsageError, match="staging linux/amd64, production linux/arm64; what was judged on one"):
        shared({"staging": "linux/amd64", "production": "linux/arm64"})


def test_the_setting_asks_no_daemon() -> None:
    assert platform_for(settings("linux/arm64", production=NOBODY), print) == "linux/arm64"


def test_a_daemon_that_does_not_answer_is_named_and_the_others_count() -> None:
    said: list[str] = []
    assert platform_for(settings(production=NOBODY), said.append) == ""
    assert len(said) == 1 and said[0].startswith(
        f"the platform of production is not known: no Docker daemon answers at {NOBODY}"
    )


@pytest.mark.slow
def test_the_daemons_are_asked(environment: DockerEnvironment) -> None:
    said: list[str] = []
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[environment.client.info()["Architecture"]]
    assert platform_for(settings(staging="", production=NOBODY), said.append) == f"linux/{machine}"
    assert [line.partition(":")[0] for line in said] == ["the platform of production is not known"]


@pytest.mark.slow
def test_an_image_is_built_for_another_platform_than_the_daemons(environment: DockerEnvironment, tmp_path: Path) -> None:
    """To the daemon a file system of its own machine under another platform's name is of that platform: no emulation here."""
    foreign = imported(environment, tmp_path)
    try:
        on = environment.settings.image.model_copy(update={"base": foreign})
        settings = environment.settings.model_copy(update={"image": on})
        release, archive = bundles.packed(tmp_path / "bundle", "1", project=environment.name)
        environment.releases.add(release, archive)
        workshop = Workshop.of(settings, environment.client, "", environment.root, OTHER)
        image = workshop.image_of(release, environment.releases, print)
        assert image.platform == OTHER
        assert environment.client.images.get(image.id).attrs["Architecture"] == OTHER.split("/")[1]
        with pytest.raises(UsageError, match="has no image for linux/amd64"):
            bring(environment.client, environment.releases, release)
        own = Workshop.of(settings, environment.client, "", environment.root)
        with pytest.raises(OutsideError, match="not on the daemon for linux/amd64"):
            own.base()
    finally:
        environment.client.images.remove(foreign, force=True)


def imported(environment: DockerEnvironment, scratch: Path) -> str:
    """Return the name of an image that has the base's files and another platform's name."""
    container = environment.client.containers.create(environment.settings.image.base, ["x"])
    (scratch / "base").mkdir()
    with (scratch / "base" / "files.tar").open("wb") as file:
        for chunk in cast(Iterator[bytes], container.export()):
            file.write(chunk)
    container.remove()
    (scratch / "base" / "Dockerfile").write_text("FROM scratch\nADD files.tar /\n")
    name = f"{environment.name}-foreign:1"
    environment.client.images.build(path=str(scratch / "base"), tag=name, platform=OTHER, rm=True)
    return name
