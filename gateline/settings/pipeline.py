"""The whole of `pipeline.toml`: its tables, what they promise each other, and how it is read and refused."""

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from gateline.settings.environments import Environment
from gateline.settings.errors import UsageError, did_you_mean
from gateline.settings.explain import explain
from gateline.settings.gates import Gates
from gateline.settings.project import METRICS, Data, Metrics, Model, Project
from gateline.settings.secrets import secrets_in
from gateline.settings.section import Name, Section
from gateline.settings.service import Image, Load, Monitoring, Notify, Registry, Service, Signing
from gateline.settings.variables import OVERRIDES, Variables, is_sample, overlay, take_sample

DEFAULT_PATH = Path("pipeline.toml")
PRODUCTION = "production"
"""The environment whose stable release is the champion."""
LEAST_REPLICAS = 2


class Settings(Section):
    """The one file of values that a copy edits."""

    project: Project
    """What this project is called, and what it predicts."""
    data: Data
    """Where the rows are."""
    model: Model = Model()
    """What is fitted."""
    metrics: Metrics = Metrics()
    """How models are compared, and how a score becomes a decision."""
    gates: Gates = Gates()
    """What each gate judges by."""
    service: Service = Service()
    """The prediction service."""
    image: Image = Image()
    """The release image."""
    load: Load = Load()
    """The load profile."""
    registry: Registry = Registry()
    """Where artifacts, aliases, verdicts and the audit log are kept."""
    signing: Signing = Signing()
    """Whose signature a release needs."""
    notify: Notify = Notify()
    """Who is told of a rollback, a held canary or drift."""
    monitoring: Monitoring = Monitoring()
    """What Prometheus reads, and when it alerts."""
    variables: Variables = Variables()
    """What stages get of the shell's variables."""
    environments: Annotated[dict[Name, Environment], Field(min_length=1)]
    """The places where releases run, by name."""

    @property
    def runs_containers(self) -> bool:
        """Whether an environment runs release images."""
        return any(environment.runs_containers for environment in self.environments.values())

    @model_validator(mode="after")
    def _tables_agree(self) -> Self:
        found = [*_columns_and_metrics(self), *_limits(self), *_environments(self)]
        if found:
            raise ValueError("\n".join(found))
        return self


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
    as_json = json.dumps(raw, default=str)  # TOML arrays become tuples under strict validation only when they come as JSON
    try:
        return Settings.model_validate_json(as_json), replaced
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
        raise UsageError(f"{path}: is not TOML: {error}", "fix that line") from None


def _refuse_secrets(raw: dict[str, Any], path: Path | str) -> None:
    """A file that is committed holds no secret; the value stays out of the message too."""
    for key, why in secrets_in(raw):
        variables = [name for name, place in OVERRIDES.items() if ".".join(place) == key]
        instead = ", read it from the environment where it is used"
        if variables:
            instead = f" and set {variables[0]} in the environment"
        raise UsageError(
            f"{path}: '{key}' {why}; secrets come from environment variables alone",
            f"take it out of {path}{instead}; change the secret if the file was ever committed",
        )


def _columns_and_metrics(settings: Settings) -> Iterator[str]:
    """Yield a message for each pair of settings that cannot both hold: the keys, their values, what is allowed."""
    data, metrics, task = settings.data, settings.metrics, settings.project.task
    for role in ("time", "group"):
        if getattr(data, role) == data.target:
            yield f"'data.{role}' is '{data.target}', which is the target; allowed: another column, or empty"
    custom = metrics.custom_names()
    for name in sorted(set(custom)):
        if name in METRICS:
            yield f"'metrics.custom' names a function '{name}', which is a known metric; allowed: a name of its own"
        elif custom.count(name) > 1:
            yield f"'metrics.custom' names two functions '{name}'; allowed: names that differ"
    allowed = metrics.names(task)
    best = "minimize" if metrics.primary in METRICS and METRICS[metrics.primary].minimized else "maximize"
    if metrics.primary not in allowed:
        nearest = did_you_mean(metrics.primary, allowed)
        yield f"'metrics.primary' is '{metrics.primary}'; allowed for {task}: {', '.join(allowed)}{nearest}"
    elif metrics.primary in METRICS and metrics.direction != best:
        yield f"'metrics.direction' is '{metrics.direction}'; allowed for '{metrics.primary}': '{best}'"


def _limits(settings: Settings) -> Iterator[str]:
    gate, task, metrics = settings.gates.model, settings.project.task, settings.metrics
    custom = metrics.custom_names()
    if metrics.direction == "minimize" and metrics.primary in gate.custom_min:
        yield (
            f"'metrics.direction' is 'minimize', but 'gates.model.custom_min' asks for more of '{metrics.primary}'; "
            "allowed: 'maximize', or a limit under 'custom_max'"
        )
    for key in ("custom_min", "custom_max"):
        for name in getattr(gate, key):
            if name not in custom:
                known = ", ".join(custom) or "nothing, because 'metrics.custom' is empty"
                yield f"'gates.model.{key}' limits '{name}'; allowed: {known}{did_you_mean(name, custom)}"
    for name, metric in METRICS.items():
        for key in (f"min_{name}", f"max_{name}"):
            if metric.task != task and getattr(gate, key, None) is not None:
                yield f"'gates.model.{key}' is set, but 'project.task' is '{task}', which has no {name}; remove one"
    if task == "regression" and settings.metrics.positive is not None:
        yield "'metrics.positive' is set, but 'project.task' is 'regression'; remove one"


def _environments(settings: Settings) -> Iterator[str]:
    production = settings.environments.get(PRODUCTION)
    if production and production.replicas < LEAST_REPLICAS:
        yield f"'environments.{PRODUCTION}.replicas' is {production.replicas}; allowed: at least {LEAST_REPLICAS}"
    first: dict[int, str] = {}
    for name, environment in settings.environments.items():
        if environment.local and first.setdefault(environment.port, name) != name:
            other = first[environment.port]
            yield f"'environments.{name}.port' is {environment.port}, as that of '{other}'; allowed: a port of its own"
