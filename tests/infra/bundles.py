"""Releases for the engine's tests: the service's HTTP contract in the standard library alone, so that it starts at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gateline.contracts.digest import of_bytes
from gateline.contracts.release import RELEASE_FILE, Release
from gateline.settings import Service
from infra.host.bundle import digest_of, pack

SOURCE = Path(__file__).with_name("tiny_service.py")


def make(
    folder: Path,
    version: str = "1",
    *,
    workers: int = 1,
    drain_seconds: float = 5.0,
    project: str = "tiny",
    **knobs: Any,
) -> Release:
    """Write a bundle into `folder`. Knobs: see tiny_service.py. Equal arguments give an equal digest."""
    (folder / "service").mkdir(parents=True)
    (folder / "service" / "__main__.py").write_text(SOURCE.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "service" / "knobs.json").write_text(json.dumps(knobs), encoding="utf-8")
    (folder / "service.txt").write_text("", encoding="utf-8")
    release = Release(
        version=version,
        artifact="0" * 64,
        project=project,
        lock=of_bytes(b""),
        python="3.11",
        service=Service(workers=workers, drain_seconds=drain_seconds),
        created=f"2026-01-01T00:00:00.{version.zfill(3)}",
    )
    for _ in range(2):
        (folder / RELEASE_FILE).write_text(release.model_dump_json(), encoding="utf-8")
        release = release.model_copy(update={"digest": digest_of(folder)})
    return release


def packed(folder: Path, version: str = "1", **knobs: Any) -> tuple[Release, bytes]:
    """Return a release of this kind and its archive."""
    release = make(folder, version, **knobs)
    return release, pack(folder)
