"""The tables [service], [load], [registry], [notify], [monitoring], [signing] and [image]: a release, served and kept."""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from gateline.settings.environments import Port
from gateline.settings.section import Count, NotNegative, Positive, Section, Text
Platform = Literal["", "linux/amd64", "linux/arm64"]


class Service(Section):
    """The prediction service; packed into the release."""

    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Service processes per replica."""
    max_body_bytes: Annotated[int, Field(ge=1024, le=64 * 2**20)] = 1_048_576
    """Largest request body; a larger one is answered 413."""
    max_rows: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Most rows in one request; more are answered 422."""
    max_concurrent: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Most requests that a process answers at the same time; more are answered 503."""
    max_seconds: Annotated[float, Field(gt=0.0, le=60.0)] = 30.0
    """Longest time for an answer once the request has arrived; after that it is 503."""
    redis_url: str = ""
    """A Redis that shares cached predictions; empty for none. The service answers without it, too."""
    cache_seconds: Count = 300
    """How many seconds a cached prediction is kept."""
    prediction_log: bool = True
    """Write request id, time, release and score of each prediction (no features)."""
    log_retention_days: Annotated[int, Field(ge=1, le=3650)] = 14
    """Days a prediction log file is kept."""
    log_format: Literal["text", "json"] = "text"
    """How the service writes its log: lines for people, or one JSON object per line."""
    drain_seconds: Annotated[float, Field(gt=0.0, le=300.0)] = 10.0
    """How long a stopping service may take to finish its running requests."""
    open_metrics: bool = True
    """Answer `/metrics` to requests without a key where `GATELINE_API_KEY` asks for one; health is always answered."""
    fast_path: bool = True
    """Score rows with Python generated from the model, where that is exact; false: always with scikit-learn."""
    hosts: tuple[Text, ...] = ()
    """Names that clients call the service by (`Host`), besides loopback and the environment's address: `api.example.org`.

    Another is answered 421. `*` answers to every name: then any page that a browser on this machine shows may ask.
    """

    @model_serializer(mode="wrap")
    def _as_before(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """These came later: a release that leaves them alone keeps the digest that it had, and older code reads it."""
        unsaid: dict[str, Any] = {
            "hosts": ((), []), "fast_path": (True,), "open_metrics": (True,), "log_format": ("text",),
            "max_concurrent": (1000,), "max_seconds": (30.0,),
        }  # fmt: skip
        return {key: value for key, value in dump(self).items() if value not in unsaid.get(key, ())}


class Load(Section):
    """The load profile of `benchmark` and of synthetic canary traffic."""

    requests: Count = 1000
    """Requests of one benchmark run."""
    users: Annotated[int, Field(ge=1, le=1000)] = 8
    """Concurrent locust users; with a rate, the smallest number: more join while answers are slow."""
    rate: NotNegative = 100.0
    """Intended requests per second over all users, sent on a schedule; 0 sends as fast as answers arrive."""
    warmup_requests: Annotated[int, Field(ge=0)] = 100
    """Requests sent first and not counted."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the payloads."""


class Registry(Section):
    """Where artifacts, aliases, verdicts and the audit log are kept."""

    url: Text = ".gateline/registry"
    """A folder or an fsspec URL, such as `s3://bucket/folder`; see docs/registry.md."""


class Notify(Section):
    """Who is notified of a canary's end, a promotion or rollback by hand, and drift."""

    command: tuple[Text, ...] = ()
    """A command that gets the event as JSON on standard input; empty for none."""
    webhook: str = ""
    """A URL that gets the event as a JSON POST; empty for none."""


class Monitoring(Section):
    """What `invoke monitor` serves to Prometheus, and what its alerts hold an environment to, besides `gates.benchmark`."""

    host: Text = "127.0.0.1"
    """Address that it listens on. The page has no key: let nobody but Prometheus reach it."""
    port: Port = 9464
    """Port that it listens on; two projects on one machine need two."""
    min_answered: Annotated[float, Field(ge=0.5, lt=1.0)] = 0.999
    """Share of requests that must be answered without an error over 30 days: the rest may fail before alerts go off."""
    max_held_hours: Positive = 24.0
    """Hours that a held canary may wait for somebody to decide."""
    max_drift_days: Positive = 2.0
    """Days that may pass without drift being judged in production."""


class Signing(Section):
    """Who may release. The private key is never a setting: `GATELINE_SIGNING_KEY` names its file or contains it."""

    keys: tuple[Text, ...] = ()
    """Files with the public keys (PEM) that `deploy` and `canary` accept; empty: signing is off."""


class Image(Section):
    """The release image that `invoke build` makes if an environment runs containers."""

    base: Text = (
        "docker.io/library/python:3.11-slim-bookworm"
        "@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b"
    )
    """Image with the Python that runs the release, pinned by digest."""
    repository: str = ""
    """Name to tag and push under, such as `registry.example.org/team/flights`; empty for the project's name, never pushed."""
    platform: Platform = ""
    """Platform to build for; empty for the one that the environments' daemons run on."""
