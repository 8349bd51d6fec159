"""An environment whose state was taken away, and one whose state is where no checkout cleans it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateline.contracts.slots import Slot
from gateline.settings.errors import OutsideError
from infra.engines.process.engine import ProcessEngine
from infra.engines.readiness import wait_until
from tests.infra.engines.process.conftest import READY_SECONDS, House, predict, settings
from tests.traffic import Traffic


@pytest.mark.slow
def test_what_serves_without_its_state_is_left_alone_and_ended_on_demand(house: House) -> None:
    release, record = house.serving(replicas=2), house.record
    shutil.rmtree(house.root / ".gateline")
    assert record.supervisor
    assert wait_until(lambda: record.supervisor is not None and record.supervisor.child() is None, 10)
    with Traffic(house.url) as traffic:
        with pytest.raises(OutsideError) as refused:
            house.engine.up()
        traffic.wait_for(100)
    assert not traffic.lost and set(traffic.releases) == {release.digest}
    for words in (f"port {house.port} ", "environment production", f"2 service processes of release {release.digest[:12]}"):
        assert words in refused.value.message
    assert "invoke down --env=production" in refused.value.next_step and "environments.production.state" in str(refused.value)
    assert house.engine.orphaned() in refused.value.message and house.engine.status().slots == {}
    house.engine.down()
    assert not [seen for seen in record.everything if seen.child()] and house.engine.orphaned() == ""
    assert house.engine.up() == [] and predict(house.url).status_code == 503


@pytest.mark.slow
def test_a_state_elsewhere_outlives_the_checkout_and_is_operated_from_the_next(house: House, tmp_path: Path) -> None:
    about = settings(house.port, state=str(tmp_path / "kept"))
    house.engine = ProcessEngine(about, "production", house.root)
    first = house.serving(replicas=1)
    second = house.fetched("2")
    for folder in (house.root / ".gateline", house.root):
        shutil.rmtree(folder)
    (tmp_path / "next").mkdir()
    again = ProcessEngine(about, "production", tmp_path / "next")
    try:
        with Traffic(house.url) as traffic:
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
def test_an_environment_that_serves_with_its_state_elsewhere_is_nothing_to_end(house: House, tmp_path: Path) -> None:
    house.engine.up()
    moved = ProcessEngine(settings(house.port, state=str(tmp_path / "kept")), "production", house.root)
    with pytest.raises(OutsideError, match=f"port {house.port} .* keeps its state in {house.place.folder}") as refused:
        moved.up()
    assert "end that" not in refused.value.next_step and "environments.production.state back" in refused.value.next_step
    assert house.engine.up() == [] and predict(house.url).status_code == 503
