"""What a container is made from is what was let in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from gateline.contracts.slots import Slot
from infra.releases.signing.provenance import Unsigned
from infra.releases.signing.trust import KEYS, SIGNED, keys_note
from tests.infra.engines.docker.conftest import READY_SECONDS, DockerEnvironment
from tests.infra.releases.signing.signer import Signer

pytestmark = pytest.mark.slow


def test_a_container_of_another_image_is_seen_and_replaced(environment: DockerEnvironment) -> None:
    release = environment.serving(replicas=1)
    assert all(check.holds for check in environment.engine.evidence(Slot.STABLE))
    [replica] = environment.engine.status().slots[Slot.STABLE].replicas
    environment.engine.down()
    real = environment.container(replica.name)
    labels, name = real.labels, real.name
    real.remove(force=True)
    proxy = environment.client.containers.get(environment.names.proxy).attrs["Image"]
    environment.client.containers.create(proxy, name=name, labels=labels)
    said = {check.subject: check.holds for check in environment.engine.evidence(Slot.STABLE)}
    assert said == {"image": True, f"container {replica.name}": False}
    environment.engine.up()
    assert all(check.holds for check in environment.engine.evidence(Slot.STABLE))
    assert httpx.post(f"{environment.url}/predict", content=b"{}").headers["x-gateline-release"] == release.digest


@pytest.mark.parametrize(
    "planted",
    [
        {"entrypoint": ["python3", "-c", "print('theirs')"]},
        {"user": "0"},
        {"environment": {"PYTHONPATH": "/var/lib/predictions"}},
        {"volumes": {"/tmp": {"bind": "/opt/gateline/release", "mode": "ro"}}},
        {"privileged": True},
    ],
    ids=lambda planted: next(iter(planted)),
)
def test_a_container_of_the_image_that_runs_something_else_is_seen_and_replaced(
    standing: DockerEnvironment, planted: dict[str, Any]
) -> None:
    name = standing.engine.status().slots[Slot.STABLE].replicas[0].name
    standing.engine.down()
    real = standing.container(name)
    labels, called, image = real.labels, real.name, real.attrs["Image"]
    real.remove(force=True)
    own = {"volumes": {standing.names.predictions: {"bind": "/var/lib/predictions", "mode": "rw"}}}
    standing.client.containers.create(image, name=called, labels=labels, **own | planted)
    said = {check.subject: check.holds for check in standing.engine.evidence(Slot.STABLE)}
    assert said.pop(f"container {name}") is False and all(said.values())
    standing.engine.up()
    assert all(check.holds for check in standing.engine.evidence(Slot.STABLE))


def test_an_image_that_was_not_signed_is_not_started(environment: DockerEnvironment, tmp_path: Path) -> None:
    release = environment.serving(replicas=1)
    by, image = Signer(tmp_path / "key", tmp_path / "project"), environment.engine._state().programs[release.digest]
    signed = by.sign(release.digest, image=image.removeprefix("sha256:"))
    environment.engine.notes.update({KEYS: keys_note([by.key]), SIGNED + release.digest: signed})
    assert environment.engine.verify(release).startswith("signed by keys/")
    environment.engine.notes.write(SIGNED + release.digest, by.sign(release.digest))
    with pytest.raises(Unsigned, match="^signature: image .* is not the one that was signed"):
        environment.engine.start(Slot.CANARY, release, 1)
    environment.engine.down()
    said = f"image {image[7:19]} of {release.name} is not the one that was signed"
    assert environment.engine.up() == [f"not started: slot stable: {said}"]
    assert not any(replica.alive for replica in environment.engine.status().slots[Slot.STABLE].replicas)
    environment.engine.notes.write(SIGNED + release.digest, signed)
    environment.engine.up()
    environment.engine.wait_ready(Slot.STABLE, READY_SECONDS)
    assert httpx.post(f"{environment.url}/predict", content=b"{}").status_code == 200
