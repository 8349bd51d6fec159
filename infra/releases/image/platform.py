"""The platform that images are built for: that of the machines they will run on, whichever machine builds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateline.settings import Settings
from gateline.settings.errors import OutsideError, UsageError
from infra.host.docker import connect, platform_of


def platform_for(settings: Settings, say: Callable[[str], None]) -> str:
    """Return `image.platform`, else what the daemons of the environments say they run on; empty where none of them answers.

    Raises UsageError where they differ: an image for one of them would not be what was judged on the other.
    """
    return settings.image.platform or shared(_asked(settings, say))


def shared(found: Mapping[str, str]) -> str:
    """Return the one platform of all environments; empty for no environment."""
    if len(set(found.values())) > 1:
        told = ", ".join(f"{name} {platform}" for name, platform in found.items())
        raise UsageError(
            f"the environments run on several platforms: {told}; what was judged on one would not be what runs on the other",
            "name daemons of one platform (environments.<name>.docker.host), or set image.platform to build for one",
        )
    return next(iter(found.values()), "")


def _asked(settings: Settings, say: Callable[[str], None]) -> dict[str, str]:
    """Every daemon is asked once, whoever shares it."""
    hosts = {name: env.docker.host for name, env in settings.environments.items() if env.runs_containers}
    known: dict[str, str] = {}
    for host in dict.fromkeys(hosts.values()):
        try:
            client = connect(host)
            known[host] = platform_of(client)
            client.close()
        except OutsideError as error:
            names = ", ".join(name for name, at in hosts.items() if at == host)
            say(f"the platform of {names} is not known: {error.message}")
    return {name: known[host] for name, host in hosts.items() if host in known}
