"""Read `pipeline.toml`, lay the few allowed environment variables over it, and refuse what is wrong with it."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateline.settings.errors import UsageError
from gateline.settings.explain import explain
from gateline.settings.pipeline import Settings
from gateline.settings.sample import is_sample, take_sample
from gateline.settings.secrets import secrets_in
from gateline.settings.variables import OVERRIDES, PORT_PREFIX, overlay

__all__ = ["DEFAULT_PATH", "OVERRIDES", "PORT_PREFIX", "load", "resolve"]

DEFAULT_PATH = Path("pipeline.toml")


def load(path: Path | str = DEFAULT_PATH, environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings in `path`, with ports, workers and URLs taken from `environ` where set there.

    Raises UsageError naming each key, its value, what is allowed and the nearest known name, one fault a line.
    """
    return resolve(path, environ)[0]


def resolve(
    path: Path | str = DEFAULT_PATH, environ: Mapping[str, str] | None = None
) -> tuple[Settings, dict[str, str]]:
    """Return the settings as `load` does, and `{dotted key: variable}` of the values taken from the environment."""
    raw = _read(Path(path))
    _refuse_secrets(raw, path)
    environ = os.environ if environ is None else environ
    replaced = overlay(raw, environ)
    if is_sample(environ):
        replaced |= take_sample(raw)
    try:
        return Settings.model_validate_json(_as_json(raw)), replaced
    except ValidationError as error:
        lines = explain(error, Settings, replaced)
        message = f"{path}: {lines[0]}" if len(lines) == 1 else "\n    ".join([f"{path}:", *lines])
        places = " or ".join(name for name in (str(path), *replaced.values()) if name in message)
        raise UsageError(message, f"change {places} and run the command again") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UsageError(
            f"{path}: no such settings file", "run the command from the project's folder, or name the file"
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", "make it a readable file") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{path}: is not UTF-8: byte 0x{error.object[error.start]:02x} in line {line}", "save it as UTF-8"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: is not TOML: {error}", "mend that line") from None


def _refuse_secrets(raw: dict[str, Any], path: Path | str) -> None:
    """A file that is committed holds no secret; the value stays out of the message too."""
    for key, why in secrets_in(raw):
        variable = next((name for name, place in OVERRIDES.items() if ".".join(place) == key), "")
        raise UsageError(
            f"{path}: '{key}' {why}; secrets come from environment variables alone",
            f"take it out of {path}"
            + (
                f" and set {variable} in the environment"
                if variable
                else ", read it from the environment where it is used"
            )
            + "; change the secret if the file was ever committed",
        )


def _as_json(raw: dict[str, Any]) -> str:
    """TOML arrays become tuples under strict validation only when they come as JSON."""
    return json.dumps(raw, default=str)
