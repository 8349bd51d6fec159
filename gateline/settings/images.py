"""What release images are made of, and the Docker daemon they run on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateline.settings.project import HOST, Text
from gateline.settings.section import Section

Platform = Literal["", "linux/amd64", "linux/arm64"]


class Image(Section):
    """The release image that `invoke build` makes where an environment runs containers."""

    base: Text = (
        "docker.io/library/python:3.11-slim-bookworm"
        "@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b"
    )
    """Image with the Python that runs the release, pinned by digest."""
    repository: str = ""
    """Name to tag and push under, such as `registry.example.org/team/flights`; empty for the project's name, never pushed."""
    platform: Platform = ""
    """Platform to build for; empty for the one that the environments' daemons run on."""


class DockerHost(Section):
    """The Docker daemon of one environment, and what its containers may use."""

    host: Annotated[str, Field(pattern=HOST)] = ""
    """`ssh://user@host`, `tcp://…` or `unix://…`; empty for DOCKER_HOST, or this machine."""
    memory_mb: Annotated[int, Field(ge=64, le=1_048_576)] = 512
    """Memory of one service container."""
    cpus: Annotated[float, Field(gt=0.0, le=256.0)] = 2.0
    """Processors that one service container may use."""
    keep_images: Annotated[int, Field(ge=2, le=100)] = 5
    """Releases whose images stay on the host, so that a rollback pulls nothing."""
