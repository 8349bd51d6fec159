"""A little project that asks for signatures, and its key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateline.contracts.release import PAYLOAD_TYPE, Release
from gateline.contracts.verdict import Verdict
from gateline.registry.releases import Signatures
from gateline.settings import Settings, load
from infra import commands
from infra.releases.signing import keys
from infra.releases.signing.checking import Claim, checks
from infra.releases.signing.trust import Check
from infra.rollout.evidence import newest
from tests.infra.tiny_project import Site


@dataclass
class Signed:
    """The project, and what its signatures are worth."""

    site: Site
    private: Path

    @property
    def settings(self) -> Settings:
        """The settings now."""
        return load(self.site.root / "pipeline.toml")

    def payload(self, release: Release) -> bytes:
        """Return the signed statement of a release, opened."""
        sealed = Signatures(self.site.store).release(release.digest)
        return keys.open_sealed(sealed or b"", PAYLOAD_TYPE, keys.public_keys(self.settings, self.site.root), "it")[0]

    def ask(self, release: Release, *stages: str) -> dict[str, Check]:
        """Return every check of a release by its subject."""
        store, settings = self.site.store, self.settings
        seen: dict[str, Verdict | None] = {stage: newest(store, release, stage, False) for stage in stages}
        return {check.subject: check for check in checks(Claim(settings, self.site.root, store, release, seen))}

    def refused(self, release: Release, *stages: str) -> dict[str, str]:
        """Return what does not hold, and why."""
        return {name: check.reason for name, check in self.ask(release, *stages).items() if not check.holds}


@pytest.fixture
def signed(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Signed:
    """The project with signing switched on, its private key in the environment."""
    private, public = keys.new_pair(tmp_path / "my keys" / tmp_path.name, site.root)
    switch_on(site, str(public))
    monkeypatch.setenv(keys.VARIABLE, str(private))
    return Signed(site, private)


def switch_on(site: Site, *public: str, **more: Any) -> None:
    """Name the keys that count in the settings."""
    site.change({"signing.keys": list(public)} | more)


def sign(release: Release) -> None:
    """Sign as a user does who knows the release, whichever was trained last."""
    assert commands.sign(release.digest) == 0
