"""What must not reach production is refused by a command, with its rule; what is whole and signed is let in."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateline.contracts.digest import of_bytes
from gateline.contracts.manifest import MANIFEST_FILE, MODEL_FILE
from infra.host.docker import Docker
from infra.host.processes import wait_until
from infra.releases.image.listing import listing
from infra.releases.signing.keys import VARIABLE
from tests.acceptance.project import Done, Project
from tests.daemon import on_docker, remove
from tests.infra.engines.docker.conftest import daemon

__all__ = ["daemon"]
NAME = "chained"
TOKEN = "AKIA" + "QWERTYUIOPASDFGH"
MARK = "executed"


class Hostile:
    """Runs when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave a mark."""
        return Path.touch, (Path(MARK),)


@dataclass
class Chain:
    """A project that asks for signatures, its key, and its daemon."""

    project: Project
    key: Path
    daemon: Docker

    @property
    def registry(self) -> Path:
        """Where the project's registry lies."""
        return self.project.path / ".gateline/registry" / NAME

    @property
    def artifact(self) -> Path:
        """The folder of the artifact in the chosen release."""
        record = json.loads((self.registry / "releases" / f"{self.project.chosen()}.json").read_text())
        return self.registry / "artifacts" / str(record["artifact"])

    def sign(self) -> Done:
        """Sign the chosen release."""
        return self.project.invoke("sign", **{VARIABLE: str(self.key)})

    def image(self) -> dict[str, Any]:
        """Return the record of the chosen release's image."""
        record: dict[str, Any] = json.loads(self.image_path().read_text())
        return record

    def image_path(self) -> Path:
        """Return where that record lies."""
        return next((self.registry / "images").glob(f"{self.project.chosen()}-*.json"))

    def failed(self) -> dict[str, str]:
        """Judge security, which must fail; return the reasons by rule."""
        done = self.project.nox("security")
        assert done.code != 0, done.output
        verdict = json.loads((self.project.path / "reports/security/verdict.json").read_text())
        assert verdict["outcome"] == "fail"
        return {rule["name"]: rule["reason"] for rule in verdict["rules"] if rule["outcome"] == "fail"}


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory, daemon: Docker) -> Iterator[Chain]:
    """A project on the daemon with signing switched on, and a release that is not signed yet."""
    project = Project.copy(tmp_path_factory.mktemp(NAME), NAME, on_docker(daemon, "staging"))
    try:
        assert project.invoke("sign", "--new-key=../keys/release").code == 0
        project.change(signing__keys=["keys/release.pub"])
        project.release()
        yield Chain(project, project.path / "../keys/release", daemon)
    finally:
        project.stop()
        remove(daemon, NAME, "staging")


@pytest.fixture
def kept(chain: Chain) -> Iterator[Chain]:
    """The same; afterwards registry and sources are as they were."""
    sources = ("infra/releases/image/Dockerfile", "requirements/lean.txt")
    places = [path for path in chain.registry.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in (*places, *(chain.project.path / name for name in sources))}
    yield chain
    for path, content in before.items():
        path.write_bytes(content)


def deploy(chain: Chain) -> Done:
    """Deploy to staging."""
    return chain.project.invoke("deploy", "--env=staging")


def test_unsigned_is_refused_and_signed_is_let_in(chain: Chain) -> None:
    done = deploy(chain)
    assert done.code == 1 and "signature" in done.output and "is not signed" in done.output, done.output
    assert "invoke sign" in done.output
    signed = chain.sign()
    assert signed.code == 0, signed.output
    assert deploy(chain).code == 0
    verified = chain.project.invoke("verify", "--env=staging")
    assert verified.code == 0 and "ok      image " in verified.output and "REFUSED" not in verified.output, (
        verified.output
    )


def test_a_stranger_with_a_key_of_his_own_cannot_sign(chain: Chain) -> None:
    assert chain.project.invoke("sign", "--new-key=../keys/stranger").code == 0
    done = chain.project.invoke("sign", **{VARIABLE: str(chain.project.path / "../keys/stranger")})
    assert done.code == 2 and "is none of [signing] keys" in done.output, done.output


def test_a_flipped_byte_of_the_artifact(kept: Chain) -> None:
    path = kept.artifact / MODEL_FILE
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    for done in (kept.project.invoke("verify"), kept.project.invoke("build"), to_production(kept)):
        assert done.code == 1 and re.search(r"digest: model.skops", done.output), done.output


def to_production(chain: Chain) -> Done:
    """Deploy where it does not run yet, without asking for verdicts."""
    return chain.project.invoke("deploy", "--env=production", "--unjudged")


def test_another_image_under_the_same_release(kept: Chain) -> None:
    base = kept.daemon.images.get(kept.image()["base_id"])
    kept.image_path().write_text(json.dumps(kept.image() | {"id": base.id}))
    done = kept.project.invoke("verify")
    assert done.code == 1 and "REFUSED image" in done.output and "was not signed" in done.output, done.output


def test_a_hostile_pickle_is_found_and_never_opened(kept: Chain) -> None:
    manifest = json.loads((kept.artifact / MANIFEST_FILE).read_text())
    (kept.artifact / MODEL_FILE).write_bytes(pickle.dumps(Hostile()))
    manifest["files"][MODEL_FILE] = of_bytes((kept.artifact / MODEL_FILE).read_bytes())
    (kept.artifact / MANIFEST_FILE).write_text(json.dumps(manifest))
    record = kept.registry / "versions" / f"{manifest['version']}.json"
    about = json.loads(record.read_text()) | {"manifest": of_bytes((kept.artifact / MANIFEST_FILE).read_bytes())}
    record.write_text(json.dumps(about))
    built = kept.project.invoke("build")
    assert built.code == 0, built.output
    assert "unsafe_load" in kept.failed()
    refused = deploy(kept)
    assert refused.code == 1 and "is not signed" in refused.output, refused.output
    assert not (kept.project.path / MARK).exists()


def test_root_and_a_secret_in_a_layer(kept: Chain) -> None:
    dockerfile = kept.project.path / "infra/releases/image/Dockerfile"
    text = dockerfile.read_text()
    layer = f'RUN ["python3", "-c", "open(\'/opt/token.env\', \'w\').write(\'KEY=\\"{TOKEN}\\"\')"]\n'
    gone = 'RUN ["python3", "-c", "import os; os.remove(\'/opt/token.env\')"]\n'
    dockerfile.write_text(text.replace("USER 65532:65532\n", layer + gone))
    built = kept.project.invoke("build")
    assert built.code == 0 and "building the image" in built.output, built.output
    reasons = kept.failed()
    assert "image_policy" in reasons and TOKEN not in json.dumps(reasons)
    found = (kept.project.path / "reports/security/results.sarif").read_text()
    assert "runs as root" in found and "/opt/token.env" in found and TOKEN not in found


def test_a_changed_hash_in_a_lock(kept: Chain) -> None:
    lock = kept.project.path / "requirements/lean.txt"  # that of a release with a fast path
    digest = re.search(r"sha256:([0-9a-f]{64})", lock.read_text())
    assert digest is not None
    lock.write_text(re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", lock.read_text()))
    done = kept.project.invoke("build")
    assert done.code == 4 and "hash" in done.output.lower(), done.output


def test_two_builds_from_two_copies_are_equal(chain: Chain, tmp_path: Path) -> None:
    """The other copy has the artifact alone: it packs and builds again."""
    other = Project.copy(tmp_path, "twin", on_docker(chain.daemon, "staging"))
    other.change(project__name=NAME)
    registry = other.path / ".gateline/registry" / NAME
    shutil.copytree(chain.registry, registry)
    for made in ("releases", "images", "aliases/release"):
        shutil.rmtree(registry / made) if (registry / made).is_dir() else (registry / made).unlink()
    ours, before = chain.image(), {image.id for image in chain.daemon.images.list()}
    done = other.invoke("build")
    assert done.code == 0 and "building the image" in done.output, done.output
    theirs = json.loads(next((registry / "images").glob("*.json")).read_text())
    assert theirs["release"] == ours["release"] and theirs["files"] == ours["files"]
    assert theirs["id"] not in before and f"equal inputs give equal files, {ours['files'][:12]}" in done.output
    found = [listing(chain.daemon, one["id"]) for one in (ours, theirs)]
    assert found[0] == found[1] and len(found[0]) > 2000


def health(container: Any) -> str:
    """Return what the daemon says of a container's health."""
    container.reload()
    return str(container.attrs["State"]["Health"]["Status"])


def test_it_runs_with_nothing_it_does_not_need(chain: Chain) -> None:
    image = chain.image()["id"]
    container: Any = chain.daemon.containers.run(
        image, detach=True, read_only=True, cap_drop=["ALL"], security_opt=["no-new-privileges"], mem_limit="256m",
        network_disabled=True,
    )  # fmt: skip
    try:
        assert wait_until(lambda: health(container) == "healthy", 60), container.logs().decode()
        used = container.stats(stream=False)["memory_stats"]["usage"]
        assert used < 256 * 2**20
    finally:
        container.remove(force=True)
    said = json.dumps(chain.daemon.images.get(image).history())
    for word in ("training", "locust", "flake8", "pytest"):
        assert word not in said, word
