"""One replica alone: ready, or a message with its last lines; gone afterwards."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from gateline.settings.errors import OutsideError
from infra.host.ports import is_free
from infra.trials import subject as module
from infra.trials.subject import running, unpacked
from tests.infra.tiny_project import Site


def test_it_is_ready_and_gone_afterwards(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "stays outside")
    release = site.release()
    folder = unpacked(release, site.target().releases, site.root)
    with running(release, folder, site.root, {"GATELINE_REDIS_URL": "redis://x"}) as url:
        ready = httpx.get(f"{url}/health/ready", trust_env=False).json()
    assert ready["release"] == release.digest
    variables = ready["variables"]
    assert variables["GATELINE_REDIS_URL"] == "redis://x" and variables["GATELINE_WORKERS"] == "1"
    assert "SECRET_OF_THE_HOST" not in variables
    assert is_free("127.0.0.1", int(url.rpartition(":")[2]))


def test_one_that_crashes_is_reported_at_once_with_its_last_lines(site: Site) -> None:
    release = site.release(crash="a mistake at import")
    folder = unpacked(release, site.target().releases, site.root)
    begun = time.monotonic()
    with pytest.raises(OutsideError, match="(?s)ended with 1 instead of getting ready.*a mistake at import"):
        with running(release, folder, site.root, {}):
            pytest.fail("it never was ready")
    assert time.monotonic() - begun < module.READY_SECONDS / 2


@pytest.mark.parametrize("knobs", [{"never_ready": True}, {"release": "f" * 64}])
def test_one_that_never_gets_ready(site: Site, monkeypatch: pytest.MonkeyPatch, knobs: dict[str, Any]) -> None:
    monkeypatch.setattr(module, "READY_SECONDS", 1.5)
    release = site.release("1", **knobs)
    folder = unpacked(release, site.target().releases, site.root)
    with pytest.raises(OutsideError, match="(?s)not ready within 2 s; its last lines:.*listening on"):
        with running(release, folder, site.root, {}):
            pytest.fail("it never was ready")


def test_a_bundle_that_was_changed_is_unpacked_again(site: Site) -> None:
    release = site.release()
    folder = unpacked(release, site.target().releases, site.root)
    knobs = folder / "service" / "knobs.json"
    knobs.chmod(0o644)
    knobs.write_text('{"off": 1}')
    assert unpacked(release, site.target().releases, site.root) == folder
    assert knobs.read_text() == "{}"
