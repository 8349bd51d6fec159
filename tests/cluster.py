"""The Kubernetes cluster that tests use: the one that the command in $GATELINE_TEST_CLUSTER starts, else $KUBECONFIG's.

The command takes `up --node --gateway`, `down`, and `env`, which prints `export KUBECONFIG=… PATH=…`; `status` may print
JSON with the `gateway_url` that requests are sent to. Processes and sessions share one cluster; the last one stops it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from gateline.contracts.programs import Ran, run
from gateline.contracts.release import Image
from gateline.settings.errors import OutsideError
from infra.host.processes import wait_until

COMMAND, URL = "GATELINE_TEST_CLUSTER", "GATELINE_TEST_GATEWAY_URL"
START_SECONDS, ASK_SECONDS, PULL_SECONDS = 900.0, 60.0, 120.0
PARTS = (("--node", "--gateway"), ("--node",), ())
"""What is asked for, best first: a node needs root and some packages, a gateway its programs."""
NAMESPACES, ROUTED = "/api/v1/namespaces", "gateline.dev/test-at-the-gateway"


@dataclass(frozen=True)
class Cluster:
    """A cluster that answers."""

    environ: Mapping[str, str]
    """The variables that reach it: KUBECONFIG, and a PATH with a kubectl of its version."""
    nodes: tuple[str, ...]
    """The nodes that are ready; none where there is a control plane alone."""
    gateway: str
    """`namespace/name` of a Gateway that is programmed, or ''."""
    gateway_url: str
    """Where requests to it are sent."""

    def kubectl(self, *argv: str, given: str = "") -> str:
        """Run kubectl to its end, and return what it prints."""
        done = self.kubectl_ran(*argv, given=given)
        assert not done.code, "\n".join(done.said())
        return done.output

    def kubectl_ran(self, *argv: str, given: str = "") -> Ran:
        """Run kubectl to its end, and return how it ended."""
        return run(["kubectl", *argv], self.environ, seconds=ASK_SECONDS, given=given)

    def get(self, path: str) -> Any:
        """Return what the API server answers at a path."""
        return json.loads(self.kubectl("get", "--raw", path))

    def need(self, *, gateway: bool = False) -> None:
        """Skip the test by name where there is no node, or no gateway."""
        if not self.nodes:
            pytest.skip("the Kubernetes cluster has no node")
        if gateway and not self.gateway:
            pytest.skip("the Kubernetes cluster has no gateway")

    def load(self, image: Image) -> None:
        """Bring a pushed image onto every node, as it was pushed. Skips the test where the nodes are not on this machine."""
        for node in self.nodes:
            config = self.get(f"/api/v1/nodes/{node}/proxy/configz")["kubeletconfig"]
            socket = config["containerRuntimeEndpoint"].removeprefix("unix://")
            if not Path(socket).exists() or shutil.which("ctr") is None:
                pytest.skip(f"node {node} is not on this machine, or there is no ctr: no image can be brought to it")
            pull = ["ctr", "--address", socket, "--namespace", "k8s.io", "images", "pull", "--plain-http", image.pushed]
            done = run(pull, os.environ, seconds=PULL_SECONDS)
            assert not done.code, done.tail(3)

    @contextmanager
    def namespace(self, labels: Mapping[str, str] | None = None) -> Iterator[str]:
        """Yield a namespace of the test's own that takes pods; nobody waits for its end."""
        name = f"t-{uuid.uuid4().hex[:8]}"
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels or {})}}
        self.kubectl("apply", "-f", "-", given=json.dumps(made))
        account = f"{NAMESPACES}/{name}/serviceaccounts/default"
        assert wait_until(lambda: not self.kubectl_ran("get", "--raw", account).code, ASK_SECONDS)
        try:
            yield name
        finally:
            self.kubectl("delete", "namespace", name, "--wait=false")

    @contextmanager
    def at_the_gateway(self, labels: Mapping[str, str] | None = None, host: str = "") -> Iterator[str]:
        """Yield a namespace of the test's own whose routes are the only ones for a name of the Gateway, or for all others."""
        name = host or "every-other"
        alone = FileLock(Path(tempfile.gettempdir()) / f"gateline-test-gateway-{name}.lock")
        with alone, self.namespace({**(labels or {}), ROUTED: name}) as namespace:
            left = self.get(f"{NAMESPACES}?labelSelector={ROUTED}={name}")["items"]
            for other in {one["metadata"]["name"] for one in left} - {namespace}:  # of a test that was killed
                self.kubectl("delete", "httproutes", "--all", "-n", other)
            try:
                yield namespace
            finally:
                self.kubectl("delete", "httproutes", "--all", "-n", namespace)


@contextmanager
def connected() -> Iterator[Cluster]:
    """Yield the cluster for as long as it is needed. Skips the test where none is named."""
    command = shlex.split(os.environ.get(COMMAND, ""))
    if not command and "KUBECONFIG" not in os.environ:
        pytest.skip(f"no Kubernetes cluster: neither {COMMAND} nor KUBECONFIG is set")
    if not command:
        yield reached(os.environ, os.environ.get(URL, ""))
        return
    folder = Path(tempfile.gettempdir()) / f"gateline-{os.getuid()}-cluster"
    folder.mkdir(mode=0o700, exist_ok=True)
    ours, one_at_a_time = folder / "started-by-tests", FileLock(folder / "changing.lock")
    with (folder / "users").open("w") as users:
        with one_at_a_time:
            fcntl.flock(users, fcntl.LOCK_SH)
            if not answers(there := variables(command)):
                started(command)
                ours.touch()
                there = variables(command)
        try:
            yield reached(there, gateway_url(command))
        finally:
            with one_at_a_time:
                if ours.exists() and is_last(users.fileno()):
                    run([*command, "down"], os.environ, seconds=START_SECONDS)
                    ours.unlink()


def started(command: Sequence[str]) -> None:
    """Start a cluster with as many parts as it can have here. Raises OutsideError with what the command says."""
    for parts in PARTS:
        done = run([*command, "up", *parts], os.environ, seconds=START_SECONDS)
        if not done.code:
            return
    raise OutsideError(f"{' '.join(command)} up starts no cluster:\n{done.tail(10)}", f"correct or unset {COMMAND}")


def variables(command: Sequence[str]) -> dict[str, str]:
    """Return the variables that reach a cluster, as its command prints them."""
    words = shlex.split(run([*command, "env"], os.environ, seconds=ASK_SECONDS).output)
    given = dict(word.split("=", 1) for word in words if "=" in word)
    return {**os.environ, **given, "PATH": given.get("PATH", "$PATH").replace("$PATH", os.environ["PATH"])}


def answers(environ: Mapping[str, str]) -> bool:
    """Say whether a cluster's API server answers."""
    kubectl = shutil.which("kubectl", path=environ["PATH"])
    there = kubectl is not None and Path(environ.get("KUBECONFIG", "")).is_file()
    return there and not run([str(kubectl), "get", "--raw", "/readyz"], environ, seconds=ASK_SECONDS).code


def reached(environ: Mapping[str, str], url: str) -> Cluster:
    """Return a cluster that answers, with what it has."""
    bare = Cluster(environ, (), "", "")
    ready = tuple(node["metadata"]["name"] for node in bare.get("/api/v1/nodes")["items"] if is_(node, "Ready"))
    gateways = bare.kubectl_ran("get", "gateways.gateway.networking.k8s.io", "--all-namespaces", "--output=json")
    found = json.loads(gateways.output)["items"] if not gateways.code else []
    names = [f"{one['metadata']['namespace']}/{one['metadata']['name']}" for one in found if is_(one, "Programmed")]
    return Cluster(environ, ready, names[0] if names and url else "", url)


def is_(thing: Mapping[str, Any], condition: str) -> bool:
    """Say whether a condition of an object is true."""
    conditions = thing.get("status", {}).get("conditions", [])
    return any(one["type"] == condition and one["status"] == "True" for one in conditions)


def gateway_url(command: Sequence[str]) -> str:
    """Return where requests to the cluster's gateway are sent; '' where its command does not say."""
    done = run([*command, "status"], os.environ, seconds=ASK_SECONDS)
    try:
        return os.environ.get(URL) or str(json.loads(done.output).get("gateway_url", ""))
    except ValueError:
        return ""


def is_last(users: int) -> bool:
    """Say whether no other process holds the file that each one that uses the cluster holds."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
