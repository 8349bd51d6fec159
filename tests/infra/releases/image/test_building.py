"""What an image is built from, before any daemon is asked."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

import infra.engines  # noqa: F401  (engines and images know each other: this way round they can be imported)
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.settings import load
from gateline.settings.errors import GateRefused
from infra.host.docker import Docker
from infra.releases.image.builders import Builder
from infra.releases.image.building import Workshop
from tests.infra import bundles


def test_no_image_is_built_from_another_archive(tmp_path: Path) -> None:
    (release, _), (_, other) = bundles.packed(tmp_path / "made"), bundles.packed(tmp_path / "other", latency=1)
    releases = Releases(Store(str(tmp_path), "tiny"))
    releases.add(release, other)
    asked_of_nobody = cast(Docker, None), cast(Builder, None)
    workshop = Workshop(load(environ={}), *asked_of_nobody, "linux/amd64", tmp_path)
    with pytest.raises(GateRefused, match=f"^digest: the archive of release {release.digest[:12]} holds "):
        workshop.image_of(release, releases, print)
    assert releases.images(release.digest) == []
