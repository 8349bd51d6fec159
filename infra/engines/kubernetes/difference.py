"""How an object of a cluster differs from what it would become, for people."""

from __future__ import annotations

import difflib
from typing import Any

import yaml

from infra.engines.kubernetes.api import Body
from infra.engines.kubernetes.names import PLAN

KEPT_BY_THE_SERVER = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")
NUMBERED = ("deployment.kubernetes.io/revision", PLAN)
"""Annotations that say nothing that the rest of an object does not say."""


def difference(before: Body | None, after: Body) -> str:
    """Return a unified diff of two objects as YAML, without what the API server numbers; one that is not there is empty."""
    texts = (_text(before).splitlines(keepends=True), _text(after).splitlines(keepends=True))
    return "".join(difflib.unified_diff(*texts, _name(before), _name(after)))


def _name(body: Body | None) -> str:
    return f"{body['kind']}/{body['metadata']['name']}" if body else "(not there)"


def _text(body: Body | None) -> str:
    if body is None:
        return ""
    about: dict[str, Any] = {name: value for name, value in body["metadata"].items() if name not in KEPT_BY_THE_SERVER}
    about["annotations"] = {name: text for name, text in about.get("annotations", {}).items() if name not in NUMBERED}
    shown = {name: value for name, value in body.items() if name != "status"}
    return yaml.safe_dump(shown | {"metadata": about}, sort_keys=True, allow_unicode=True)
