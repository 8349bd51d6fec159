"""What `invoke sign` vouches for is what was made here, or is named whole: nothing that the registry names by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.contracts.release import RELEASE_FILE, Release
from gateline.contracts.verdict import Outcome, Rule, Verdict
from gateline.registry.made_here import MODEL, Made, of_image
from gateline.registry.releases import Releases
from gateline.registry.verdicts import Verdicts
from gateline.settings import load
from gateline.settings.errors import GateRefused, UsageError
from infra.commands import signing
from infra.commands.signing import Vouched, gather
from infra.host.bundle import pack, unpack
from infra.releases.signing.keys import new_pair
from tests.infra.releases.signing.conftest import Signed, sign, signed, switch_on
from tests.infra.releases.signing.test_checking import image
from tests.infra.tiny_project import Site

__all__ = ["signed"]


def made(site: Site) -> Made:
    return Made.of(load(site.root / "pipeline.toml"), site.root)


def theirs(site: Site, version: str = "2", **knobs: object) -> Release:
    """Return a release that somebody else built, into the same registry, where it is chosen now."""
    before = made(site).path.read_text() if made(site).path.exists() else ""
    release = site.release(version, **knobs)  # type: ignore[arg-type]
    made(site).path.write_text(before)
    return release


def vouched(site: Site, reference: str = "", verdicts: str = "") -> Vouched:
    return gather(load(site.root / "pipeline.toml"), site.store, reference, verdicts)


def test_what_was_built_here_is_signed_no_matter_what_the_registry_names(site: Site) -> None:
    mine = site.release("1")
    other = theirs(site)
    assert Releases(site.store).chosen() == other
    found = vouched(site)
    assert found.release == mine and list(found.verdicts) == ["validate_model"] and found.left_out == ()
    assert [line.split()[:2] for line in found.lines()][0] == ["release", mine.digest]
    assert vouched(site, mine.name).release == mine


@pytest.mark.parametrize("short", [False, True])
def test_what_was_built_elsewhere_is_signed_by_its_whole_digest_alone(site: Site, short: bool) -> None:
    mine, other = site.release("1"), theirs(site)
    for named in (other.digest[:12] if short else other.name, other.version):
        with pytest.raises(GateRefused, match="signature: .* was not built on this machine, which built") as caught:
            vouched(site, named)
        assert mine.digest[:12] in caught.value.message and other.digest in caught.value.next_step
    found = vouched(site, other.digest)
    assert found.release == other and found.how["release"] == "named by its digest"


def told_otherwise(site: Site, release: Release, folder: Path, **told: str) -> None:
    """Let the archive tell another time and commit, which its digest does not cover."""
    path = site.root / ".gateline/registry/tiny/releases" / f"{release.digest}.tar.gz"
    unpack(path.read_bytes(), folder)
    (folder / RELEASE_FILE).write_text(release.model_copy(update=told).model_dump_json(indent=2))
    path.write_bytes(pack(folder))


def test_when_and_from_what_it_was_built_is_this_machines_word(site: Site, tmp_path: Path) -> None:
    mine = site.release("1")
    made(site).path.write_text("")
    made(site).add_release(mine.digest, "0123abc")
    told_otherwise(site, mine, tmp_path / "bundle", created="9999-01-01T00:00:00.000+00:00", commit="deadbeef")
    found = vouched(site, mine.digest).release
    assert found.commit == "0123abc" and mine.created[:4] <= found.created[:4] < "9999"
    made(site).path.write_text("")
    with pytest.raises(GateRefused, match="was built 9999-01-01T00:00:00.000.00:00, in the future"):
        vouched(site, mine.digest)


def test_in_ci_a_release_of_another_commit_than_the_one_checked_out_is_not_signed(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = site.release("1")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert vouched(site, mine.digest).release == mine, "without git, there is nothing to compare with"
    here = "c0ffee0" + "1" * 33
    monkeypatch.setattr(signing, "commit", lambda: f"{here}-dirty")
    with pytest.raises(GateRefused, match="was built from commit c0ffee0, and c0ffee01+ is checked out"):
        vouched(site, mine.digest)
    told_otherwise(site, mine, tmp_path / "bundle", commit=here)
    assert vouched(site, mine.digest).release.commit == here
    told_otherwise(site, mine, tmp_path / "other", commit="deadbeef")
    monkeypatch.setenv("GITHUB_ACTIONS", "false")
    assert vouched(site, mine.digest).release.commit == "deadbeef", "a person reads it before it is signed"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    made(site).path.write_text("")
    made(site).add_release(mine.digest, here)
    assert vouched(site, mine.digest).release.commit == here, "what was built in this job tells of itself"


@pytest.mark.slow
@pytest.mark.parametrize("commit", ["c0ffee0", "c0ffee0-dirty", ""])
def test_what_was_signed_before_keeps_its_time_and_commit(signed: Signed, tmp_path: Path, commit: str) -> None:
    site = signed.site
    release = site.release("1")
    told_otherwise(site, release, tmp_path / "first", commit=commit)
    sign(release)
    told_otherwise(site, release, tmp_path / "second", commit="deadbeef", created="2026-06-01T00:00:00+00:00")
    found = vouched(site, release.digest).release
    assert (found.created, found.commit) == (release.created, commit)


def test_a_model_of_an_earlier_training_is_not_signed_because_an_alias_names_it(site: Site) -> None:
    mine = site.release("1")
    made(site).add(MODEL, "b" * 64)
    with pytest.raises(GateRefused, match="its model is not the one that was trained here last"):
        vouched(site)
    assert vouched(site, mine.digest).release == mine


def test_where_nothing_was_built_nothing_is_signed(site: Site) -> None:
    theirs(site)
    with pytest.raises(UsageError, match="nothing was built on this machine"):
        vouched(site)


@pytest.mark.parametrize("replaced", ["archive", "record", "gone"])
def test_a_release_that_the_registry_holds_otherwise_is_not_signed(site: Site, replaced: str) -> None:
    mine, other = site.release("1"), theirs(site)
    folder = site.root / ".gateline/registry/tiny/releases"
    if replaced == "record":
        record = (folder / f"{mine.digest}.json").read_text()
        (folder / f"{mine.digest}.json").write_text(record.replace('"3.11"', '"/tmp/theirs"'))
        assert vouched(site).release == mine, "what the digest covers counts, not the record"
        return
    if replaced == "archive":
        (folder / f"{mine.digest}.tar.gz").write_bytes((folder / f"{other.digest}.tar.gz").read_bytes())
    else:
        (folder / f"{mine.digest}.tar.gz").unlink()
    with pytest.raises(GateRefused, match="holds" if replaced == "archive" else "does not hold release"):
        vouched(site)


def test_a_model_that_was_not_trained_here_is_signed_by_the_releases_digest_alone(site: Site) -> None:
    mine = site.release("1")
    lines = made(site).path.read_text().splitlines(keepends=True)
    made(site).path.write_text("".join(line for line in lines if not line.startswith("model ")))
    with pytest.raises(GateRefused, match="signature: .* its model is not the one that was trained here last") as caught:
        vouched(site)
    assert f"--release={mine.digest}" in caught.value.next_step
    assert vouched(site, mine.digest).release == mine


def forged(site: Site, stage: str, reason: str, **judged: str) -> Verdict:
    """Write a verdict into the registry, as anybody can who may write there."""
    verdict = Verdict.of(stage, [Rule(name="a", outcome=Outcome.PASS, reason=reason)], judged=judged)
    Verdicts(site.store).record(verdict)
    return verdict


def test_a_verdict_that_was_reached_elsewhere_is_left_out_and_named(site: Site) -> None:
    mine = site.release("1", judged=Outcome.FAIL)
    security = forged(site, "security", "all good", release=mine.digest)
    better = forged(site, "validate_model", "all good", artifact=mine.artifact, champion="none")
    found = vouched(site)
    assert {stage: verdict.outcome for stage, verdict in found.verdicts.items()} == {"validate_model": Outcome.FAIL}
    (line,) = found.left_out
    assert "security" in line and f'--verdicts="security={security.digest}"' in line
    forged(site, "validate_model", "all good", artifact=mine.artifact)
    (line, _) = vouched(site).left_out
    assert "validate_model" in line and better.digest not in line, "nothing is left of what was judged here"


def test_with_verdicts_that_are_named_no_others_count(site: Site) -> None:
    mine = site.release("1")
    security = forged(site, "security", "all good", release=mine.digest)
    found = vouched(site, mine.digest, f"security={security.digest}, integration=\nvalidate-data=")
    assert dict(found.verdicts) == {"security": security} and found.how["security"] == "named by its digest"
    assert "validate_model" in found.left_out[0]
    assert dict(vouched(site, mine.digest, "security=").verdicts) == {}, "a CI job that passed on nothing"
    forged(site, "security", "better still", release=mine.digest)
    with pytest.raises(GateRefused, match="signature: security: the registry holds no verdict"):
        vouched(site, mine.digest, f"security={security.digest}")


def test_a_verdict_on_another_model_of_the_same_name_does_not_count(site: Site) -> None:
    mine = site.release("1", judged=None)
    site.judge("validate_model", Outcome.PASS, artifact=mine.artifact, **{"artifact.files": "of another"})
    site.judge("security", Outcome.PASS, release="f" * 64)
    assert dict(vouched(site).verdicts) == {}


def test_what_was_judged_here_last_counts_though_the_registry_says_that_an_older_was_found_again(site: Site) -> None:
    mine = site.release("1", judged=None)
    site.judge("security", Outcome.PASS, release=mine.digest, tree="older")
    site.judge("security", Outcome.FAIL, release=mine.digest, tree="newer")
    older = Verdicts(site.store).find("security", {"release": mine.digest, "tree": "older"})
    assert older is not None and Verdicts(site.store).all("security")[-1].outcome is Outcome.PASS
    assert vouched(site).verdicts["security"].outcome is Outcome.FAIL


def test_an_image_that_was_not_built_here_is_left_out(site: Site) -> None:
    mine = site.release("1")
    Releases(site.store).add_image(image(mine, "a"))
    found = vouched(site)
    assert found.images == () and "was not built on this machine" in found.left_out[0]
    made(site).add(of_image(mine.digest), image(mine, "a").id)
    assert vouched(site).images == (image(mine, "a"),)


@pytest.mark.slow
def test_what_a_key_that_counts_has_signed_can_be_signed_with_another_elsewhere(signed: Signed) -> None:
    site = signed.site
    release = site.release("1")
    Releases(site.store).add_image(image(release, "a"))
    made(site).add(of_image(release.digest), image(release, "a").id)
    sign(release)
    made(site).path.unlink()
    found = vouched(site, release.digest)
    assert found.images == (image(release, "a"),) and list(found.verdicts) == ["validate_model"] and found.left_out == ()
    assert {found.how[name] for name in ("validate_model", image(release, "a").id)} == {"signed before"}
    forged(site, "validate_model", "all good", artifact=release.artifact)
    Releases(site.store).add_image(image(release, "b"))
    found = vouched(site, release.digest)
    assert found.images == () and dict(found.verdicts) == {} and len(found.left_out) == 2
    switch_on(site, str(new_pair(signed.private.with_name(f"new {signed.private.name}"), site.root)[1]))
    site.judge("validate_model", Outcome.PASS, artifact=release.artifact)
    made(site).path.unlink()
    assert dict(vouched(site, release.digest).verdicts) == {}, "the old key counts no more"


@pytest.mark.parametrize(
    ("given", "words"),
    [("secure=1", "is no stage"), ("security=1", "must be a whole digest"), (f"deploy={'f' * 64}", "is no stage")],
)
def test_a_verdict_is_named_by_stage_and_whole_digest(site: Site, given: str, words: str) -> None:
    site.release("1")
    with pytest.raises(UsageError, match=words):
        vouched(site, "", given)
