"""How a release is served, packed, signed, loaded and stored, and who is told."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from gateline.settings.project import HOST, Text
from gateline.settings.section import Section

Port = Annotated[int, Field(ge=1, le=65535)]
Stage = Literal["validate_data", "validate_model", "integration", "benchmark", "security"]
Platform = Literal["", "linux/amd64", "linux/arm64"]


class Service(Section):
    """The prediction service; packed into the release."""

    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Service processes per replica."""
    max_body_bytes: Annotated[int, Field(ge=1024, le=64 * 2**20)] = 1_048_576
    """Largest request body; a larger one is answered 413."""
    max_rows: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Most rows in one request; more are answered 422."""
    redis_url: str = ""
    """Redis to share cached predictions through; empty for none. Answers go on without it."""
    cache_seconds: Annotated[int, Field(ge=1)] = 300
    """How long a cached prediction lives."""
    prediction_log: bool = True
    """Write request id, time, release and score of each prediction (no features)."""
    log_retention_days: Annotated[int, Field(ge=1, le=3650)] = 14
    """Days a prediction log file is kept."""
    drain_seconds: Annotated[float, Field(gt=0.0, le=300.0)] = 10.0
    """Longest time a stopping service finishes its running requests."""
    hosts: tuple[Text, ...] = ()
    """Names that clients call the service by (`Host`), besides loopback and the environment's address: `api.example.org`.

    Another is answered 421. `*` answers to every name: then any page that a browser on this machine shows may ask.
    """

    @model_serializer(mode="wrap")
    def _as_before(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """`hosts` came later: a release that names none keeps the digest that it had, and older code reads it."""
        return {key: value for key, value in dump(self).items() if key != "hosts" or value}


class Load(Section):
    """The load profile of `benchmark` and of synthetic canary traffic."""

    requests: Annotated[int, Field(ge=1)] = 1000
    """Requests of one benchmark run."""
    users: Annotated[int, Field(ge=1, le=1000)] = 8
    """Concurrent locust users; with a rate the least: more join while answers are slow."""
    rate: Annotated[float, Field(ge=0.0)] = 100.0
    """Intended requests a second over all users, sent on a schedule; 0 sends as fast as answers come."""
    warmup_requests: Annotated[int, Field(ge=0)] = 100
    """Requests sent first and not counted."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the payloads."""


class Registry(Section):
    """Where artifacts, aliases, verdicts and the audit log live."""

    url: Text = ".gateline/registry"
    """A folder or an fsspec URL, such as `s3://bucket/folder`; see docs/registry.md."""


class Notify(Section):
    """Who is told of a canary's end, a promotion or rollback by hand, and drift."""

    command: tuple[Text, ...] = ()
    """A command that gets the event as JSON on standard input; empty for none."""
    webhook: str = ""
    """A URL that gets the event as a JSON POST; empty for none."""


class Signing(Section):
    """Who may release. The private key is never a setting: `GATELINE_SIGNING_KEY` names or holds it."""

    keys: tuple[Text, ...] = ()
    """Files of the public keys (PEM) that `deploy` and `canary` accept; empty: signing is off."""


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


class Environment(Section):
    """One place where releases run."""

    engine: Literal["process", "docker"] = "process"
    """What runs releases here."""
    local: bool = True
    """Whether this environment is on this machine; others are changed from CI alone, or with `--from-laptop`."""
    host: Text = "127.0.0.1"
    """Address the proxy listens on; loopback by default."""
    port: Port
    """Port the proxy listens on."""
    replicas: Annotated[int, Field(ge=1, le=32)] = 1
    """Replicas of the stable slot; production has at least two."""
    canary_share: Annotated[float, Field(gt=0.0, le=0.5)] = 0.1
    """Share of traffic a canary gets."""
    ready_seconds: Annotated[float, Field(gt=0.0, le=600.0)] = 30.0
    """Longest time from start to ready."""
    soak_seconds: Annotated[float, Field(ge=0.0, le=3600.0)] = 2.0
    """How long health is watched after a deploy switched traffic."""
    canary_seconds: Annotated[float, Field(gt=0.0, le=86400.0)] = 240.0
    """A canary that is not decided by then is held."""
    state: str = ""
    """Folder for what runs here, its releases and its logs, outside the checkout; empty for `.gateline` in the project.

    Name one where the checkout may be cleaned (`git clean -x`) while the environment serves, as on a CI runner of your own.
    """
    requires: tuple[Stage, ...] = ("validate_model",)
    """Stages that must have passed a release before it is deployed here."""
    docker: DockerHost = DockerHost()
    """The daemon and its limits, where the engine is `docker`."""

    @property
    def runs_containers(self) -> bool:
        """Whether releases run here as images: then the image is built, judged and brought here too."""
        return self.engine == "docker"
