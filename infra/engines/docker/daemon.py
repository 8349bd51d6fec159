"""What an environment has on its daemon besides containers: a network, and the images of releases, brought there as they
were tested, kept for rollbacks, removed when they are old.
"""

import contextlib
import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from ipaddress import IPv4Network
from itertools import islice
from pathlib import PurePosixPath

from docker.types import IPAMConfig, IPAMPool

from gateline.contracts.digest import belongs
from gateline.contracts.release import Image, Release
from gateline.registry.releases import Releases
from gateline.settings.errors import GateRefused, UsageError
from infra.engines.docker.labels import ENVIRONMENT, PART, PROJECT, RECORD, RELEASE, STATE, Names
from infra.host.docker import APIError, Docker, ImageNotFound, NotFound, connect, images, platform_of, reaching

FILES = "/opt/gateline/release"
PROXY_OFFSET, FIRST_OFFSET = 2, 10
"""Where in the network the proxy is, and from where on replicas are."""


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


def free_addresses(subnet: IPv4Network, count: int, taken: set[str]) -> list[str]:
    """Return so many addresses that no replica has."""
    addresses = (str(subnet[offset]) for offset in range(FIRST_OFFSET, subnet.num_addresses - 1))
    return list(islice((address for address in addresses if address not in taken), count))


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
            left = [str(image.id) for image in images(client, label=ours)]
            helpers = (f"{names.project}-site:", f"{names.project}-proxy:")
            left += [tag for image in images(client) for tag in image.tags if tag.startswith(helpers)]
            for image in left:
                with contextlib.suppress(ImageNotFound):
                    client.images.remove(image, force=True)


def bring(client: Docker, releases: Releases, release: Release) -> str:
    """Return the id of a release's recorded image, brought onto the daemon if it is not there.

    It is pulled by digest where it was pushed, else copied from the daemon that built it. Raises UsageError where there is
    none, GateRefused (rule `digest`) if something else comes.
    """
    platform = platform_of(client)
    image = releases.image(release.digest, platform)
    if image is None:
        raise UsageError(
            f"{release.name} has no image for {platform}", "invoke build, then run the stages that judge it"
        )
    if not present(client, image.id):
        if image.pushed:
            with reaching():
                client.images.pull(image.pushed)
        else:
            _copy(client, image, release)
    if not present(client, image.id):
        raise GateRefused(
            f"what came for {release.name} is not the image that was built and tested ({image.id[7:19]})",
            "build it again, and let the stages judge it: invoke build", rule="digest",
        )
    return image.id


def present(client: Docker, image: str) -> bool:
    """Say whether the daemon has an image of this id."""
    try:
        with reaching():
            return bool(image) and client.images.get(image).id == image
    except ImageNotFound:
        return False


def kept(client: Docker, project: str, programs: Mapping[str, str]) -> list[Release]:
    """Return the releases of `programs` (image id by digest) whose images are on the daemon, oldest first."""
    with reaching():
        listed = images(client, label=f"{PROJECT}={project}")
    labels = {image.id: image.labels for image in listed}
    found = [Release.model_validate_json(labels[image][RECORD]) for image in programs.values() if image in labels]
    return sorted(found, key=lambda release: release.created)


def bundle_in(client: Docker, image: str) -> bytes:
    """Return the bundle inside an image as an archive like the one it was built from. Nothing is started."""
    with reaching():
        container = client.containers.create(image, network_disabled=True)
        try:
            chunks, _ = container.get_archive(FILES)
            content = b"".join(chunks)
        finally:
            container.remove(force=True)
    return _repacked(content)


def prune(client: Docker, project: str, keep: set[str]) -> None:
    """Remove the images of a project's releases that no environment on the daemon may go back to."""
    with reaching():
        carriers = client.containers.list(
            all=True, filters={"label": [f"{PROJECT}={project}", f"{PART}=state"]}, ignore_removed=True
        )
        for carrier in carriers:
            keep = keep | set(json.loads(carrier.labels[STATE]).get("programs", {}).values())
        for image in images(client, label=[f"{PROJECT}={project}", RELEASE]):
            # One that was just built and not deployed yet is tagged `latest`, and stays. One that a container still uses
            # cannot be removed: the next deploy tries again.
            if image.id not in keep and not any(tag.endswith(":latest") for tag in image.tags):
                with contextlib.suppress(APIError):
                    client.images.remove(str(image.id), force=True)


def _copy(client: Docker, image: Image, release: Release) -> None:
    built = connect("")
    if not present(built, image.id):
        raise UsageError(
            f"the image of {release.name} is neither on the daemon of this machine nor pushed",
            "invoke build, or invoke build --push",
        )
    with reaching():
        client.images.load(built.images.get(image.id).save(named=True))  # type: ignore[arg-type]  # a stream will do


def _repacked(content: bytes) -> bytes:
    """Return the files below `release/`, without what the image's build compiled."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(content)) as members,
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped,
    ):
        with tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for member in members:
                path = PurePosixPath(*PurePosixPath(member.name).parts[1:])
                if member.isfile() and belongs(path):
                    member.name = str(path)
                    archive.addfile(member, members.extractfile(member))
    return packed.getvalue()
