"""Read `pipeline.toml`, lay the few allowed environment variables over it, and explain what is wrong with it."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from settings.errors import UsageError, did_you_mean
from settings.pipeline import Settings

DEFAULT_PATH = Path("pipeline.toml")
SECRETS = ("GATELINE_AUDIT_KEY",)
OVERRIDES: dict[str, tuple[str, ...]] = {
    "GATELINE_WORKERS": ("service", "workers"),
    "GATELINE_REDIS_URL": ("service", "redis_url"),
    "GATELINE_REGISTRY_URL": ("registry", "url"),
    "GATELINE_NOTIFY_WEBHOOK": ("notify", "webhook"),
}
PORT_PREFIX = "GATELINE_PORT_"


def load(path: Path | str = DEFAULT_PATH, environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings in `path`, with ports, workers and URLs taken from `environ` where set there.

    Raises UsageError naming the key, its value, what is allowed and the nearest known name.
    """
    raw = _read(Path(path))
    _override(raw, os.environ if environ is None else environ)
    try:
        return Settings.model_validate_json(_as_json(raw))
    except ValidationError as error:
        lines = [_explain(detail) for detail in error.errors()]
        raise UsageError(f"{path}: " + "; ".join(lines), f"edit {path} and run the command again") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"{path}: no such settings file", "run the command from the project's folder, or name the file"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}", "make it a readable UTF-8 file") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: is not TOML: {error}", "mend that line") from None


def _as_json(raw: dict[str, Any]) -> str:
    """TOML arrays become tuples under strict validation only when they come as JSON."""
    return json.dumps(raw, default=str)


def _override(raw: dict[str, Any], environ: Mapping[str, str]) -> None:
    for name, value in environ.items():
        if name.startswith(PORT_PREFIX):
            environment = name.removeprefix(PORT_PREFIX).lower().replace("_", "-")
            if environment not in raw.get("environments", {}):
                raise UsageError(
                    f"{name}: there is no environment '{environment}'{did_you_mean(environment, raw.get('environments', {}))}"
                )
            raw["environments"][environment]["port"] = _whole_number(name, value)
        elif name in OVERRIDES:
            section, key = OVERRIDES[name]
            raw.setdefault(section, {})[key] = _whole_number(name, value) if key == "workers" else value


def _whole_number(name: str, value: str) -> int:
    if not value.isdecimal():
        raise UsageError(f"environment variable {name} is {value!r}; allowed: a whole number")
    return int(value)


def _explain(detail: ErrorDetails) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = _keys_beside(detail["loc"])
        return f"unknown key '{where}'{did_you_mean(str(detail['loc'][-1]), known)} (known here: {', '.join(known)})"
    if detail["type"] == "missing":
        return f"key '{where}' is missing"
    message = detail["msg"].removeprefix("Value error, ")
    if not where:
        return message
    value = detail["input"]
    hint = did_you_mean(value, _literals(detail)) if isinstance(value, str) else ""
    return f"'{where}' is {value!r}; allowed: {_allowed(message)}{hint}"


def _allowed(message: str) -> str:
    for lead in ("Input should be a valid ", "Input should be ", "String should match pattern "):
        if message.startswith(lead):
            return message.removeprefix(lead)
    return message


def _literals(detail: ErrorDetails) -> list[str]:
    expected = str(detail.get("ctx", {}).get("expected", ""))
    return [part.strip(" '\"") for part in expected.replace(" or ", ",").split(",")]


def _keys_beside(loc: tuple[int | str, ...]) -> list[str]:
    """Return the keys that the section holding `loc` knows."""
    section: Any = Settings
    for part in loc[:-1]:
        section = _child(section, str(part))
    return [field.alias or name for name, field in section.model_fields.items()] if section else []


def _child(section: Any, part: str) -> Any:
    if section is None or isinstance(section, _MapOf):
        return section and section.section
    for name, field in section.model_fields.items():
        if part in (name, field.alias):
            return _section_of(field.annotation)
    return None


def _section_of(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = [argument for argument in getattr(annotation, "__args__", ()) if isinstance(argument, type)]
    return _MapOf(inner[-1]) if inner and issubclass(inner[-1], BaseModel) else None


class _MapOf:
    """A table whose keys are the user's and whose values are one section."""

    def __init__(self, section: type[BaseModel]) -> None:
        self.section = section
        self.model_fields: dict[str, Any] = {}
