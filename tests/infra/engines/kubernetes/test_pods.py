"""What the API server says of pods, in words."""

from __future__ import annotations

from typing import Any

import pytest

from infra.engines.kubernetes.api import right
from infra.engines.kubernetes.pods import read, refused

POD: dict[str, Any] = {
    "metadata": {"name": "p", "uid": "u", "labels": {"gateline.dev/deployment": "d"}},
    "status": {
        "podIP": "10.0.0.7",
        "conditions": [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True"}],
        "containerStatuses": [
            {"name": "service", "restartCount": 2, "imageID": "r/x@sha256:aa", "state": {"running": {"startedAt": "now"}}}
        ],
    },
}  # fmt: skip


def test_a_pod_that_serves() -> None:
    pod = read(POD)
    assert (pod.name, pod.deployment, pod.ready, pod.leaving, pod.told) == ("p", "d", True, False, "")
    assert (pod.life.id, pod.life.alive, pod.life.restarts, pod.image) == ("u 2", True, 2, "r/x@sha256:aa")
    assert pod.replica.address == "p:8000"


def test_a_pod_on_its_way_out_is_neither_ready_nor_alive() -> None:
    pod = read(POD | {"metadata": POD["metadata"] | {"deletionTimestamp": "now"}})
    assert pod.leaving and not pod.ready and not pod.life.alive


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (
            {"containerStatuses": [{"name": "service", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "x"}}}]},
            "ImagePullBackOff: x",
        ),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]},
            "Unschedulable: 0/1 nodes",
        ),
        ({}, ""),
    ],
)  # fmt: skip
def test_what_keeps_a_pod_from_running_is_told(status: dict[str, Any], told: str) -> None:
    assert read(POD | {"status": status}).told == told


@pytest.mark.parametrize(
    ("message", "hopeless"),
    [('secret "x" not found', True), ("failed to sync secret cache: timed out waiting for the condition", False)],
)
def test_what_a_busy_node_has_not_read_yet_is_waited_for(message: str, hopeless: bool) -> None:
    waiting = {"waiting": {"reason": "CreateContainerConfigError", "message": message}}
    pod = read(POD | {"status": {"containerStatuses": [{"name": "service", "state": waiting}]}})
    assert pod.hopeless == hopeless and pod.told == f"CreateContainerConfigError: {message}"


def test_why_there_are_no_pods_is_told() -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: small"}
    assert refused({"status": {"conditions": [failure]}}) == "exceeded quota: small"
    assert refused({"status": {"conditions": [{"type": "Available", "status": "False"}]}}) == refused({}) == ""


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", "/api/v1/namespaces/n/secrets/s", "apiGroups [''], resources ['secrets'], verbs ['get']"),
        ("GET", "/api/v1/namespaces/n/pods?labelSelector=a", "apiGroups [''], resources ['pods'], verbs ['list']"),
        ("GET", "/api/v1/namespaces/n/pods/p/log?tailLines=1", "apiGroups [''], resources ['pods/log'], verbs ['get']"),
        ("PATCH", "/apis/apps/v1/namespaces/n/replicas/d?x", "apiGroups ['apps'], resources ['replicas'], verbs ['patch']"),
        ("POST", "/apis/apps/v1/namespaces/n/replicas", "apiGroups ['apps'], resources ['replicas'], verbs ['create']"),
        ("GET", "/api/v1/namespaces/n", "apiGroups [''], resources ['namespaces'], verbs ['get']"),
    ],
)
def test_the_right_that_is_missing_is_named(method: str, path: str, said: str) -> None:
    assert right(method, path) == said
