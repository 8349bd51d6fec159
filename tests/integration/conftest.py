"""Integration tests ask a running release; without one (`nox -s integration` starts it) there is nothing to collect."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

URL = os.environ.get("GATELINE_URL", "")
collect_ignore_glob = [] if URL else ["test_*.py"]


@pytest.fixture()
def client() -> Iterator[httpx.Client]:
    """A client of the release on trial."""
    with httpx.Client(base_url=URL, timeout=10.0) as opened:
        yield opened


@pytest.fixture(scope="session")
def artifact() -> Path:
    """The artifact inside the release's bundle."""
    return Path(os.environ["GATELINE_BUNDLE"]) / "artifact"


@pytest.fixture(scope="session")
def golden(artifact: Path) -> dict[str, Any]:
    """The golden rows by name, and their offline scores."""
    manifest = json.loads((artifact / "manifest.json").read_bytes())
    body = json.loads((artifact / "golden.json").read_bytes())
    named = [dict(zip(manifest["features"], row, strict=True)) for row in body["rows"]]
    return {"manifest": manifest, "rows": named, "positional": body["rows"], "scores": body["scores"]}
