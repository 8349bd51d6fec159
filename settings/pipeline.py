"""The whole of `pipeline.toml`, and what its sections promise each other."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from settings.gates import Gates
from settings.project import METRICS, Data, Metrics, Model, Name, Project
from settings.section import Section
from settings.serving import Environment, Load, Notify, Registry, Service

PRODUCTION = "production"
"""The environment whose stable release is the champion."""


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
    load: Load = Load()
    """The load profile."""
    registry: Registry = Registry()
    """Where artifacts, aliases, verdicts and the audit log live."""
    notify: Notify = Notify()
    """Who is told of a rollback, a held canary or drift."""
    environments: Annotated[dict[Name, Environment], Field(min_length=1)]
    """The places where releases run, by name."""

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        known = self.metrics.known_names()
        if self.metrics.primary not in known:
            raise ValueError(f"metrics.primary is {self.metrics.primary!r}; allowed: {', '.join(known)}")
        custom = set(known) - set(METRICS)
        for limits in (self.gates.model.custom_min, self.gates.model.custom_max):
            for name in limits:
                if name not in custom:
                    raise ValueError(
                        f"gates.model limits the custom metric {name!r}, which metrics.custom does not name"
                    )
        production = self.environments.get(PRODUCTION)
        if production and production.replicas < 2:
            raise ValueError(f"environments.production.replicas is {production.replicas}; allowed: 2 or more")
        ports = [environment.port for environment in self.environments.values() if environment.local]
        if len(ports) != len(set(ports)):
            raise ValueError(f"environments share a port: {ports}; each local environment needs its own")
        return self
