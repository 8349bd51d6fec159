"""Which builder is taken, and what it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.host.docker import Docker
from infra.releases.image.builders import BuildKit, Classic, Job, builder_for, buildkit_argv, failed

JOB = Job(Path("/context"), "release", "flights:1", "linux/amd64", {"BASE": "python", "VERSION": "1"})
PLAIN = [
    *("--target", "release", "--tag", "flights:1", "--platform", "linux/amd64", "--iidfile", "/id"),
    *("--build-arg", "BASE=python", "--build-arg", "VERSION=1", "/context"),
]


def test_an_old_command_is_told_the_stage_the_tag_and_the_arguments() -> None:
    assert buildkit_argv(("docker", "build"), JOB, Path("/id"), {"ACTIONS_RUNTIME_TOKEN": "x"}) == [
        *("docker", "build"),
        *PLAIN,
    ]


def test_buildx_loads_what_it_built_and_uses_the_workflows_cache() -> None:
    told = buildkit_argv(("docker", "buildx", "build"), JOB, Path("/id"), {"ACTIONS_RUNTIME_TOKEN": "x"})
    assert "--load" in told and told[told.index("--cache-from") + 1] == "type=gha"
    assert "--cache-from" not in buildkit_argv(("docker", "buildx", "build"), JOB, Path("/id"), {})


def fake_docker(folder: Path, version: str, buildx: bool) -> None:
    folder.mkdir()
    command = folder / "docker"
    command.write_text(
        f"#!/bin/sh\n[ \"$1\" = buildx ] && exit {0 if buildx else 1}\necho 'Docker version {version}, build x'\n"
    )
    command.chmod(0o755)


@pytest.mark.parametrize(
    ("version", "buildx", "kind", "name"),
    [
        ("28.2.2", True, BuildKit, "BuildKit (docker buildx build)"),
        ("28.2.2", False, Classic, "the daemon's own builder"),
        ("20.10.24+dfsg1", False, BuildKit, "BuildKit (docker build)"),
        ("18.09.1", False, Classic, "the daemon's own builder"),
    ],
)
def test_buildkit_is_taken_where_the_command_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, buildx: bool, kind: type, name: str
) -> None:
    fake_docker(tmp_path / "bin", version, buildx)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    found = builder_for(Docker.__new__(Docker), "")
    assert isinstance(found, kind) and found.name == name


def test_without_a_docker_command_the_daemon_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert isinstance(builder_for(Docker.__new__(Docker), ""), Classic)


def test_a_failed_build_shows_its_last_lines() -> None:
    error = failed(JOB, "BuildKit", [f"line {number}" for number in range(40)])
    assert "stage release could not be built by BuildKit" in error.message
    assert "line 39" in error.message and "line 20" not in error.message
