"""The whole of `pipeline.toml`, and what its sections promise each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from gateline.settings.errors import did_you_mean
from gateline.settings.gates import Gates
from gateline.settings.project import (
    CLASSIFICATION_METRICS,
    METRICS,
    MINIMIZED,
    REGRESSION_METRICS,
    Data,
    Metrics,
    Model,
    Name,
    Project,
)
from gateline.settings.section import Section
from gateline.settings.serving import Environment, Image, Load, Notify, Registry, Service, Signing
from gateline.settings.variables import Variables

PRODUCTION = "production"
"""The environment whose stable release is the champion."""
LEAST_REPLICAS = 2
METRICS_OF = {"classification": CLASSIFICATION_METRICS, "regression": REGRESSION_METRICS}


class Settings(Section):
    """The one file of values that a copy edits."""

    project: Project
    """Whose line this is."""
    data: Data
    """Where the rows are."""
    model: Model = Model()
    """What is fitted."""
    metrics: Metrics = Metrics()
    """What good means here."""
    gates: Gates = Gates()
    """What each gate judges by."""
    service: Service = Service()
    """The prediction service."""
    image: Image = Image()
    """The release image."""
    load: Load = Load()
    """The load profile."""
    registry: Registry = Registry()
    """Where artifacts, aliases, verdicts and the audit log live."""
    signing: Signing = Signing()
    """Whose signature a release needs."""
    notify: Notify = Notify()
    """Who is told of a rollback, a held canary or drift."""
    variables: Variables = Variables()
    """What stages get of the shell's variables."""
    environments: Annotated[dict[Name, Environment], Field(min_length=1)]
    """The places where releases run, by name."""

    @property
    def runs_containers(self) -> bool:
        """Whether an environment runs release images."""
        return any(environment.runs_containers for environment in self.environments.values())

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        found = list(disagreements(self))
        if found:
            raise ValueError("\n".join(found))
        return self


def disagreements(settings: Settings) -> Iterator[str]:
    """Yield one line for each pair of settings that cannot both hold: the keys, their values, what is allowed."""
    yield from _columns(settings)
    yield from _custom_metrics(settings)
    yield from _primary_metric(settings)
    yield from _limits(settings)
    yield from _environments(settings)


def _columns(settings: Settings) -> Iterator[str]:
    data = settings.data
    for role in ("time", "group"):
        if getattr(data, role) == data.target:
            yield f"'data.{role}' is '{data.target}', which is the target; allowed: another column, or empty"


def _custom_metrics(settings: Settings) -> Iterator[str]:
    names = settings.metrics.custom_names()
    for name in sorted(set(names)):
        if name in METRICS:
            yield f"'metrics.custom' names a function '{name}', which is a known metric; allowed: a name of its own"
        elif names.count(name) > 1:
            yield f"'metrics.custom' names two functions '{name}'; allowed: names that differ"


def _primary_metric(settings: Settings) -> Iterator[str]:
    metrics, task = settings.metrics, settings.project.task
    allowed = METRICS_OF[task] + metrics.custom_names()
    best = "minimize" if metrics.primary in MINIMIZED else "maximize"
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
    for name in METRICS:
        for key in (f"min_{name}", f"max_{name}"):
            if name not in METRICS_OF[task] and getattr(gate, key, None) is not None:
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
