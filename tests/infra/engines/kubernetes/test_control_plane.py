"""The engine on a real API server, where no pod need run: state, lock, traffic's one object, and refusals with reasons."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateline.contracts.digest import of_bytes
from gateline.contracts.release import Image, Release
from gateline.contracts.slots import Slot
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.settings import Settings
from gateline.settings.errors import OutsideError, UsageError
from infra.engines.kubernetes import lock
from infra.engines.kubernetes.engine import KubernetesEngine
from infra.engines.kubernetes.names import DEPLOYMENT, POOL, SLOT
from tests.cluster import Cluster
from tests.infra import bundles

PREFIX = "gateline-tiny-production"


class Plane:
    """An environment whose pods need not run."""

    def __init__(self, root: Path, cluster: Cluster, namespace: str) -> None:
        """Nothing is made."""
        self.root, self.cluster, self.namespace = root, cluster, namespace
        self._made, self._engines = 0, list[KubernetesEngine]()
        self.engine = self.another()

    def another(self, **kubernetes: object) -> KubernetesEngine:
        """Return another engine object, as the next command makes one."""
        where = {"namespace": self.namespace, "leave_seconds": 0.0} | kubernetes
        self.settings = Settings.model_validate({
            "project": {"name": "tiny"},
            "data": {"target": "y"},
            "registry": {"url": str(self.root / "registry")},
            "environments": {"production": {"port": 8100, "replicas": 2, "engine": "kubernetes", "kubernetes": where}},
        })  # fmt: skip
        self._engines.append(KubernetesEngine(self.settings, "production", self.root))
        return self._engines[-1]

    def fetched(self, version: str, pushed: str = "127.0.0.1:1/team/tiny") -> Release:
        """Return a release whose image is nowhere."""
        self._made += 1
        release, archive = bundles.packed(self.root / f"bundle-{self._made}", version, project="tiny")
        releases = Releases(Store.of(self.settings))
        releases.add(release, archive)
        digest = of_bytes(version.encode())
        releases.add_image(Image(
            release=release.digest, platform="linux/amd64", id=f"sha256:{digest}", files="", base="", base_id="",
            dockerfile="", tags=("tiny:1",), builder="", size=1, base_size=1, created="",
            pushed=pushed and f"{pushed}@sha256:{digest}",
        ))  # fmt: skip
        self.engine.fetch(release, archive)
        return release

    def got(self, kind: str, name: str) -> dict[str, object]:
        """Return an object as kubectl shows it."""
        found: dict[str, object] = json.loads(self.cluster.kubectl("get", kind, name, "-n", self.namespace, "-o", "json"))
        return found

    def close(self) -> None:
        """End what its engines started."""
        for engine in self._engines:
            engine.close()


@pytest.fixture
def plane(tmp_path: Path, cluster: Cluster) -> Iterator[Plane]:
    """An environment in a namespace of its own."""
    with cluster.namespace() as namespace:
        found = Plane(tmp_path, cluster, namespace)
        yield found
        found.close()


def test_the_state_is_read_by_the_next_command_and_two_changes_at_once_are_both_made(plane: Plane) -> None:
    assert plane.engine.status().slots == {} and not plane.engine.status().proxy_alive
    assert plane.engine.up() == [] == plane.engine.up()
    others = [plane.another() for _ in range(4)]
    changing = [
        threading.Thread(target=other.notes.write, args=(f"spool/{number}", "{}")) for number, other in enumerate(others)
    ]
    for thread in changing:
        thread.start()
    for thread in changing:
        thread.join()
    assert plane.engine.notes.names("spool/") == [f"spool/{number}" for number in range(4)]
    assert plane.engine.status().proxy_alive


def test_a_slot_is_a_label_and_traffic_is_one_selector(plane: Plane) -> None:
    plane.engine.up()
    first, second = plane.fetched("1"), plane.fetched("2")
    plane.engine.start(Slot.STABLE, first, 2)
    plane.engine.set_shares({Slot.STABLE: 1.0})
    plane.engine.start(Slot.CANARY, second, 1)
    stable, canary = (f"{PREFIX}-{one.digest[:8]}-{number}" for one, number in ((first, 1), (second, 3)))
    made = plane.got("deployment", canary)
    assert plane.got("service", PREFIX)["spec"]["selector"][DEPLOYMENT] == stable  # type: ignore[index]
    plane.engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})
    chosen = plane.got("service", PREFIX)["spec"]["selector"]  # type: ignore[index]
    assert f"{POOL}{first.digest[:8]}-1" in chosen and DEPLOYMENT not in chosen
    plane.engine.set_shares({Slot.CANARY: 1.0})
    plane.engine.move(Slot.STABLE, Slot.PREVIOUS)
    plane.engine.move(Slot.CANARY, Slot.STABLE)
    moved = plane.got("deployment", canary)
    assert moved["metadata"]["labels"][SLOT] == "stable"  # type: ignore[index]
    assert moved["spec"]["template"] == made["spec"]["template"], "no pod is started again"  # type: ignore[index]
    assert plane.got("service", PREFIX)["spec"]["selector"][DEPLOYMENT] == canary  # type: ignore[index]
    plane.engine.stop(Slot.PREVIOUS)
    assert plane.cluster.kubectl_ran("get", "deployment", stable, "-n", plane.namespace).code


def test_the_versions_are_those_that_the_cluster_gives_and_change_with_the_traffic(plane: Plane) -> None:
    assert plane.engine.versions() == {}
    plane.engine.up()
    release = plane.fetched("1")
    plane.engine.start(Slot.STABLE, release, 1)
    before = plane.engine.versions()
    plane.engine.set_shares({Slot.STABLE: 1.0})
    after, service = plane.engine.versions(), plane.got("service", PREFIX)["metadata"]
    assert {name.rpartition("/")[0] for name in after} == {"v1/secrets", "v1/services", "apps/v1/deployments"}
    shared = f"v1/services/{PREFIX}"
    assert before[shared] != after[shared] == service["resourceVersion"]  # type: ignore[index]


def test_a_preview_is_the_difference_and_changes_nothing(plane: Plane) -> None:
    plane.engine.up()
    release, second = plane.fetched("1"), plane.fetched("2")
    shared = f"Service/{PREFIX}"
    added = plane.engine.preview(release, 2)
    assert "--- (not there)\n+++ Deployment/" in added and f"--- {shared}\n+++ {shared}\n" in added
    plane.engine.start(Slot.STABLE, release, 2)
    plane.engine.set_shares({Slot.STABLE: 1.0})
    before = plane.engine.versions()
    changed = plane.engine.preview(second, 3).splitlines()
    for text in ("-  replicas: 2", "+  replicas: 3", f"-    {DEPLOYMENT}: {PREFIX}-{release.digest[:8]}-1"):
        assert text in changed, changed
    images = [line for line in changed if "image: " in line]
    assert [line[0] for line in images] == ["-", "+"] and not any("resourceVersion" in line for line in changed)
    assert plane.engine.versions() == before


def test_a_previous_that_is_kept_cold_has_no_pods_until_it_is_waited_for(plane: Plane) -> None:
    cold = plane.another(warm=False)
    plane.engine.up()
    release = plane.fetched("1")
    cold.start(Slot.STABLE, release, 2)
    cold.move(Slot.STABLE, Slot.PREVIOUS)
    name = f"{PREFIX}-{release.digest[:8]}-1"
    assert plane.got("deployment", name)["spec"]["replicas"] == 0  # type: ignore[index]
    with pytest.raises(OutsideError, match="was not ready within 0.5 s"):
        cold.wait_ready(Slot.PREVIOUS, 0.5)
    assert plane.got("deployment", name)["spec"]["replicas"] == 2  # type: ignore[index]


def test_a_number_that_an_autoscaler_chose_stays(plane: Plane) -> None:
    plane.engine.up()
    release = plane.fetched("1")
    plane.engine.start(Slot.STABLE, release, 2)
    name = f"{PREFIX}-{release.digest[:8]}-1"
    plane.cluster.kubectl("scale", "deployment", name, "--replicas=5", "-n", plane.namespace)
    plane.engine.set_shares({Slot.STABLE: 1.0})
    assert plane.got("deployment", name)["spec"]["replicas"] == 5  # type: ignore[index]
    plane.engine.start(Slot.STABLE, release, 3)
    assert plane.got("deployment", name)["spec"]["replicas"] == 3  # type: ignore[index]


def test_the_lock_is_one_commands_until_it_is_given_back_or_not_renewed(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    other = plane.another()
    assert plane.engine.claim("a deploy") == ""
    assert other.claim("a canary") == "a deploy"
    assert other.claim("a rollback", rollback=True) == "", "it waits for no other change"
    assert plane.another().claim("a second rollback", rollback=True) == "a rollback"
    plane.engine.unclaim()
    monkeypatch.setattr(lock, "HELD_SECONDS", 1)
    monkeypatch.setattr(lock, "RENEW_SECONDS", 60.0)
    assert other.claim("a canary") == ""
    assert plane.engine.claim("a deploy") == "a canary"
    time.sleep(3.1)
    assert plane.engine.claim("a deploy") == "", "its holder has not renewed it"


def test_a_process_of_this_machine_that_is_gone_holds_nothing(plane: Plane) -> None:
    about = json.dumps({"host": os.uname().nodename, "pid": 2**22 - 7, "command": "x", "who": "y", "since": "z"})
    assert plane.engine.claim(about) == ""
    assert plane.another().claim("next") == ""


def test_why_pods_are_refused_is_told_and_nothing_is_changed(plane: Plane) -> None:
    plane.engine.up()
    release = plane.fetched("1")
    plane.cluster.kubectl("create", "quota", "small", "--hard=pods=0", "-n", plane.namespace)
    plane.engine.start(Slot.STABLE, release, 1)
    with pytest.raises(OutsideError, match=r"1\+.* in slot stable of production gets no pod: .*exceeded quota: small"):
        plane.engine.wait_ready(Slot.STABLE, 20.0)


def test_another_cluster_is_refused_with_both_names(plane: Plane, cluster: Cluster) -> None:
    plane.engine.up()
    with cluster.namespace() as second, pytest.raises(UsageError, match=f"{plane.namespace} .*, and this is .*{second} "):
        plane.another(namespace=second).status()


def test_a_namespace_that_is_not_there_is_named(plane: Plane) -> None:
    with pytest.raises(OutsideError, match="no-such-one .*there is no such namespace\n  next: kubectl create"):
        plane.another(namespace="no-such-one").up()


def test_an_image_that_was_not_pushed_is_refused(plane: Plane) -> None:
    plane.engine.up()
    with pytest.raises(UsageError, match="was not pushed.*\n  next: set image.repository, then: invoke build --push"):
        plane.fetched("1", pushed="")


def test_what_serves_without_a_state_is_named_and_left_alone(plane: Plane) -> None:
    plane.engine.up()
    release = plane.fetched("1")
    plane.engine.start(Slot.STABLE, release, 1)
    plane.cluster.kubectl("delete", "secret", PREFIX, "-n", plane.namespace)
    assert f"{PREFIX}-{release.digest[:8]}-1" in plane.engine.orphaned()
    with pytest.raises(OutsideError, match="though their state .* is gone"):
        plane.another().up()
    plane.engine.down()
    assert plane.engine.orphaned() == "" and plane.another().up() == []


def test_removing_leaves_nothing(plane: Plane) -> None:
    plane.engine.up()
    plane.engine.start(Slot.STABLE, plane.fetched("1"), 1)
    plane.engine.down()
    assert plane.engine.status().slots[Slot.STABLE].replicas == ()
    plane.engine.remove()
    kinds = "deployments,services,secrets,leases,configmaps,roles,rolebindings,serviceaccounts"
    left = plane.cluster.kubectl("get", kinds, "-n", plane.namespace, "-l", "gateline.dev/project=tiny", "-o", "name")
    assert left == ""


def test_a_right_that_is_missing_is_named_with_the_role_that_gives_it(plane: Plane, tmp_path: Path) -> None:
    plane.engine.up()
    plane.cluster.kubectl("create", "serviceaccount", "poor", "-n", plane.namespace)
    token = plane.cluster.kubectl("create", "token", "poor", "-n", plane.namespace).strip()
    config = json.loads(plane.cluster.kubectl("config", "view", "--raw", "-o", "json"))
    config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
    given = tmp_path / "poor.kubeconfig"
    given.write_text(json.dumps(config))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("KUBECONFIG", str(given))
        with pytest.raises(OutsideError, match=r"a Role with apiGroups \[''\], resources \['namespaces'\], verbs \['get'\]"):
            plane.another().status()
