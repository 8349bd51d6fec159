"""The objects: named for two copies in one namespace, labelled, and as Pod Security `restricted` wants them."""

from __future__ import annotations

import json

import pytest

from gateline.contracts.slots import Slot
from gateline.settings import KubernetesCluster
from infra.engines.kubernetes.names import DEPLOYMENT, LONGEST, PLAN, POOL, SLOT, Names, value
from infra.engines.kubernetes.objects import Objects
from tests.infra.engines.kubernetes.states import IMAGE, workload

NAMES = Names("tiny", "production")
CANARY = workload("b-2", 0.1, pools=("b-2", "a-1"), count=3)


def objects(**settings: object) -> Objects:
    """Return those of an environment with these settings."""
    return Objects(NAMES, KubernetesCluster.model_validate(settings), 8100)


def test_a_prefix_fits_before_every_name_and_differs_for_each_copy() -> None:
    assert NAMES.prefix == "gateline-tiny-production"
    long = [Names("a" * 40, f"production-of-the-{place}").prefix for place in ("north", "south")]
    assert all(len(prefix) <= LONGEST for prefix in long) and long[0] != long[1]


@pytest.mark.parametrize(
    ("text", "label"), [("2026.11.29+ab", "2026.11.29-ab"), ("f" * 64, "f" * 12), ("x" * 80, "x" * 63), ("a/-", "a")]
)
def test_a_text_becomes_the_value_of_a_label(text: str, label: str) -> None:
    assert value(text) == label


def test_a_deployment_names_its_image_by_digest_and_its_slot_in_its_own_labels_alone() -> None:
    body = objects().deployment(Slot.CANARY, CANARY, 3, 30.0)
    pod = body["spec"]["template"]
    assert body["metadata"]["labels"][SLOT] == "canary" and SLOT not in pod["metadata"]["labels"]
    assert body["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert pod["metadata"]["labels"][f"{POOL}a-1"] == pod["metadata"]["labels"][f"{POOL}b-2"] == "yes"
    [container] = pod["spec"]["containers"]
    assert container["image"] == IMAGE and body["spec"]["replicas"] == 3
    assert {probe: container[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe", "startupProbe")} == {
        "readinessProbe": "/health/ready", "livenessProbe": "/health/live", "startupProbe": "/health/live",
    }  # fmt: skip


def test_pods_keep_to_restricted_and_carry_no_account() -> None:
    cluster = objects(registry_login="pull", redis_url_from="redis", memory_mb=256, cpus=1.5, leave_seconds=4.2)
    pod = cluster.deployment(Slot.CANARY, CANARY, 1, 30.0)["spec"]["template"]["spec"]
    [container] = pod["containers"]
    context = container["securityContext"]
    assert context["capabilities"] == {"drop": ["ALL"]} and context["readOnlyRootFilesystem"] and context["runAsNonRoot"]
    assert not context["allowPrivilegeEscalation"] and pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False and pod["imagePullSecrets"] == [{"name": "pull"}]
    assert container["resources"]["limits"] == {"cpu": "1500m", "memory": "256Mi"}
    assert container["lifecycle"]["preStop"] == {"sleep": {"seconds": 5}}
    assert pod["terminationGracePeriodSeconds"] > 5 + CANARY.release.service.drain_seconds
    assert "token" not in json.dumps(pod), "what services keep secret is in a Secret"
    [redis] = [one for one in container["env"] if one["name"] == "GATELINE_REDIS_URL"]
    assert redis["valueFrom"] == {"secretKeyRef": {"name": "redis", "key": "url"}}


def test_the_entry_and_the_route_carry_the_plan() -> None:
    entry = objects().entry({DEPLOYMENT: "x"}, {"where": "/spec/selector"})
    assert entry["spec"]["selector"] == {DEPLOYMENT: "x"} and entry["spec"]["ports"][0]["targetPort"] == 8000
    route = objects(gateway="gateways/public", hostname="late.example.org").route([], {"where": "/spec/rules"})
    assert route["spec"]["parentRefs"] == [{"namespace": "gateways", "name": "public"}]
    assert route["spec"]["hostnames"] == ["late.example.org"]
    plans = [json.loads(one["metadata"]["annotations"][PLAN])["where"] for one in (entry, route)]
    assert plans == ["/spec/selector", "/spec/rules"]


@pytest.mark.parametrize(("gateway", "shared"), [("", "services"), ("gateways/public", "httproutes")])
def test_the_watcher_may_read_and_patch_what_it_needs_by_name(gateway: str, shared: str) -> None:
    made = {body["kind"]: body for _, body in objects(gateway=gateway).watcher_account()}
    rules = {one["resources"][0]: one for one in made["Role"]["rules"]}
    assert (rules["leases"]["verbs"], rules["leases"]["resourceNames"]) == (["get"], [NAMES.heartbeat])
    assert (rules[shared]["verbs"], rules[shared]["resourceNames"]) == (["get", "patch"], [NAMES.prefix])
    assert rules.keys() - {"leases", shared} == ({"deployments"} if gateway else set())
    program, runs = (body for _, body in objects(gateway=gateway).watcher(IMAGE, ("a", "b", "c")))
    [container] = runs["spec"]["template"]["spec"]["containers"]
    assert container["image"] == IMAGE and container["command"][-3:] == ["a", "b", "c"]
    compile(program["data"]["watcher.py"], "watcher.py", "exec")
