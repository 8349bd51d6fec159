"""The names of an image, as they are usual: by commit, by version, by the tag of the commit, and `latest`."""

from __future__ import annotations

import re
from pathlib import Path

from gateline.contracts.git import ask
from gateline.contracts.release import Release
from gateline.settings import Settings

SEMVER = re.compile(r"v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$")
"""https://semver.org, without build metadata, which a tag cannot hold."""


def repository(settings: Settings) -> str:
    """Return the name that images of this project have."""
    return settings.image.repository or settings.project.name


def tags(settings: Settings, release: Release, versions: tuple[str, ...]) -> tuple[str, ...]:
    """Return the full names of a release's image; `versions` are the git tags of its commit."""
    commit = re.sub(r"^([0-9a-f]{7})[0-9a-f]{33}", r"\1", re.sub(r"[^0-9A-Za-z_.-]", "-", release.commit)) or "nogit"
    semver = [found.group(1) for version in versions if (found := SEMVER.match(version))]
    names = [release.name.replace("+", "-"), f"sha-{commit}", *semver, "latest"]
    return tuple(f"{repository(settings)}:{name}" for name in names)


def git_tags() -> tuple[str, ...]:
    """Return the tags of the commit that is checked out; none outside git."""
    return tuple((ask(Path("."), "tag", "--points-at", "HEAD") or "").split())
