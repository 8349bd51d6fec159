"""What audit prints and verifies, and how it ends."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gateline.contracts.event import DEPLOYED, FINISHED
from gateline.contracts.verdict import Outcome
from gateline.settings.errors import UsageError
from infra import commands
from infra.commands.building import build_recorder
from tests.infra.tiny_project import Site

Capture = pytest.CaptureFixture[str]


def some(site: Site) -> None:
    """Let there be three events: a deploy, and a failure whose words look like markup."""
    release = site.release()
    with site.target().recorder.change("deploy", release.digest, release=release.model_dump(mode="json")) as change:
        change.type = DEPLOYED
    site.target().recorder.record(FINISHED, "f" * 64, {"change": "deploy", "outcome": "failed", "error": "no [/red] x"})


def test_who_did_what_when_verified(site: Site, capsys: Capture) -> None:
    some(site)
    capsys.readouterr()
    assert commands.audit("", "") == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if "deployed" in line)
    actor = site.events()[0].data["actor"]["name"]
    for word in ("2", f"{actor} (person)", "production", "deploy", f"1 {site.release().digest[:12]}"):
        assert word in row
    assert any("failed: no [/red] x" in line for line in lines)
    head = site.target().recorder.log.head()
    assert f"verified: 3 events, each follows the one before; head 3 {head.digest}" in lines
    assert lines[-1].startswith("3 of 3 events carry no HMAC") and "GATELINE_AUDIT_KEY" in lines[-1]


def test_with_a_key_nothing_would_go_unseen(site: Site, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATELINE_AUDIT_KEY", "secret-of-the-test")
    some(site)
    capsys.readouterr()
    assert commands.audit("", "") == 0
    said = capsys.readouterr().out
    assert "verified: 3 events" in said and "HMAC" not in said and "secret-of-the-test" not in said


def test_an_edited_line_is_named_and_ends_with_1(site: Site, capsys: Capture) -> None:
    some(site)
    path = site.root / ".gateline/registry/tiny/audit/00000002.json"
    path.write_bytes(path.read_bytes().replace(b'"production"', b'"staging"').replace(b"c0ffee0", b"c0ffee1"))
    assert commands.audit("", "") == 1
    said = capsys.readouterr().out
    assert "[broken] chain: line 2 " in said and "verified" not in said


def test_a_cut_end_is_seen_by_the_head_that_the_environment_kept(site: Site, capsys: Capture) -> None:
    some(site)
    (site.root / ".gateline/registry/tiny/audit/00000003.json").unlink()
    assert commands.audit("", "") == 1
    assert "[broken] chain: line 3 is missing: the log was cut" in capsys.readouterr().out


def test_a_cut_end_is_seen_by_the_head_that_the_build_kept(site: Site, capsys: Capture) -> None:
    some(site)
    build_recorder(site.target().settings).record(FINISHED, "", {})
    (site.root / ".gateline/registry/tiny/audit/00000004.json").unlink()
    assert commands.audit("", "") == 1
    (site.root / ".gateline/build/audit-head.json").unlink()


def test_a_cut_end_stays_broken_until_a_person_accepts_it(site: Site, capsys: Capture) -> None:
    some(site)
    for number in (2, 3):
        (site.root / f".gateline/registry/tiny/audit/{number:08d}.json").unlink()
    assert commands.audit("", "") == 1
    assert commands.up("staging", False, 1.0) == 0, "another environment's event waits as well"
    assert commands.audit("", "") == 1 and len(site.events()) == 1
    capsys.readouterr()
    assert commands.status("staging", False, False) == 0
    assert "1 audit event(s) wait: the audit log in" in capsys.readouterr().out.replace("\n", " ")
    assert commands.audit("", "", accept=True, reason="the disk\nwas full") == 0
    said = capsys.readouterr().out
    assert "accepted as event 2: 1 finding(s)" in said and "1 event(s) that waited are in the log now" in said
    assert "verified: 3 events" in said
    (_, accepted, waited) = site.events()
    assert accepted.data["kept_by"] == ["production"] and waited.data["change"] == "up"
    row = next(line for line in said.splitlines() if "accept-cut" in line)
    assert row.startswith("2 ") and row.rstrip().endswith("accepted: the disk\\nwas full")
    assert commands.audit("", "", accept=True, reason="again") == 0
    assert "nothing to accept" in capsys.readouterr().out and len(site.events()) == 3


def test_a_kept_head_is_held_against_a_cut_that_was_accepted(
    site: Site, tmp_path: Path, capsys: Capture
) -> None:
    early, late = str(tmp_path / "early.json"), str(tmp_path / "late.json")
    some(site)
    assert commands.audit("", "", keep=early) == 0
    site.target().recorder.record(FINISHED, "", {})
    assert commands.audit("", "", keep=late) == 0
    for number in (3, 4):
        (site.root / f".gateline/registry/tiny/audit/{number:08d}.json").unlink()
    capsys.readouterr()
    assert commands.audit("", "", against=late) == 1
    assert f"--accept-cut --reason=WHY --against={late}" in capsys.readouterr().out
    assert commands.audit("", "", accept=True, reason="a broken disk") == 0
    site.target().recorder.record(FINISHED, "", {})
    for head in (early, late):
        assert commands.audit("", "", against=head) == 0
        assert "[accepted] chain: line" in (said := capsys.readouterr().out) and ": a broken disk)" in said
    for note in (site.root / ".gateline").glob("*/**/audit-adopted"):
        shutil.rmtree(note)
    assert commands.audit("", "", against=late) == 1, "nobody here knows who wrote that event"


def test_a_head_that_an_accepted_cut_does_not_cover_is_accepted_by_name(
    site: Site, tmp_path: Path, capsys: Capture
) -> None:
    head = tmp_path / "head.json"
    some(site)
    assert commands.audit("", "", keep=str(head)) == 0
    body = json.loads(head.read_text())
    head.write_text(json.dumps(body | {"head": {"count": 9, "digest": "a" * 64}}))
    assert commands.audit("", "") == 0 and commands.audit("", "", against=str(head)) == 1
    assert commands.audit("", "", against=str(head), accept=True, reason="another machine's") == 0
    assert site.events()[-1].data["kept_by"] == [str(head)]
    assert commands.audit("", "", against=str(head)) == 0


def test_a_missing_middle_that_was_accepted_is_still_told(site: Site, capsys: Capture) -> None:
    some(site)
    (site.root / ".gateline/registry/tiny/audit/00000002.json").unlink()
    assert commands.audit("", "", accept=True, reason="a broken disk") == 0
    said = capsys.readouterr().out
    assert "[accepted] chain: line 2 is missing: it was removed (event 4, " in said and ": a broken disk)" in said
    assert "verified: 3 events, each follows the one before, but for 1 accepted" in said
    assert commands.audit("", "") == 0


@pytest.mark.parametrize(("accept", "reason"), [(True, ""), (True, " "), (False, "why")])
def test_a_cut_is_accepted_with_a_reason_alone(site: Site, accept: bool, reason: str) -> None:
    some(site)
    with pytest.raises(UsageError, match="--reason"):
        commands.audit("", "", accept=accept, reason=reason)
    assert len(site.events()) == 3


def test_a_head_that_cannot_be_asked_for_is_no_pass(site: Site, capsys: Capture) -> None:
    some(site)
    site.change({"environments.staging.engine": "docker", "environments.staging.docker.host": "tcp://127.0.0.1:1"})
    assert commands.audit("", "") == 4
    said = capsys.readouterr().out
    assert "verified: 3 events" in said and "[not compared] the head that staging keeps: no Docker daemon answers" in said


def test_an_event_is_one_line_with_any_content(site: Site, capsys: Capture) -> None:
    forged = "verified: 99 events"
    who = {"name": "eve\x07\n", "kind": "ci"}
    facts = {"change": "x\x1b[2J", "outcome": "failed", "error": f"no\x1b[1;1H\n{forged}", "actor": who}
    site.target().recorder.record(FINISHED, "f" * 64, facts)
    capsys.readouterr()
    assert commands.audit("", "") == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said and "\x07" not in said and "\\x1b[1;1H\\nverified: 99 events" in said
    assert not [line for line in said.splitlines() if line.startswith(forged)]


def test_an_unreadable_head_is_said_and_ends_with_1(site: Site, capsys: Capture) -> None:
    some(site)
    kept = site.target().folder / "audit-head.json"
    kept.write_text("?")
    assert commands.audit("", "") == 1
    said = capsys.readouterr().out
    assert "[broken] chain: " in said and f"{kept.name} is unreadable" in said and "--accept-cut" in said


@pytest.mark.parametrize("broken", [False, True])
def test_one_readable_file(site: Site, capsys: Capture, broken: bool) -> None:
    some(site)
    if broken:
        (site.root / ".gateline/registry/tiny/audit/00000001.json").unlink()
    assert commands.audit("", "out/audit.json") == int(broken)
    body = json.loads((site.root / "out/audit.json").read_text())
    assert body["verified"] is not broken and bool(body["findings"]) is broken
    assert [event["sequence"] for event in body["events"]] == [2, 3] if broken else [1, 2, 3]
    assert f"exported {3 - broken} events to out/audit.json" in capsys.readouterr().out


def test_an_empty_log_holds(site: Site, capsys: Capture) -> None:
    assert commands.audit("", "") == 0
    assert "verified: 0 events" in capsys.readouterr().out


@pytest.mark.parametrize("reference", ["version", "name", "digest", "environment"])
def test_from_what_runs_back_to_data_and_verdicts(site: Site, capsys: Capture, reference: str) -> None:
    some(site)
    release = site.release()
    if reference == "environment":
        site.put(stable=release)
    site.judge("security", Outcome.PASS, release=release.digest)
    manifest = site.target().artifacts.manifest(release.artifact)
    site.judge("validate_data", Outcome.PASS, train=manifest.inputs["train"])
    site.judge("security", Outcome.PASS, release="another")
    named = {"version": "1", "name": release.name, "digest": release.digest, "environment": "production"}
    capsys.readouterr()
    assert commands.audit(named[reference], "") == 0
    said = capsys.readouterr().out
    for words in (
        f"artifact   {release.artifact}",
        f"train      {manifest.inputs['train']}",
        "2026-01-01 to 2026-02-01",
        "commit     none",
        "setting    seed = 1",
        "metric     accuracy 0.9000",
        f"release    {release.digest} built {release.created}, commit c0ffee0",
        "verdict    validate_data: pass",
        "verdict    validate_model: pass",
    ):
        assert words in said
    assert said.count("verdict    security: pass") == 1


def test_back_from_nothing(site: Site) -> None:
    with pytest.raises(UsageError, match="nothing runs in staging"):
        commands.audit("staging", "")
    with pytest.raises(UsageError, match="'nope'"):
        commands.audit("nope", "")
