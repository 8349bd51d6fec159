"""One environment's daemon, and what is on it: each part is reached when it is first asked for."""

from __future__ import annotations

import contextlib
from functools import cached_property
from ipaddress import IPv4Network
from itertools import islice
from pathlib import Path

from docker.types import IPAMConfig, IPAMPool

from gateline.settings import Settings
from infra.engines.docker.labelled_state import LabelledState
from infra.engines.docker.names import ENVIRONMENT, PROJECT, Names
from infra.engines.docker.proxy import Proxy
from infra.engines.docker.replicas import Replicas
from infra.engines.docker.view import DaemonView
from infra.host.docker import Docker, NotFound, connect, reaching
from infra.host.python_env import OURS
from infra.releases.image.building import Workshop
from infra.releases.image.proxy import proxy_image

PROXY_OFFSET, FIRST_OFFSET = 2, 10


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


def subnet_of(client: Docker, names: Names) -> IPv4Network:
    """Return the network's subnet; the network is made if it is not there.

    The daemon chooses a free subnet, and the network is made again with that one by name: only then may addresses be fixed.
    """
    with reaching():
        found = [network for network in client.networks.list(names=[names.prefix]) if network.name == names.prefix]
        if not found:
            draft = client.networks.create(names.prefix, driver="bridge")
            draft.reload()
            subnet = draft.attrs["IPAM"]["Config"][0]["Subnet"]
            draft.remove()
            pool = IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)])
            found = [client.networks.create(names.prefix, driver="bridge", ipam=pool, labels=names.labels("network"))]
            found[0].reload()
        return IPv4Network(found[0].attrs["IPAM"]["Config"][0]["Subnet"])


def proxy_address(subnet: IPv4Network) -> str:
    """Return where the proxy is."""
    return str(subnet[PROXY_OFFSET])


def free_addresses(subnet: IPv4Network, count: int, taken: set[str]) -> list[str]:
    """Return so many addresses that no replica has."""
    places = (str(subnet[offset]) for offset in range(FIRST_OFFSET, subnet.num_addresses - 1))
    return list(islice((address for address in places if address not in taken), count))


def remove(client: Docker, names: Names) -> None:
    """Remove everything of one environment; with its last environment, a project's images go as well."""
    ours = f"{PROJECT}={names.project}"
    with reaching():
        for container in client.containers.list(
            all=True, filters={"label": [ours, f"{ENVIRONMENT}={names.environment}"]}, ignore_removed=True
        ):
            with contextlib.suppress(NotFound):
                container.remove(force=True)
        for volume in (names.runtime, names.predictions):
            with contextlib.suppress(NotFound):
                client.volumes.get(volume).remove(force=True)
        for network in client.networks.list(names=[names.prefix]):
            if network.name == names.prefix:
                network.remove()
        if not client.containers.list(all=True, filters={"label": ours}, ignore_removed=True):
            _remove_images(client, names.project)


def _remove_images(client: Docker, project: str) -> None:
    for image in client.images.list(filters={"label": f"{PROJECT}={project}"}):
        client.images.remove(str(image.id), force=True)
    helpers = (f"{project}-site:", f"{project}-proxy:")
    for tag in [tag for image in client.images.list() for tag in image.tags if tag.startswith(helpers)]:
        client.images.remove(tag, force=True)
