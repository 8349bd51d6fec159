"""The service containers of one environment: started hardened, kept alive by the daemon, stopped gently."""

import contextlib
import io
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from docker.types import EndpointConfig

from gateline.contracts.slots import Slot, State, WantedReplica, WantedSlot
from gateline.settings import DockerHost
from infra.engines.docker.labels import PREDICTIONS, RELEASE, REPLICA, SLOT, VERSION, Names
from infra.host.docker import CONFLICT, HARDENED, APIError, Docker, ImageNotFound, NotFound, reaching

PORT = 8000
RUNS = ("Entrypoint", "Cmd", "User", "WorkingDir")
"""What decides which program a container runs, as whom, and where it finds its code."""
LOADING = ("PYTHON", "LD_")
"""How variables begin that let Python or the loader bring in other code."""
SPARE_SECONDS = 10
FIXED = {"GATELINE_WORKERS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "GATELINE_LOG_DIR": PREDICTIONS}


class Replicas:
    """The service containers on one daemon."""

    def __init__(self, client: Docker, names: Names, limits: DockerHost) -> None:
        """Keep the daemon and what a container may use."""
        self._client, self._names, self._limits = client, names, limits

    def found(self) -> dict[str, Any]:
        """Return the containers by the replica's name, running or not."""
        with reaching():
            listed = self._client.containers.list(all=True, filters=self._names.filters("service"), ignore_removed=True)
        return {container.labels[REPLICA]: container for container in listed}

    def start(self, state: State, found: Mapping[str, Any], refused: Collection[Slot]) -> list[str]:
        """Start what the state wants and does not run, but for `refused` slots; return in words what had ended.

        `found` are the containers there are. One is started again if it is as made here; any other is
        replaced.
        """
        told = []
        for slot, wanted in state.slots.items():
            for replica in wanted.replicas if slot not in refused else ():
                container, name = found.get(replica.name), f"replica {replica.name} in slot {slot}"
                if container is not None and container.status == "running":
                    continue
                if container is not None and (wrong := self.altered(container, wanted.program)):
                    _remove(container)
                    told.append(f"{name} {wrong}; it was replaced")
                    container = None
                elif container is not None:
                    told.append(f"{name} was {container.status} and is started again")
                container = container or self._create(slot, wanted, replica)
                with reaching():
                    container.unpause() if container.status == "paused" else container.start()
        return told

    def altered(self, container: Any, program: str) -> str:
        """Return in which way a container is not one that was made here from the image `program`; '' where it is."""
        if container.attrs["Image"] != program:
            return "was a container of another image"
        try:
            with reaching():
                image = container.image.attrs["Config"]
        except ImageNotFound:
            return "was a container of an image that is gone"
        config, host = container.attrs["Config"], container.attrs["HostConfig"]
        if any((config.get(what) or None) != (image.get(what) or None) for what in RUNS):
            return "was a container that runs something else than its image says"
        if {line for line in config.get("Env") or () if line.startswith(LOADING)} - {*(image.get("Env") or ())}:
            return "was a container whose variables bring in other code"
        mounted = [*(host.get("Binds") or ()), *(str(mount) for mount in host.get("Mounts") or ())]
        if host.get("Privileged") or host.get("CapAdd") or mounted != [f"{self._names.predictions}:{PREDICTIONS}:rw"]:
            return "was a container with other rights or folders"
        return ""

    def restart(self, name: str) -> None:
        """End a replica at once, and start it again."""
        with reaching():
            self._client.containers.get(self._names.replica(name)).restart(timeout=0)

    def stop(self, names: Collection[str], seconds: float) -> None:
        """Ask replicas to finish what they do, end them after `seconds`, and remove their containers."""
        leaving = [container for name, container in self.found().items() if name in names]
        _together(leaving, seconds)
        for container in leaving:
            _remove(container)

    def halt(self, seconds: float) -> None:
        """Stop every replica at once, gently; their containers stay, and come back with `start`."""
        _together([container for container in self.found().values() if container.status == "running"], seconds)

    def predictions(self) -> Iterator[str]:
        """Yield every line of the prediction logs: read through any replica, running or not, as they are sent."""
        container = next(iter(self.found().values()), None)
        if container is None:
            return
        with reaching():
            chunks, _ = container.get_archive(PREDICTIONS)
            with tarfile.open(fileobj=io.BufferedReader(_Stream(chunks)), mode="r|") as archive:
                for member in archive:
                    stream = archive.extractfile(member)
                    if stream is not None and member.name.endswith(".jsonl"):
                        yield from (line.decode(errors="replace") for line in stream)

    def _create(self, slot: Slot, wanted: WantedSlot, replica: WantedReplica) -> Any:
        release = wanted.release
        about = {REPLICA: replica.name, SLOT: str(slot), RELEASE: release.digest, VERSION: release.version}
        with reaching():
            return self._client.containers.create(
                wanted.program,
                name=self._names.replica(replica.name),
                labels=self._names.labels("service", about),
                environment={**wanted.variables, **FIXED},
                network=self._names.prefix,
                networking_config={self._names.prefix: address(self._client, replica.host)},
                volumes={self._names.predictions: {"bind": PREDICTIONS, "mode": "rw"}},
                mem_limit=f"{self._limits.memory_mb}m",
                nano_cpus=int(self._limits.cpus * 1e9),
                **HARDENED,
            )


class _Stream(io.RawIOBase):
    """The chunks of an answer as something to read from: logs of many days are never held whole."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self._rest = iter(chunks), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._chunks, b"")
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _remove(container: Any) -> None:
    """Another command may be removing it already."""
    try:
        container.remove(force=True)
    except NotFound:
        return
    except APIError as error:
        if error.status_code != CONFLICT:
            with reaching():
                raise


def _together(containers: Sequence[Any], seconds: float) -> None:
    """Stop containers at the same time: each may take long to finish its requests."""

    def stop(container: Any) -> None:
        with contextlib.suppress(NotFound):
            container.stop(timeout=int(seconds) + 1)

    with reaching(), ThreadPoolExecutor(max(1, len(containers))) as pool:
        list(pool.map(stop, containers))


def address(client: Docker, host: str) -> EndpointConfig:
    """Return a place in the network that a container keeps when it is started again."""
    return client.api.create_endpoint_config(ipv4_address=host)
