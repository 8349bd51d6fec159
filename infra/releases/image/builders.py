"""What turns a context into an image: BuildKit by the docker command where it has it, else the daemon's own builder."""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gateline.contracts.programs import run
from gateline.settings import passing
from gateline.settings.errors import OutsideError
from infra.host.docker import Docker, reaching

SECONDS = 1800.0
ASK_SECONDS = 20.0
TAIL = 12
CACHE = "type=gha"
"""BuildKit's name of the cache that a GitHub workflow keeps between its runs."""


@dataclass(frozen=True)
class Job:
    """One image to build: a stage of the Dockerfile in `context`, with its build arguments."""

    context: Path
    stage: str
    tag: str
    platform: str
    arguments: Mapping[str, str] = field(default_factory=dict)


class Builder(Protocol):
    """Builds images. Raises OutsideError with the last lines of what the builder said."""

    name: str
    """What people are told."""

    def build(self, job: Job, say: Callable[[str], None]) -> str:
        """Build, tag, and return the image's id."""
        ...


class BuildKit:
    """The docker command with BuildKit: `docker buildx build`, or `docker build` of a command that still carries it."""

    def __init__(self, command: tuple[str, ...], host: str) -> None:
        """Use this command (`docker buildx build`) on the daemon at `host`."""
        self._command = command
        self._environ = passing.variables("image") | {"DOCKER_BUILDKIT": "1"} | ({"DOCKER_HOST": host} if host else {})
        self.name = f"BuildKit ({' '.join(Path(part).name for part in command)})"

    def build(self, job: Job, say: Callable[[str], None]) -> str:
        """Build, tag, and return the image's id."""
        with tempfile.TemporaryDirectory(prefix="gateline-image-") as scratch:
            answer = Path(scratch) / "id"
            done = run(buildkit_argv(self._command, job, answer, self._environ), self._environ, seconds=SECONDS)
            if done.code:
                raise failed(job, self.name, done.said())
            return answer.read_text(encoding="utf-8").strip()


def buildkit_argv(command: tuple[str, ...], job: Job, answer: Path, environ: Mapping[str, str]) -> list[str]:
    """Return the command line. In a GitHub workflow, what was built before is taken from its cache, and kept there."""
    buildx = "buildx" in command
    cached = buildx and bool(environ.get("ACTIONS_RUNTIME_TOKEN"))
    options = ["--target", job.stage, "--tag", job.tag, "--platform", job.platform, "--iidfile", str(answer)]
    options += ["--load", "--provenance=false"] if buildx else []
    options += ["--cache-from", CACHE, "--cache-to", f"{CACHE},mode=max"] if cached else []
    arguments = [part for name, value in job.arguments.items() for part in ("--build-arg", f"{name}={value}")]
    return [*command, *options, *arguments, str(job.context)]


class Classic:
    """The daemon's own builder, by the SDK: every daemon has it."""

    name = "the daemon's own builder"

    def __init__(self, client: Docker) -> None:
        """Build on this daemon."""
        self._client = client

    def build(self, job: Job, say: Callable[[str], None]) -> str:
        """Build, tag, and return the image's id."""
        lines: list[str] = []
        with reaching():
            told = self._client.api.build(
                path=str(job.context), target=job.stage, tag=job.tag, platform=job.platform,
                buildargs=dict(job.arguments), rm=True, forcerm=True, decode=True,
            )  # fmt: skip
            for part in told:
                lines += str(part.get("stream") or part.get("error") or "").splitlines()
                if "error" in part:
                    raise failed(job, self.name, lines)
            return str(self._client.images.get(job.tag).id)


def failed(job: Job, builder: str, lines: list[str]) -> OutsideError:
    """Return the error of a build that ended badly."""
    tail = "\n  ".join(line for line in lines[-TAIL:] if line.strip())
    told = f"stage {job.stage} could not be built by {builder}:\n  {tail}"
    return OutsideError(told, "fix what it names, then invoke build")


def builder_for(client: Docker, host: str) -> Builder:
    """Return BuildKit where a docker command on PATH has it, else the daemon's own builder.

    Every command on PATH is asked: a newer one without buildx may hide one that has BuildKit. Up to version 22 the command
    speaks BuildKit by itself; later ones need buildx.
    """
    found = (shutil.which("docker", path=folder) for folder in os.get_exec_path())
    for docker in dict.fromkeys(command for command in found if command):
        if run([docker, "buildx", "version"], os.environ, seconds=ASK_SECONDS).code == 0:
            return BuildKit((docker, "buildx", "build"), host)
        words = run([docker, "--version"], os.environ, seconds=ASK_SECONDS).output.split()
        major = words[2].split(".")[0] if len(words) > 2 else ""
        if major.isdigit() and 19 <= int(major) < 23:
            return BuildKit((docker, "build"), host)
    return Classic(client)
