"""The network of one environment: a subnet of its own, in which every container keeps its address when it is started again."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import islice

from docker.types import IPAMConfig, IPAMPool

from infra.engines.docker.names import Names
from infra.host.docker import Docker, reaching

PROXY_OFFSET, FIRST_OFFSET = 2, 10


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
