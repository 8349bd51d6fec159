"""One environment's daemon, and what is on it: each part is reached when it is first asked for."""

from __future__ import annotations

from functools import cached_property
from ipaddress import IPv4Network
from pathlib import Path

from gateline.settings import Settings
from infra.engines.docker.labelled_state import LabelledState
from infra.engines.docker.names import Names
from infra.engines.docker.network import subnet_of
from infra.engines.docker.proxy import Proxy
from infra.engines.docker.replicas import Replicas
from infra.engines.docker.view import DaemonView
from infra.host.docker import Docker, connect
from infra.host.python_env import OURS
from infra.releases.image.building import Workshop
from infra.releases.image.proxy import proxy_image


class Daemon:
    """The connections of one engine object; `close` gives them back."""

    def __init__(self, settings: Settings, environment: str, root: Path) -> None:
        """Know where the daemon is; nothing is asked."""
        self._settings, self._root = settings, root
        self._docker = settings.environments[environment].docker
        self._names = Names(settings.project.name, environment)

    @cached_property
    def client(self) -> Docker:
        """The daemon itself."""
        return connect(self._docker.host)

    @cached_property
    def states(self) -> LabelledState:
        """What should run."""
        return LabelledState(self.client, self._names)

    @cached_property
    def replicas(self) -> Replicas:
        """The services' containers."""
        return Replicas(self.client, self._names, self._docker)

    @cached_property
    def proxy(self) -> Proxy:
        """The proxy's container."""
        return Proxy(self.client, self._names)

    @cached_property
    def pulse(self) -> Proxy:
        """A way to the proxy of its own: a heartbeat does not wait for a slow answer on the other one."""
        return Proxy(self.client, self._names)

    @cached_property
    def claims(self) -> Proxy:
        """A way of its own again: what is claimed through it is ours for as long as it is open."""
        return Proxy(self.client, self._names)

    @cached_property
    def view(self) -> DaemonView:
        """What really runs."""
        return DaemonView(self.proxy, self.replicas)

    @cached_property
    def subnet(self) -> IPv4Network:
        """The addresses of the environment's network."""
        return subnet_of(self.client, self._names)

    @cached_property
    def image(self) -> str:
        """The proxy's image, which carries the state too: that of the container that is there, whatever became of its base."""
        there = self.proxy.container()
        if there is not None:
            return str(there.attrs["Image"])
        workshop = Workshop.of(self._settings, self.client, self._docker.host, self._root)
        return proxy_image(workshop, OURS, lambda line: None)

    def close(self) -> None:
        """Give the connections back."""
        for way in (self.proxy, self.pulse, self.claims):
            way.tunnel.close()
        self.client.close()
