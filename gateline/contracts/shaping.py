"""What the settings say that shapes an artifact, and what of it is no longer as it was when one was trained."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateline.contracts import schema as schemas
from gateline.contracts.digest import of_value
from gateline.contracts.manifest import Manifest
from gateline.contracts.schema import Schema
from gateline.settings import Settings


def shaping(settings: Settings) -> dict[str, Any]:
    """Return the settings that shape an artifact, defaults filled in; neither where the data is nor what may be loaded."""
    body = settings.model_dump(mode="json", by_alias=True, include={"model", "metrics"}, exclude={"model": {"trusted"}})
    roles = settings.data.model_dump(mode="json", include={"target", "time", "group", "label_delay_hours"})
    return {"task": settings.project.task, "data": roles, **body}


def schema_of(settings: Settings) -> Schema:
    """Return the schema with the roles that the settings name. Raises UsageError for one that is not there or wrong."""
    return schemas.load(settings.data.schema_path).with_roles(**roles_of(settings))


def roles_of(settings: Settings) -> dict[str, str]:
    """Return which column plays which part: target, time and group, by the words of the schema."""
    return settings.data.model_dump(include=set(schemas.ROLES))


def changed_since(manifest: Manifest, settings: Settings) -> list[str]:
    """Return a phrase for each setting that is not as it was when the artifact was trained, and for another schema."""
    current = shaping(settings)
    if manifest.inputs.get("settings") != of_value(current):
        before, now = ({name: value for name, value in leaves(of) if value != {}} for of in (manifest.settings, current))
        names = [name for name in before | now if before.get(name) != now.get(name)]
        told = [f"{name} was {_told(before, name)}, is {_told(now, name)}" for name in names]
        return told or ["a setting has another type than it had"]
    if manifest.inputs.get("schema") != of_value(schema_of(settings).dump()):
        return [f"{settings.data.schema_path} says otherwise than it did"]
    return []


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield settings by dotted key."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _told(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return "not set" if value is None else repr(value)
