"""Before the gate: a champion counts as vouched for where a signed statement names its very files."""

from __future__ import annotations

import json

import pytest

from gateline.contracts.manifest import MANIFEST_FILE
from gateline.contracts.release import Release
from gateline.registry.artifacts import CHAMPION
from gateline.registry.made_here import SIGNED_MODEL, Made
from infra.releases.signing.champion import main, note_if_signed
from infra.releases.signing.keys import new_pair
from tests.infra.releases.signing.conftest import Signed, sign, signed, switch_on

__all__ = ["signed"]
pytestmark = pytest.mark.slow


def noted(signed: Signed) -> list[str]:
    """Look, and return the digests that are kept."""
    known = note_if_signed(signed.settings, signed.site.root)
    found = Made.of(signed.settings, signed.site.root).all(SIGNED_MODEL)
    assert known is bool(found)
    return found


def champion(signed: Signed, version: str = "1") -> Release:
    """Return a signed release, its artifact the champion."""
    release = signed.site.release(version)
    sign(release)
    signed.site.target().artifacts.point(CHAMPION, release.artifact)
    return release


def test_a_signed_champion_is_noted(signed: Signed) -> None:
    assert noted(signed) == [], "there is none"
    champion(signed)
    assert len(noted(signed)) == 1


def test_an_unsigned_one_is_not(signed: Signed) -> None:
    champion(signed)
    signed.site.target().artifacts.point(CHAMPION, signed.site.release("2").artifact)
    assert noted(signed) == []


def test_other_files_under_its_identity_are_not(signed: Signed) -> None:
    release = champion(signed)
    registry = signed.site.root / ".gateline/registry/tiny"
    path = registry / "artifacts" / release.artifact / MANIFEST_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"threshold": 0.9}))
    assert main() == 0 and Made.of(signed.settings, signed.site.root).all(SIGNED_MODEL) == []


def test_a_key_that_counts_no_more_vouches_for_nothing(signed: Signed) -> None:
    champion(signed)
    switch_on(signed.site, str(new_pair(signed.private.with_name("newer"), signed.site.root)[1]))
    assert noted(signed) == []
