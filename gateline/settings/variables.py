"""The environment variables that are read, and the few settings that they may replace: ports, workers, URLs, folders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from gateline.settings.errors import UsageError, did_you_mean
from gateline.settings.passing import KEYS, named
from gateline.settings.section import Section

VARIABLE = re.compile(r"[A-Za-z_*][A-Za-z0-9_*]*")
PREFIX = "GATELINE_"
PORT_PREFIX = "GATELINE_PORT_"
STATE, STATE_PREFIX = "GATELINE_STATE", "GATELINE_STATE_"
OVERRIDES: dict[str, tuple[str, ...]] = {
    "GATELINE_WORKERS": ("service", "workers"),
    "GATELINE_REDIS_URL": ("service", "redis_url"),
    "GATELINE_REGISTRY_URL": ("registry", "url"),
    "GATELINE_NOTIFY_WEBHOOK": ("notify", "webhook"),
    "GATELINE_IMAGE_BASE": ("image", "base"),
}
OTHERS = {
    "GATELINE_AUDIT_KEY": "Secret that seals every audit event with an HMAC.",
    "GATELINE_SIGNING_KEY": "Private key that releases are signed with: a file's path, or the key itself in PEM.",
    "GATELINE_SAMPLE": "`true` where secrets are missing: the line runs on `data.sample_train` and deploys nothing.",
    "GATELINE_RUNNER": "`thrown-away` or `kept`: whether this machine outlives the run, where the CI server does not tell.",
    "GATELINE_JOB_MINUTES": "Minutes after which the CI server ends this job: what would be cut off is not begun.",
    "GATELINE_LOG_DIR": "Folder of a running service's prediction log; set by the engine.",
    "GATELINE_SYNTHETIC_TOKEN": "Lets a request say that its rows are made up; set by the engine.",
    "GATELINE_HOSTS": "Names and addresses, with commas between, that a running service answers to; set by the engine.",
    "GATELINE_URL": "Address of the release under test; set for the integration tests.",
    "GATELINE_BUNDLE": "Folder of the release under test; set for the integration tests.",
}
"""Variables that are no settings but are read somewhere, with what they are for."""


class Variables(Section):
    """What stages get of the shell's variables besides the usual ones (docs/security.md)."""

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
    if name == STATE:
        environments = raw.get("environments")
        return [("environments", str(each), "state") for each in environments] if isinstance(environments, dict) else []
    for prefix, key in ((PORT_PREFIX, "port"), (STATE_PREFIX, "state")):
        if name.startswith(prefix):
            return [("environments", _environment_of(name, prefix, raw), key)]
    return [_place_of(name)]


def _place_of(name: str) -> tuple[str, ...]:
    if name not in OVERRIDES:
        known = [*OVERRIDES, *OTHERS, STATE, f"{STATE_PREFIX}<ENVIRONMENT>", f"{PORT_PREFIX}<ENVIRONMENT>"]
        raise UsageError(
            f"environment variable {name} is not known{did_you_mean(name, known)} (known: {', '.join(known)})",
            "unset it; the environment replaces ports, workers, URLs and state folders alone, "
            "everything else is set in pipeline.toml",
        )
    return OVERRIDES[name]


def _environment_of(name: str, prefix: str, raw: Mapping[str, Any]) -> str:
    environments = raw.get("environments")
    known = list(environments) if isinstance(environments, dict) else []
    environment = name.removeprefix(prefix).lower().replace("_", "-")
    if known and environment not in known:
        raise UsageError(
            f"environment variable {name}: there is no environment '{environment}'"
            f"{did_you_mean(environment, known)} (known: {', '.join(known)})",
            "name one of these, or unset it",
        )
    return environment


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
