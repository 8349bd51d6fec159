"""An environment whose state was taken away, and one whose state is where no checkout cleans it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateline.contracts.slots import Slot
from gateline.settings.errors import OutsideError
from infra.engines.process.engine import ProcessEngine
from infra.host.processes import wait_until
from tests.infra.engines.process.conftest import READY_SECONDS, ProcessEnvironment, predict, settings
from tests.traffic import Traffic


@pytest.mark.slow
def test_what_serves_without_its_state_is_left_alone_and_ended_on_demand(environment: ProcessEnvironment) -> None:
    release, record = environment.serving(replicas=2), environment.record
    shutil.rmtree(environment.root / ".gateline")
    assert record.supervisor
    assert wait_until(lambda: record.supervisor is not None and record.supervisor.child() is None, 30)
    with Traffic(environment.url) as traffic:
        with pytest.raises(OutsideError) as refused:
            environment.engine.up()
        traffic.wait_for(100)
    assert not traffic.lost and set(traffic.releases) == {release.digest}
    processes = f"2 service processes of release {release.digest[:12]}"
    for words in (f"port {environment.port} ", "environment production", processes):
        assert words in refused.value.message
    assert "invoke down --env=production" in refused.value.next_step and "environments.production.state" in str(refused.value)
    assert environment.engine.orphaned() in refused.value.message and environment.engine.status().slots == {}
    environment.engine.down()
    assert not [seen for seen in record.everything if seen.child()] and environment.engine.orphaned() == ""
    assert environment.engine.up() == [] and predict(environment.url).status_code == 503


@pytest.mark.slow
def test_a_state_elsewhere_outlives_the_checkout(environment: ProcessEnvironment, tmp_path: Path) -> None:
    about = settings(environment.port, state=str(tmp_path / "kept"))
    environment.engine = ProcessEngine(about, "production", environment.root)
    first = environment.serving(replicas=1)
    second = environment.fetched("2")
    for folder in (environment.root / ".gateline", environment.root):
        shutil.rmtree(folder)
    (tmp_path / "next").mkdir()
    again = ProcessEngine(about, "production", tmp_path / "next")
    try:
        with Traffic(environment.url) as traffic:
            assert again.up() == [] and again.status().release_in(Slot.STABLE) == first
            again.start(Slot.CANARY, second, 1)
            again.wait_ready(Slot.CANARY, READY_SECONDS)
            again.set_shares({Slot.CANARY: 1.0})
            traffic.wait_for(200)
        assert not traffic.lost and set(traffic.releases) == {first.digest, second.digest}
        assert not (tmp_path / "next" / ".gateline").exists()
        assert {path.name for path in (tmp_path / "kept" / "tiny").iterdir()} == {"environments", "envs", "releases"}
    finally:
        again.down()


@pytest.mark.slow
def test_one_that_serves_with_its_state_elsewhere_is_nothing_to_end(environment: ProcessEnvironment, tmp_path: Path) -> None:
    environment.engine.up()
    moved = ProcessEngine(settings(environment.port, state=str(tmp_path / "kept")), "production", environment.root)
    kept = f"port {environment.port} .* keeps its state in {environment.place.folder}"
    with pytest.raises(OutsideError, match=kept) as refused:
        moved.up()
    assert "end that" not in refused.value.next_step and "environments.production.state back" in refused.value.next_step
    assert environment.engine.up() == [] and predict(environment.url).status_code == 503
