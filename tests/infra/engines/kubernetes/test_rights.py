"""The account of the commands: it may do what is listed and nothing else, all of which the engine does, and nothing more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateline.contracts.slots import Slot
from gateline.settings import KubernetesCluster
from infra.engines.kubernetes.api import Api
from infra.engines.kubernetes.around import RIGHTS, Around
from infra.engines.kubernetes.names import Names
from tests.cluster import Cluster
from tests.infra.engines.kubernetes.conftest import KubernetesEnvironment

Right = tuple[str, str, str]
"""API group, resource and verb."""
PATH = re.compile(r"/(?:api/v1|apis/([^/]+)/[^/]+)/namespaces(?:/[^/]+/([a-z]+)(?:/([^/]+))?(?:/([a-z]+))?)?")
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
PROXIED = {("", "pods/proxy", "get"), ("", "pods/proxy", "create")}
BY_KUBECTL = {("", "pods", "get"), ("", "pods/exec", "get"), ("", "pods/exec", "create")}
"""Of `kubectl exec`, which asks on its own."""
AFTER_A_CRASH = {("", "events", "list")}
LISTED = {(group, resource, verb) for group, resource, verbs in RIGHTS for verb in verbs}


def test_the_page_lists_the_rights_as_they_are() -> None:
    page = Path("docs/kubernetes.md").read_text(encoding="utf-8")
    rows = [f"| {group or '–'} | `{resource}` | {', '.join(verbs)} |" for group, resource, verbs in RIGHTS]
    assert "\n".join(rows) + "\n\n" in page


@pytest.mark.slow
def test_it_may_do_what_is_listed_and_nothing_else(cluster: Cluster) -> None:
    with cluster.namespace() as namespace:
        account = granted(cluster, Around(Names("tiny", "production"), KubernetesCluster(namespace=namespace)), namespace)
        assert may(cluster, f"system:serviceaccount:{namespace}:{account}", namespace) == LISTED
        assert may(cluster, f"system:serviceaccount:{namespace}:{account}", "default") == set()


def granted(cluster: Cluster, around: Around, namespace: str) -> str:
    """Give the account of the commands its rights; return its name."""
    cluster.kubectl("apply", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": around.rights()}))
    return around.commands


@pytest.fixture
def account(environment: KubernetesEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process ask the cluster as the account of the commands."""
    cluster, config = environment.cluster, environment.root / "kubeconfig"
    name = granted(cluster, Around(environment.names, environment.where), environment.namespace)
    token = cluster.kubectl("create", "token", name, "-n", environment.namespace)
    about = json.loads(cluster.kubectl("config", "view", "--minify", "--raw", "-o", "json"))
    about["users"] = [{"name": about["contexts"][0]["context"]["user"], "user": {"token": token.strip()}}]
    config.write_text(json.dumps(about))
    monkeypatch.setenv("KUBECONFIG", str(config))


@pytest.mark.slow
def test_all_that_is_listed_is_done_and_nothing_else(
    environment: KubernetesEnvironment, account: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: set[Right] = set()
    monkeypatch.setattr(Api, "ask", recorded(Api.ask, done))
    engine = environment.engine
    assert engine.claim("a test") == ""
    environment.serving(replicas=1, log=True)
    environment.canary()
    engine.guard(Slot.CANARY, True)
    engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})
    engine.beat()
    assert engine.metrics(Slot.CANARY).releases and engine.drift_counts(Slot.STABLE)
    with engine.client(f"http://{engine.status().slots[Slot.STABLE].replicas[0].address}", 10.0) as client:
        client.post("/predict", content=b"{}").raise_for_status()
    assert [*engine.predictions()] and engine.logs(5)
    engine.set_shares({Slot.STABLE: 1.0})
    engine.guard(Slot.CANARY, False)
    engine.stop(Slot.CANARY)
    assert all(check.holds for check in engine.evidence(Slot.STABLE))
    engine.unclaim()
    engine.remove()
    assert done | PROXIED | BY_KUBECTL | AFTER_A_CRASH == LISTED


def recorded(ask: Callable[..., httpx.Response], done: set[Right]) -> Callable[..., httpx.Response]:
    """Return `ask`, which also notes the right that each request needs."""

    def asked(self: Api, method: str, path: str, *rest: Any, **more: Any) -> httpx.Response:
        found = PATH.match(path)
        assert found is not None, path
        group, resource, name, part = found.groups()
        verb = VERBS.get(method) or ("get" if name or not resource else "list")
        done.add((group or "", "/".join(filter(None, (resource or "namespaces", part))), verb))
        if "apply-patch" in str((*rest, more)):
            done.add((group or "", resource, "create"))
        return ask(self, method, path, *rest, **more)

    return asked


def may(cluster: Cluster, account: str, namespace: str) -> set[Right]:
    """Return what an account may do in a namespace, but for asking what it may do."""
    asked = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}}
    options = ("--validate=false", "--output=json", f"--as={account}")
    answer = cluster.kubectl("create", "-f", "-", *options, given=json.dumps(asked))
    found = {
        (group, resource, verb)
        for rule in json.loads(answer)["status"]["resourceRules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    return {one for one in found if one[0] not in ("authorization.k8s.io", "authentication.k8s.io")}
