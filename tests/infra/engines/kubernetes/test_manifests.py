"""The kustomize folders: what they hold, that the API's schemas and a real API server take it, and that it serves."""

from __future__ import annotations

import copy
import json
import os
import shutil
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate.utils as validator
import pytest
import yaml

from gateline.contracts.programs import run
from gateline.contracts.release import Image
from gateline.settings import Settings
from gateline.settings.errors import UsageError
from infra.engines.kubernetes import manifests
from infra.host.processes import wait_until
from tests.cluster import Cluster
from tests.infra import bundles
from tests.infra.engines.kubernetes.conftest import RESTRICTED, KubernetesEnvironment

Objects = dict[str, dict[str, Any]]
VERSIONS = sorted({*validator.all_versions()}, key=lambda version: [int(part) for part in version.split(".")])[-3:]
"""The three newest releases that the validator has schemas of."""
NAME = "gateline-tiny-production-release"
CLUSTER = {
    "namespace": "ml", "gateway": "gateways/public", "hostname": "late.example.org", "max_replicas": 4,
    "registry_login": "pull", "redis_url_from": "redis",
}  # fmt: skip
EVERY = {"overlays/staging", "overlays/production", "access/staging", "access/production"}
NO_SCHEMA = {"HTTPRoute"}
"""What the API server has no schema of by itself: the Gateway's definitions bring it."""


def settings(**cluster: Any) -> Settings:
    """Return the settings of a project with two environments on a cluster and one that is on none."""
    environments = {
        "staging": {"engine": "kubernetes", "port": 8101, "kubernetes": {"namespace": "staging"}},
        "production": {"engine": "kubernetes", "port": 8100, "replicas": 2, "kubernetes": CLUSTER | cluster},
        "laptop": {"port": 8102},
    }
    about = {"project": {"name": "tiny"}, "data": {"target": "y"}, "environments": environments}
    return Settings.model_validate(about)


def image(pushed: str = f"registry.example.org/team/tiny@sha256:{'a' * 64}") -> Image:
    """Return the record of an image."""
    return Image(
        release="", platform="linux/amd64", id=f"sha256:{'1' * 64}", files="", base="", base_id="", dockerfile="", tags=(),
        builder="", size=1, base_size=1, created="", pushed=pushed,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folders as they are written."""
    return written(tmp_path, settings())


def written(root: Path, about: Settings) -> Path:
    """Write the folders of a release of these settings."""
    release = bundles.make(root / "bundle", "1")
    manifests.write(root / "cluster", about, release, image())
    return root / "cluster"


def kustomized(folder: Path) -> Objects:
    """Return the objects of a kustomize folder by kind and name, as kubectl makes them."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl")
    done = run(["kubectl", "kustomize", str(folder)], os.environ, seconds=30.0)
    assert not done.code, done.said()
    return {f"{one['kind']} {one['metadata']['name']}": one for one in yaml.safe_load_all(done.output)}


def test_what_is_written(folder: Path) -> None:
    found = {path.parent.relative_to(folder).as_posix() for path in folder.rglob(manifests.KUSTOMIZATION)}
    assert found == {"base", *EVERY}
    assert all(path.read_text().startswith(manifests.HEAD) for path in folder.rglob("*.yaml"))


def test_an_overlay_holds_the_release_and_the_numbers_of_its_environment(folder: Path) -> None:
    found = kustomized(folder / "overlays/production")
    kinds = ("Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "HTTPRoute")
    assert {*found} == {"Namespace ml", *(f"{kind} {NAME}" for kind in kinds)}
    spec = found[f"Deployment {NAME}"]["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == image().pushed and pod["imagePullSecrets"] == [{"name": "pull"}]
    assert {"name": "GATELINE_REDIS_URL", "valueFrom": {"secretKeyRef": {"name": "redis", "key": "url"}}} in container["env"]
    assert container["envFrom"] == [{"secretRef": {"name": NAME, "optional": True}}]
    scaler = found[f"HorizontalPodAutoscaler {NAME}"]["spec"]
    assert "replicas" not in spec, "or Argo CD would take back what the autoscaler gives"
    assert (scaler["minReplicas"], scaler["maxReplicas"], scaler["scaleTargetRef"]["name"]) == (2, 4, NAME)
    staging = kustomized(folder / "overlays/staging")
    (deployment,) = (one for name, one in staging.items() if name.startswith("Deployment"))
    assert deployment["spec"]["replicas"] == 1 and not any("Autoscaler" in name or "HTTPRoute" in name for name in staging)
    assert "REDIS" not in json.dumps(staging) and "imagePullSecrets" not in json.dumps(staging)


def test_everything_selects_the_pods_of_its_own_environment_and_the_route_names_the_service(folder: Path) -> None:
    found = kustomized(folder / "overlays/production")
    pods = found[f"Deployment {NAME}"]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        found[f"Deployment {NAME}"]["spec"]["selector"]["matchLabels"],
        found[f"Service {NAME}"]["spec"]["selector"],
        found[f"PodDisruptionBudget {NAME}"]["spec"]["selector"]["matchLabels"],
        found[f"NetworkPolicy {NAME}"]["spec"]["podSelector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector.items() <= pods.items() and selector["gateline.dev/environment"] == "production"
    assert pods["gateline.dev/part"] == "service", "docs/monitoring.md finds them by it"
    (backend,) = found[f"HTTPRoute {NAME}"]["spec"]["rules"][0]["backendRefs"]
    (port,) = found[f"Service {NAME}"]["spec"]["ports"]
    assert (backend["name"], backend["port"]) == (NAME, port["port"])
    hosts = next(one["value"] for one in _container(found)["env"] if one["name"] == "GATELINE_HOSTS").split(",")
    assert {"late.example.org", NAME, f"{NAME}.ml.svc.cluster.local"} <= {*hosts}


def test_the_schemas_of_the_newest_releases_take_all_of_it(folder: Path) -> None:
    found = [one for name in EVERY for one in kustomized(folder / name).values() if one["kind"] not in NO_SCHEMA]
    wrong = copy.deepcopy(next(one for one in found if one["kind"] == "Deployment"))
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    for version in VERSIONS:
        assert {validator.validate(one, version, strict=True) for one in found} == {validator.major_minor(version)}
        with pytest.raises(validator.ValidationError, match="readynessProbe"):
            validator.validate(wrong, version, strict=True)
    assert len(VERSIONS) == 3


def test_what_a_team_adds_stays_and_what_is_ours_is_written_again(folder: Path) -> None:
    theirs, ours = folder / "overlays/ours/kustomization.yaml", folder / "base/objects.yaml"
    theirs.parent.mkdir()
    theirs.write_text("resources: [../production]\nnameSuffix: -blue\n")
    before = ours.read_text()
    ours.write_text("changed")
    again = bundles.make(folder.parent / "again", "1")
    manifests.write(folder, settings(), again, image())
    assert ours.read_text() == before
    assert f"Deployment {NAME}-blue" in kustomized(theirs.parent)


@pytest.mark.parametrize(
    ("about", "made", "said"),
    [
        (settings(), None, "was not pushed"),
        (settings(), image(""), "was not pushed"),
        (settings().model_copy(update={"environments": {"laptop": settings().environments["laptop"]}}), image(), "no environ"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path: Path, about: Settings, made: Image | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        manifests.files(about, bundles.make(tmp_path / "bundle"), made)


def test_a_namespace_of_others_is_left_alone(tmp_path: Path) -> None:
    folder = written(tmp_path, settings(namespace="default"))
    assert not any("Namespace" in name for part in ("overlays", "access") for name in kustomized(folder / part / "production"))


@pytest.mark.slow
def test_a_real_api_server_takes_all_of_it_and_refuses_a_pod_with_more_rights(tmp_path: Path, cluster: Cluster) -> None:
    with cluster.namespace(RESTRICTED) as namespace:
        folder = written(tmp_path, settings(namespace=namespace, gateway=cluster.gateway))
        for part in ("overlays", "access"):
            said = cluster.kubectl_ran("apply", "--dry-run=server", "-k", str(folder / part / "production"))
            assert not said.code and "Warning" not in said.errors, said.said()
        template = kustomized(folder / "overlays/production")[f"Deployment {NAME}"]["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": template["spec"]}
        assert not _dry_run(cluster, namespace, pod).code
        pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
        assert any('violates PodSecurity "restricted' in line for line in _dry_run(cluster, namespace, pod).said())


@pytest.mark.slow
def test_an_overlay_that_is_applied_serves_the_release(environment: KubernetesEnvironment) -> None:
    release, cluster = environment.built("1"), environment.cluster
    (made,) = environment.releases.images(release.digest)
    manifests.write(environment.root / "cluster", environment.settings, release, made)
    cluster.kubectl("apply", "-k", str(environment.root / "cluster/overlays/production"))
    name, there = f"gateline-{environment.name}-production-release", f"--namespace={environment.namespace}"
    cluster.kubectl("rollout", "status", f"deployment/{name}", there, "--timeout=55s")
    address = cluster.kubectl("get", "service", name, there, "-o", "jsonpath={.spec.clusterIP}")
    assert wait_until(lambda: answered(address) == release.digest, 30)


def answered(address: str) -> str:
    """Return which release answers a request at an address; '' where none does."""
    try:
        return str(httpx.post(f"http://{address}/predict", content=b"{}", timeout=2.0).headers.get("x-gateline-release", ""))
    except httpx.HTTPError:
        return ""


def _dry_run(cluster: Cluster, namespace: str, pod: dict[str, Any]) -> Any:
    return cluster.kubectl_ran("create", "--dry-run=server", "-n", namespace, "-f", "-", given=json.dumps(pod))


def _container(found: Objects) -> dict[str, Any]:
    (container,) = found[f"Deployment {NAME}"]["spec"]["template"]["spec"]["containers"]
    return dict(container)
