"""Runs without secrets: a fork's pull request sees a sample of the rows and a registry of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from gateline.settings.errors import UsageError
from gateline.settings.secrets import redacted

VARIABLE = "GATELINE_SAMPLE"
NAMES = ("train", "test")
SUFFIX = "-sample"
LONGEST = 40
OWN_REGISTRY = ".gateline/registry"
NOTE = "on the sample, without secrets: nothing of this run is a candidate for production"


def is_sample(environ: Mapping[str, str] | None = None) -> bool:
    """Say whether this run works on the sample. Raises UsageError for a value that is neither true nor false."""
    value = (os.environ if environ is None else environ).get(VARIABLE, "")
    if value not in ("", "true", "false"):
        raise UsageError(f"environment variable {VARIABLE} is {value!r}; allowed: true, false", "change or unset it")
    return value == "true"


def take_sample(raw: dict[str, Any]) -> dict[str, str]:
    """Put the sample's rows, a project name and a registry of its own into `raw`; return `{dotted key: variable}`.

    Under another name nothing is shared with the project: no artifact, no alias, no lock. Raises UsageError where the rows
    are elsewhere and no sample is named.
    """
    project, data = raw.get("project"), raw.get("data")
    if not isinstance(project, dict) or not isinstance(data, dict):
        return {}
    project["name"] = f"{str(project.get('name', ''))[: LONGEST - len(SUFFIX)]}{SUFFIX}"
    for name in NAMES:
        data[name] = data.get(f"sample_{name}") or data.get(name) or f"data/{name}.csv"
        if "://" in str(data[name]):
            raise UsageError(
                f"{VARIABLE} is set, and data.{name} is elsewhere ({redacted(str(data[name]))})",
                f"keep a few rows in data/ and name them in pipeline.toml: data.sample_{name}",
            )
    replaced = dict.fromkeys(("project.name", *(f"data.{name}" for name in NAMES)), VARIABLE)
    registry = raw.setdefault("registry", {})
    if isinstance(registry, dict) and "://" in str(registry.get("url", "")):
        registry["url"] = OWN_REGISTRY
        replaced["registry.url"] = VARIABLE
    return replaced
