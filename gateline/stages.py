"""The stages: what each is called, how it is run, and what its verdict is about. One table for all that lists them.

It imports nothing of ours, so that menus, settings, pages and documentation can read it.
"""

from dataclasses import dataclass
from typing import Literal

Judged = Literal["", "data", "artifact", "release"]
"""What a verdict is about: the rows, the model, the release (or what runs of it); empty where a stage gives none."""


@dataclass(frozen=True)
class Stage:
    """One stage, in one environment where it needs one."""

    name: str
    program: Literal["nox", "invoke"]
    judges: Judged = ""
    environment: str = ""
    flags: tuple[str, ...] = ()
    optional: bool = False
    """Whether the pipeline is whole without it."""
    needs: tuple[str, ...] = ()
    """What must have passed before, by `words`."""
    alone: bool = False
    """Whether it measures time, which a neighbour would change."""
    long: bool = False
    """Whether it takes minutes: started first where another can run next to it."""

    @property
    def key(self) -> str:
        """`deploy-staging`, `lint`: as its runs and logs are named."""
        return "-".join(filter(None, (self.name, self.environment)))

    @property
    def words(self) -> str:
        """`deploy staging`, `lint`: as people name it."""
        return " ".join(filter(None, (self.name, self.environment)))

    @property
    def typed(self) -> tuple[str, ...]:
        """What a user types."""
        env = (f"--env={self.environment}",) if self.environment else ()
        return ("nox", "-s", self.name) if self.program == "nox" else ("invoke", self.name, *env)

    @property
    def command(self) -> tuple[str, ...]:
        """What the pipeline runs."""
        return (*self.typed, *self.flags)


PIPELINE = (
    Stage("validate_data", "nox", "data"),  # it takes seconds: nobody waits for the tests to learn that rows are too few
    Stage("lint", "nox"),
    Stage("typecheck", "nox"),
    Stage("test", "nox", long=True),
    Stage("train", "nox", "artifact", needs=("validate_data",)),
    Stage("validate_model", "nox", "artifact", needs=("train",)),
    Stage("build", "invoke", needs=("validate_model",)),
    Stage("integration", "nox", "release", needs=("build",)),
    Stage("benchmark", "nox", "release", needs=("build",), alone=True),
    Stage("security", "nox", "release", needs=("build",)),
    Stage("sign", "invoke", optional=True, needs=("integration", "benchmark", "security")),
    Stage("deploy", "invoke", environment="staging", needs=("lint", "typecheck", "test", "sign")),
    Stage("smoke", "invoke", "release", environment="staging", needs=("deploy staging",)),
    Stage(
        "canary", "invoke", "release", environment="production", flags=("--traffic=synthetic",), needs=("smoke staging",)
    ),
    Stage("smoke", "invoke", "release", environment="production", needs=("canary production",)),
)
"""From data to production, in order; those that judge before `sign` are what a deploy may ask for."""
APART = (
    Stage("deploy", "invoke", environment="production"),
    Stage("promote", "invoke", environment="production"),
    Stage("rollback", "invoke", environment="production"),
    Stage("drift", "invoke", "release", environment="production"),
)
"""Run when they are needed."""
_BUILT = [stage.name for stage in PIPELINE].index("sign")
REQUIRABLE = tuple(stage.name for stage in PIPELINE[:_BUILT] if stage.judges and stage.name != "train")
"""Whose verdicts `requires` of an environment may name; they are signed with a release."""
JUDGING = tuple(dict.fromkeys(stage.name for stage in (*PIPELINE, *APART) if stage.judges))
"""The stages that give verdicts, in order."""
ORDER = (*dict.fromkeys(stage.name for stage in (*PIPELINE, *APART)), "audit", "pipeline")
"""The order in which pages list stages."""


def judges(name: str) -> Judged:
    """Return what the verdicts of a stage are about; `release` for one that the table does not name."""
    return next((stage.judges for stage in (*PIPELINE, *APART) if stage.name == name and stage.judges), "release")
