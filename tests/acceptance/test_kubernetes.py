"""From the laptop to a cluster in ten commands, as the page has them."""

from __future__ import annotations

from pathlib import Path

from gateline.registry.audit import AuditLog
from gateline.registry.store import Store
from infra.host.docker import Docker
from template.scratch import change_settings
from tests.acceptance.project import Project
from tests.acceptance.walk import Walk, clone, equip, other_ports
from tests.cluster import Cluster
from tests.daemon import on_docker
from tests.docs.blocks import Block, blocks
from tests.infra.engines.docker.conftest import daemon
from tests.infra.engines.kubernetes.conftest import registry

__all__ = ["daemon", "registry"]

PAGE, NAME = "docs/kubernetes.md", "late-flights"
COMMANDS = 10


def test_the_page_works_to_the_letter(tmp_path: Path, cluster: Cluster, daemon: Docker, registry: str) -> None:
    cluster.need(gateway=True)
    ports, found = other_ports(), blocks(PAGE)
    folder = clone(tmp_path / "a place" / "gateline", ports, NAME)
    quick = {"environments.production.requires": ["validate_model"], "environments.production.soak_seconds": 0.5}
    quick |= {"model.parameters.max_iter": 20}
    change_settings(folder, quick | on_docker(daemon))
    equip(folder)
    with cluster.at_the_gateway() as namespace:
        reader = Walk(folder, ports, here(cluster, registry, namespace), equipped=True)
        reader.sh(Block("", 0, "sh", "git init --quiet; git add --all; git commit --quiet -m Clone"))
        reader.sh(Block("", 0, "sh", "nox -s train validate_model"))
        for block in found:
            reader.follow([block])
            if "--push" in block.text and block.language == "sh":
                cluster.load(Project(folder).image())
        route = f"gateway.networking.k8s.io/v1/httproutes/gateline-{NAME}-production"
        events = AuditLog(Store(str(folder / ".gateline/registry"), NAME)).events()
        ended = {event.data["change"] for event in events if route in event.data.get("objects", {})}
        assert ended >= {"deploy", "canary", "rollback"}
        reader.sh(Block("", 0, "sh", "invoke down --env=production --remove --from-laptop"))
        left = cluster.kubectl("get", "deployments,secrets,httproutes,leases", f"--namespace={namespace}", "--output=name")
        assert not left, left
    assert sum(block.text.count("\n") for block in found if block.language == "sh") == COMMANDS


def here(cluster: Cluster, registry: str, namespace: str) -> dict[str, str]:
    """Return what stands for the page's own names."""
    return {
        "registry.example.org": registry,
        "max_iter = 120": "max_iter = 21",
        'context = "production"': 'context = ""',
        'namespace = "late"': f'namespace = "{namespace}"',
        "gateways/public": cluster.gateway,
        'hostname = "late.example.org"': 'hostname = ""',
        "https://late.example.org": cluster.gateway_url,
        'registry_login = "registry"': 'registry_login = ""',
    }
