"""What an environment keeps decides what starts there: keys, statements, files; no registry is asked for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from gateline.registry.releases import Signatures
from gateline.settings.errors import GateRefused
from infra.commands import environments
from infra.engines.process.record import read_record
from infra.host.processes import wait_until
from infra.releases.signing.provenance import Unsigned
from infra.releases.signing.trust import LET_IN, Trust
from infra.rollout.admission import BEFORE, fix, keep, refuse_older
from infra.rollout.rollback import Plan, plan, rollback
from tests.infra.engines.process.conftest import kill
from tests.infra.releases.signing.signer import Signer
from tests.infra.rollout.faults import registry_gone
from tests.infra.tiny_project import BODY, Site

Capture = pytest.CaptureFixture[str]


def signer(site: Site, tmp_path: Path, name: str = "release") -> Signer:
    """Return somebody whose key is the one that the settings name from now on."""
    made = Signer(tmp_path / f"{tmp_path.name}-{name}", site.root)
    site.change({"signing.keys": [made.key.path]})
    return made


def signed(site: Site, by: Signer, *releases: Release) -> None:
    """Put the statements of releases into the registry."""
    for release in releases:
        Signatures(site.store).add_release(release.digest, by.sign(release.digest, built=release.created).encode())


def after(site: Site, *releases: Release) -> None:
    """Let releases have been stable one after the other: the last is, the one before is warm, all are on the host."""
    engine = site.put(stable=releases[-1], previous=releases[-2])
    for release in releases:
        engine.fetch(release, site.target().releases.archive(release.digest))
    engine.remember([release.digest for release in releases])


def edited(site: Site, release: Release) -> Path:
    """Change the code of a release where it lies unpacked, and return the mark that it leaves when it runs."""
    mark = site.root / f"edited-{release.version}"
    path = site.target().engine.bundle(release) / "service" / "tiny_service.py"
    for one in (path.parent, path):
        one.chmod(0o755)
    path.write_text(path.read_text(encoding="utf-8") + f"\nopen({str(mark)!r}, 'w').close()\n", encoding="utf-8")
    return mark


def predict(site: Site) -> httpx.Response:
    """Ask production as a client does."""
    return httpx.post(f"{site.url}/predict", content=BODY, headers={"content-type": "application/json"}, timeout=5)


def test_a_signed_release_is_kept_with_its_statement_and_needs_no_registry_then(site: Site, tmp_path: Path) -> None:
    one, by = site.release("1"), signer(site, tmp_path)
    signed(site, by, one)
    site.put(stable=one)
    keep(site.target(), site.running(), one)
    with registry_gone(site):
        assert site.target().engine.verify(one).startswith("signed by keys/")
    Signatures(site.store).add_release(one.digest, b"stripped")
    keep(site.target(), site.running(), one)
    assert site.target().engine.verify(one).startswith("signed by keys/"), "what the registry says now changes nothing"


def test_what_serves_when_signing_is_switched_on_goes_on_and_nothing_else_does(site: Site, tmp_path: Path) -> None:
    one, two, three = (site.release(version) for version in "123")
    after(site, one, two, three)
    by = signer(site, tmp_path)
    keep(site.target(), site.running())
    assert {site.target().engine.verify(release) for release in (two, three)} == {BEFORE}
    with pytest.raises(Unsigned, match="is not signed"):
        site.target().engine.verify(one)
    with pytest.raises(Unsigned, match="is not signed"):
        site.target().engine.start(Slot.CANARY, one, 1)
    signed(site, by, one)
    keep(site.target(), site.running(), one)
    site.change()
    keep(site.target(), site.running())
    assert "signing is off" in site.target().engine.verify(two)


def test_a_key_that_was_revoked_ends_nothing_that_serves_and_starts_nothing_again(
    site: Site, tmp_path: Path, capsys: Capture
) -> None:
    one, old = site.release("1"), signer(site, tmp_path, "old")
    signed(site, old, one)
    engine = site.put(stable=one)
    engine.start(Slot.STABLE, one, 2)
    engine.wait_ready(Slot.STABLE, 20)
    keep(site.target(), site.running())
    new = signer(site, tmp_path, "new")
    keep(site.target(), site.running())
    assert "serves on, and is not started again" in (said := capsys.readouterr().out)
    assert f"invoke sign --release={one.digest}" in said
    record = site.target().folder / "supervisor.json"
    names = [replica.name for replica in engine.status().slots[Slot.STABLE].replicas]
    kill(read_record(record).replicas[names[0]])
    log = site.target().folder / "logs" / "supervisor.log"
    assert wait_until(lambda: f"replica {names[0]} cannot be started: signature: " in log.read_text(), 30)
    assert predict(site).status_code == 200
    assert [replica.alive for replica in engine.status().slots[Slot.STABLE].replicas] == [False, True]
    signed(site, new, one)
    keep(site.target(), site.running())
    assert wait_until(lambda: all(r.alive for r in engine.status().slots[Slot.STABLE].replicas), 30)


def test_an_older_signed_release_is_refused_where_a_newer_one_serves(site: Site, tmp_path: Path) -> None:
    one, two, three = (site.release(version) for version in "123")
    by = signer(site, tmp_path)
    signed(site, by, one, two, three)
    site.put(stable=two)
    for release in (one, three):
        keep(site.target(), site.running(), release)
    with pytest.raises(GateRefused, match=r"^signature: 1\+\w+ was built .*, before what serves, 2\+") as refused:
        refuse_older(site.target(), one, site.running().release_in(Slot.STABLE))
    assert f"--release={one.digest}" in refused.value.next_step
    for release in (two, three):
        refuse_older(site.target(), release, site.running().release_in(Slot.STABLE))


def test_a_rollback_passes_over_what_was_changed_on_the_host(site: Site, tmp_path: Path) -> None:
    one, two, three = (site.release(version) for version in "123")
    after(site, one, two, three)
    mark = edited(site, two)
    with registry_gone(site):
        done = rollback(site.target())
    assert isinstance(done, Plan) and (done.back_to, done.warm) == (one, False)
    assert site.seen() == {"stable": ("1", 1.0)} and not mark.exists()
    told: Any = site.target().recorder
    told.flush()
    assert "digest: the files of 2+" in site.events()[-1].data["passed_over"][0]


def test_where_no_earlier_release_can_be_trusted_stable_serves_on(site: Site) -> None:
    one, two, three = (site.release(version) for version in "123")
    after(site, one, two, three)
    edited(site, one), edited(site, two)
    said = r"no earlier release can be trusted, so 3\+.* serves on: 2\+.*digest.*; 1\+.*digest"
    with pytest.raises(GateRefused, match=said):
        rollback(site.target())
    assert site.seen()["stable"] == ("3", 1.0) and predict(site).status_code == 200


def test_an_unsigned_one_is_gone_back_to_by_its_whole_digest_alone(site: Site, tmp_path: Path) -> None:
    one, two = site.release("1"), site.release("2")
    by = signer(site, tmp_path)
    signed(site, by, two)
    after(site, one, two)
    keep(site.target(), site.running())
    site.target().engine.notes.remove(LET_IN + one.digest)
    with pytest.raises(GateRefused, match=r"no earlier release can be trusted.*1\+.*is not signed") as refused:
        plan(site.target(), site.running())
    assert f"--to={one.digest}" in refused.value.next_step
    with pytest.raises(Unsigned) as named:
        plan(site.target(), site.running(), one.name)
    assert f"--to={one.digest}" in named.value.next_step
    rollback(site.target(), to=one.digest, reason="known good")
    assert site.seen()["stable"] == ("1", 1.0)
    assert site.events()[-1].data["by_digest"] is True
    assert Trust(site.target().engine.notes).let_in(one.digest)


def test_up_unpacks_again_what_was_changed_while_it_was_down(site: Site, capsys: Capture) -> None:
    one = site.release("1")
    engine = site.put(stable=one)
    mark = edited(site, one)
    engine.down()
    assert environments.up("production", False, 10) == 0
    assert "bringing it here again: digest: the files of 1+" in capsys.readouterr().out
    assert predict(site).headers["x-gateline-release"] == one.digest and not mark.exists()


def test_up_refuses_what_it_cannot_unpack_again_and_what_is_not_refused_is_started(site: Site, capsys: Capture) -> None:
    one, two = site.release("1"), site.release("2")
    engine = site.put(stable=two, previous=one)
    marks = [edited(site, one)]
    engine.down()
    with registry_gone(site):
        fix(site.target(), site.running())
        assert "slot previous is not started: digest: " in capsys.readouterr().out
        marks.append(edited(site, two))
        with pytest.raises(GateRefused, match="^digest: the files of 2"):
            environments.up("production", False, 10)
    assert {told.partition(": the files")[0] for told in engine.up()} == {
        f"not started: slot {slot}: digest" for slot in ("stable", "previous")
    }
    log = site.target().folder / "logs" / "supervisor.log"
    assert wait_until(lambda: "cannot be started: digest: the files of 2+" in log.read_text(), 30)
    assert not any(mark.exists() for mark in marks)
