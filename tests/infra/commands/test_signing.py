"""`invoke sign`, `invoke verify`, and audit heads that are kept elsewhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gateline.contracts.event import SIGNED
from gateline.contracts.release import PROVENANCE, Statement
from gateline.contracts.verdict import Outcome
from gateline.registry.releases import Signatures
from gateline.settings.errors import GateRefused, UsageError
from infra import commands
from infra.releases.signing import keys
from infra.releases.signing.provenance import TREE
from infra.rollout.admission import keep
from tests.infra.releases.signing.conftest import Signed, signed
from tests.infra.rollout.faults import registry_gone
from tests.infra.tiny_project import Site

__all__ = ["signed"]
Capture = pytest.CaptureFixture[str]


def test_a_new_key_says_what_to_do_with_each_half(site: Site, tmp_path: Path, capsys: Capture) -> None:
    shutil.rmtree(site.root / "keys", ignore_errors=True)
    assert commands.new_key(str(tmp_path / "release")) == 0
    said = capsys.readouterr().out
    assert 'keys = ["keys/release.pub"]' in said and f"GATELINE_SIGNING_KEY={tmp_path / 'release'}" in said
    assert "BEGIN" not in said


def test_where_signing_is_off_it_says_how_to_begin(site: Site) -> None:
    site.release()
    for call, given in ((commands.sign, ("",)), (commands.verify, ("", ""))):
        with pytest.raises(UsageError, match="signing is off") as caught:
            call(*given)
        assert "invoke sign --new-key" in caught.value.next_step


@pytest.mark.slow
def test_what_is_signed_is_told_recorded_and_verified(signed: Signed, capsys: Capture) -> None:
    release = signed.site.release()
    signed.site.judge("security", Outcome.PASS, release=release.digest)
    assert commands.sign("") == 0
    said = capsys.readouterr().out
    assert f"signed {release.name}, its artifact and its verdicts (validate_model pass, security pass)" in said
    assert "not judged: validate_data, integration, benchmark" in said
    assert [(event.type, event.subject) for event in signed.site.events()] == [(SIGNED, release.digest)]
    assert commands.verify("", "") == 0
    said = capsys.readouterr().out
    for line in (
        "ok      statement        signed by",
        "ok      artifact         3 files",
        "ok      security         pass",
    ):
        assert line in said
    assert "missing integration      has not been judged" in said
    assert said.endswith("verified: all as signed\n")


@pytest.mark.slow
def test_of_an_environment_what_is_stored_and_runs_is_verified(signed: Signed, capsys: Capture) -> None:
    release = signed.site.release()
    commands.sign("")
    engine = signed.site.put(stable=release)
    assert commands.verify("", "production") == 1
    assert "REFUSED keys             kept here: none: signing is off; the settings name others" in capsys.readouterr().out
    keep(signed.site.target(), signed.site.running())
    with registry_gone(signed.site):
        assert commands.verify("", "production") == 0
    said = capsys.readouterr().out
    for line in ("keys ", "files ", "statement        signed by keys/", "libraries ", "process "):
        assert f"ok      {line}" in said
    assert said.endswith("verified: what is stored there and runs is as it was let in\n")
    path = engine.bundle(release) / "service" / "__main__.py"
    path.chmod(0o644)
    path.write_text(path.read_text() + "\n")
    assert commands.verify("", "production") == 1
    assert "REFUSED files            digest: the files of 1+" in capsys.readouterr().out
    engine.fetch(release, signed.site.target().releases.archive(release.digest))
    assert commands.verify("", "production") == 1, "what runs was started from a folder that is gone"
    assert "which was replaced since" in capsys.readouterr().out


@pytest.mark.slow
def test_the_statement_says_where_it_comes_from(signed: Signed) -> None:
    release = signed.site.release()
    commands.sign("")
    body = json.loads(Signatures(signed.site.store).release(release.digest) or b"")
    statement = Statement.model_validate_json(signed.payload(release))
    assert body["payloadType"] == "application/vnd.in-toto+json"
    assert statement.predicate_type == PROVENANCE
    assert statement.subject[0].digest == {TREE: release.digest}
    definition, run = statement.predicate["buildDefinition"], statement.predicate["runDetails"]
    manifest = signed.site.target().artifacts.manifest(release.artifact)
    named = {found["name"]: found["digest"] for found in definition["resolvedDependencies"]}
    assert {name: {"sha256": digest} for name, digest in manifest.inputs.items()}.items() <= named.items()
    assert named["service.txt"] == {"sha256": release.lock}
    assert definition["externalParameters"]["training"] == manifest.settings
    assert run["builder"]["id"].startswith("urn:gateline:person:")
    assert [(one["name"], one["annotations"]["outcome"]) for one in run["byproducts"]] == [
        ("verdict/validate_model", "pass")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["record", "archive", "no archive"])
def test_a_record_or_an_archive_that_is_not_what_was_built_is_named(signed: Signed, capsys: Capture, changed: str) -> None:
    release, folder = signed.site.release("1"), signed.site.root / ".gateline/registry/tiny/releases"
    commands.sign("")
    archive, record = folder / f"{release.digest}.tar.gz", folder / f"{release.digest}.json"
    if changed == "record":
        record.write_text(json.dumps(json.loads(record.read_text()) | {"python": "/tmp/theirs"}))
    else:
        archive.write_bytes(b"x") if changed == "archive" else archive.unlink()
    assert commands.verify(release.digest, "") == 1
    said = capsys.readouterr().out
    assert f"REFUSED {changed.split()[-1]}" in said and "1 refused" in said
    assert ("python: not as in the archive" in said) is (changed == "record")


@pytest.mark.slow
def test_what_does_not_hold_ends_with_1(signed: Signed, capsys: Capture) -> None:
    release = signed.site.release()
    assert commands.verify(release.name, "") == 1
    said = capsys.readouterr().out
    assert "REFUSED statement" in said and "is not signed" in said and "1 refused: next: invoke sign" in said
    with pytest.raises(UsageError, match="nothing runs in production"):
        commands.verify("", "production")


def test_a_kept_head_shows_a_log_that_was_rewritten(signed: Signed, tmp_path: Path, capsys: Capture) -> None:
    release, head = signed.site.release(), str(tmp_path / "head.json")
    signed.site.target().recorder.record("x", release.digest, {"change": "first"})
    assert commands.audit("", "", keep=head) == 0
    assert f"kept head 1 in {head}, signed" in capsys.readouterr().out
    signed.site.target().recorder.record("x", release.digest, {"change": "second"})
    assert commands.audit("", "", against=head) == 0
    assert "head 1 of 20" in (said := capsys.readouterr().out) and "signed by" in said and "verified: 2 events" in said
    written_anew(signed.site)
    assert commands.audit("", "") == 0, "the chain itself holds"
    assert commands.audit("", "", against=head, keep=str(tmp_path / "new")) == 1
    assert "[broken] chain: line 1" in capsys.readouterr().out and not (tmp_path / "new").exists()


def written_anew(site: Site) -> None:
    """Write another log, whole, and the heads that the environments keep."""
    for path in (site.root / ".gateline/registry/tiny/audit").iterdir():
        path.unlink()
    for path in (site.root / ".gateline/environments").glob("*/audit-head.json"):
        path.unlink()
    for change in ("other", "second"):
        site.target().recorder.record("x", "f" * 64, {"change": change})


def test_a_head_that_was_tampered_with_is_refused(
    signed: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    signed.site.target().recorder.record("x", "f" * 64, {"change": "first"})
    head = tmp_path / "head.json"
    commands.audit("", "", keep=str(head))
    body = json.loads(head.read_text())
    head.write_text(json.dumps(body | {"payload": body["payload"][:-4] + "AAAA"}))
    with pytest.raises(GateRefused, match="signature: .*head.json is not signed by a key"):
        commands.audit("", "", against=str(head))
    monkeypatch.delenv(keys.VARIABLE)
    commands.audit("", "", keep=str(head))
    assert "not signed (GATELINE_SIGNING_KEY is not set); --against will refuse it" in capsys.readouterr().out
    with pytest.raises(GateRefused, match="signature: .*head.json is not signed, and the settings name keys"):
        commands.audit("", "", against=str(head))
    signed.site.change()
    assert commands.audit("", "", against=str(head)) == 0
    head.write_text(head.read_text().replace('"tiny"', '"other"'))
    with pytest.raises(GateRefused, match="is about other, this is tiny"):
        commands.audit("", "", against=str(head))
    head.write_text("{}")
    with pytest.raises(GateRefused, match="holds no audit head"):
        commands.audit("", "", against=str(head))
    with pytest.raises(UsageError, match="--against: none.json cannot be read"):
        commands.audit("", "", against="none.json")
