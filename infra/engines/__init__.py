"""The engines: what can run the releases of an environment, by name."""

from pathlib import Path
from pkgutil import resolve_name

from gateline.contracts.release import Image, Release
from gateline.settings import Settings
from gateline.settings.errors import UsageError, did_you_mean
from infra.engines.contract import Engine

ENGINES = {
    "process": "infra.engines.process.engine:ProcessEngine",
    "docker": "infra.engines.docker.engine:DockerEngine",
    "kubernetes": "infra.engines.kubernetes.engine:KubernetesEngine",
}
"""Each is a class that fulfils `Engine`; it is imported, with all that it needs, when it is asked for."""


def engine_for(settings: Settings, environment: str, root: Path = Path(".")) -> Engine:
    """Return the engine of an environment; nothing is started. Raises UsageError for an environment that is not set."""
    if environment not in settings.environments:
        known = ", ".join(settings.environments)
        raise UsageError(
            f"there is no environment '{environment}'{did_you_mean(environment, settings.environments)} (known: {known})",
            "name one of these, or add it to pipeline.toml",
        )
    engine: Engine = resolve_name(ENGINES[settings.environments[environment].engine])(settings, environment, root)
    return engine


def write_manifests(folder: Path, settings: Settings, release: Release, image: Image | None) -> None:
    """Write what a Kubernetes cluster would run of a release. Raises UsageError where no environment is on one."""
    resolve_name("infra.engines.kubernetes.manifests:write")(folder, settings, release, image)
