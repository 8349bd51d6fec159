"""The engines: what can run the releases of an environment, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateline.settings import Settings
from gateline.settings.errors import UsageError, did_you_mean
from infra.engines.contract import Engine


def _process(settings: Settings, environment: str, root: Path) -> Engine:
    from infra.engines.process.engine import ProcessEngine

    return ProcessEngine(settings, environment, root)


def _docker(settings: Settings, environment: str, root: Path) -> Engine:
    from infra.engines.docker.engine import DockerEngine

    return DockerEngine(settings, environment, root)


ENGINES: dict[str, Callable[[Settings, str, Path], Engine]] = {"process": _process, "docker": _docker}
"""Each imports what it needs when it is asked for."""


def engine_for(settings: Settings, environment: str, root: Path = Path(".")) -> Engine:
    """Return the engine of an environment; nothing is started. Raises UsageError for an environment that is not set."""
    if environment not in settings.environments:
        known = ", ".join(settings.environments)
        raise UsageError(
            f"there is no environment '{environment}'{did_you_mean(environment, settings.environments)} (known: {known})",
            "name one of these, or add it to pipeline.toml",
        )
    return ENGINES[settings.environments[environment].engine](settings, environment, root)
