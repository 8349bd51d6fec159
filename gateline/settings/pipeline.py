"""The whole of `pipeline.toml`, and what its sections promise each other."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from gateline.settings.agreement import PRODUCTION, disagreements
from gateline.settings.gates import Gates
from gateline.settings.images import Image
from gateline.settings.project import Data, Metrics, Model, Name, Project
from gateline.settings.section import Section
from gateline.settings.serving import Environment, Load, Notify, Registry, Service
from gateline.settings.signing import Signing
from gateline.settings.variables import Variables

__all__ = ["PRODUCTION", "Settings"]


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
