"""The environment variables that are read, and what they replace: a few settings, or with GATELINE_SAMPLE the rows."""

import os
import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from gateline.settings.errors import UsageError, did_you_mean
from gateline.settings.passing import CALLERS, KEYS, named
from gateline.settings.secrets import redacted
from gateline.settings.section import Section

VARIABLE = re.compile(r"[A-Za-z_*][A-Za-z0-9_*]*")
PREFIX = "GATELINE_"
PORT_PREFIX = "GATELINE_PORT_"
STATE, STATE_PREFIX = "GATELINE_STATE", "GATELINE_STATE_"
SAMPLE = "GATELINE_SAMPLE"
"""Runs without secrets: a fork's pull request sees a sample of the rows and a registry of its own."""
SAMPLE_NOTE = "on the sample, without secrets: nothing of this run is a candidate for production"
OVERRIDES: dict[str, tuple[str, ...]] = {
    "GATELINE_WORKERS": ("service", "workers"),
    "GATELINE_REDIS_URL": ("service", "redis_url"),
    "GATELINE_REGISTRY_URL": ("registry", "url"),
    "GATELINE_NOTIFY_WEBHOOK": ("notify", "webhook"),
    "GATELINE_IMAGE_BASE": ("image", "base"),
}
OTHERS = {
    "GATELINE_AUDIT_KEY": "The secret that seals every audit event with an HMAC.",
    "GATELINE_SIGNING_KEY": "The private key that signs releases: a file's path, or the key itself in PEM.",
    SAMPLE: "`true` if there are no secrets: the pipeline runs on `data.sample_train` and deploys nothing.",
    "GATELINE_RUNNER": "`thrown-away` or `kept`: whether this machine outlives the run, if the CI server does not say.",
    "GATELINE_JOB_MINUTES": "Minutes after which the CI server ends this job: what would be cut off is not started.",
    "GATELINE_LOG_DIR": "Folder of a running service's prediction log; set by the engine.",
    CALLERS: "Keys that services ask for and their callers send, separated by commas; `none` for no key.",
    "GATELINE_LOG_LEVEL": "Least level that services log: `debug` (every answer), `info`, `warning` or `error`.",
    "GATELINE_SYNTHETIC_TOKEN": "Allows a request to mark its rows as synthetic; set by the engine.",
    "GATELINE_HOSTS": "Names and addresses that a running service answers to, separated by commas; set by the engine.",
    "GATELINE_CONNECTION_SECONDS": "Seconds after which a running service closes a connection; set by the engine.",
    "GATELINE_URL": "Address of the release under test; set for the integration tests.",
    "GATELINE_RUN": "What a stage was started as, for the pages of the reports; set by its session or task.",
    "GATELINE_BUNDLE": "Folder of the release under test; set for the integration tests.",
    "GATELINE_TEST_CLUSTER": "A command that starts a Kubernetes cluster for the template's tests; else KUBECONFIG counts.",
    "GATELINE_TEST_GATEWAY_URL": "Where the gateway of that cluster takes requests, if the command does not say.",
}
"""Variables that are no settings but are read somewhere, with what they are for."""


class Variables(Section):
    """Which of the shell's variables stages get in addition to the usual ones (docs/security.md)."""

    pass_: tuple[str, ...] = Field(default=(), alias="pass")
    """Names of variables that the model, its tests or a store needs, such as `HF_TOKEN` or `MLFLOW_*`."""

    @field_validator("pass_")
    @classmethod
    def _no_key(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in given:
            if not VARIABLE.fullmatch(pattern):
                raise ValueError(f"'{pattern}' must be a variable's name; `*` stands for any characters")
            for key in KEYS:
                if named(key, [pattern]):
                    raise ValueError(f"'{pattern}' passes {key} on, which no stage that runs the model may have")
        return given


def overlay(raw: dict[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Lay the variables that are set over `raw`; return `{dotted key: variable}` of what they replaced.

    An empty variable counts as not set. Raises UsageError for a GATELINE_ variable that nothing reads.
    """
    replaced: dict[str, str] = {}
    for name in sorted(environ):
        if name.startswith(PREFIX) and environ[name] and name not in OTHERS:
            for place in _places_of(name, raw):
                if _put(raw, place, _typed(name, place[-1], environ[name])):
                    replaced[".".join(place)] = name
    return replaced


def _places_of(name: str, raw: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the settings that a variable replaces: one, or with GATELINE_STATE that of every environment."""
    environments = raw.get("environments")
    known = list(environments) if isinstance(environments, dict) else []
    if name == STATE:
        return [("environments", str(each), "state") for each in known]
    for prefix, key in ((PORT_PREFIX, "port"), (STATE_PREFIX, "state")):
        if name.startswith(prefix):
            environment = name.removeprefix(prefix).lower().replace("_", "-")
            if known and environment not in known:
                raise UsageError(
                    f"environment variable {name}: there is no environment '{environment}'"
                    f"{did_you_mean(environment, known)} (known: {', '.join(known)})",
                    "name one of these, or unset it",
                )
            return [("environments", environment, key)]
    if name not in OVERRIDES:
        names = [*OVERRIDES, *OTHERS, STATE, f"{STATE_PREFIX}<ENVIRONMENT>", f"{PORT_PREFIX}<ENVIRONMENT>"]
        raise UsageError(
            f"environment variable {name} is not known{did_you_mean(name, names)} (known: {', '.join(names)})",
            "unset it; the environment replaces ports, workers, URLs and state folders alone, "
            "everything else is set in pipeline.toml",
        )
    return [OVERRIDES[name]]


def _typed(name: str, key: str, value: str) -> int | str:
    if key not in ("port", "workers"):
        return value
    if not (value.isascii() and value.isdecimal()):
        raise UsageError(f"environment variable {name} is {value!r}; allowed: a whole number", "change or unset it")
    return int(value)


def _put(raw: dict[str, Any], place: tuple[str, ...], value: int | str) -> bool:
    """Set one value; a section that is no table is left for the validation to name."""
    table: Any = raw
    for part in place[:-1]:
        table = table.setdefault(part, {}) if isinstance(table, dict) else None
    if not isinstance(table, dict):
        return False
    table[place[-1]] = value
    return True


def is_sample(environ: Mapping[str, str] | None = None) -> bool:
    """Say whether this run works on the sample. Raises UsageError for a value that is neither true nor false."""
    value = (os.environ if environ is None else environ).get(SAMPLE, "")
    if value not in ("", "true", "false"):
        raise UsageError(f"environment variable {SAMPLE} is {value!r}; allowed: true, false", "change or unset it")
    return value == "true"


def take_sample(raw: dict[str, Any]) -> dict[str, str]:
    """Put the sample's rows, a project name and a registry of its own into `raw`; return `{dotted key: variable}`.

    Under another name nothing is shared with the project: no artifact, no alias, no lock. Raises UsageError where the rows
    are elsewhere and no sample is named.
    """
    project, data = raw.get("project"), raw.get("data")
    if not isinstance(project, dict) or not isinstance(data, dict):
        return {}
    project["name"] = f"{str(project.get('name', ''))[:33]}-sample"  # 40 letters at most
    replaced = {"project.name": SAMPLE}
    for name in ("train", "test"):
        replaced[f"data.{name}"] = SAMPLE
        data[name] = data.get(f"sample_{name}") or data.get(name) or f"data/{name}.csv"
        if "://" in str(data[name]):
            raise UsageError(
                f"{SAMPLE} is set, and data.{name} is elsewhere ({redacted(str(data[name]))})",
                f"keep a few rows in data/ and name them in pipeline.toml: data.sample_{name}",
            )
    registry = raw.setdefault("registry", {})
    if isinstance(registry, dict) and "://" in str(registry.get("url", "")):
        registry["url"] = ".gateline/registry"
        replaced["registry.url"] = SAMPLE
    return replaced
