"""The fixtures of the integration tests, those of a copy's own in tests/integration/ included: they ask a running release."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest


@pytest.fixture()
def client() -> Iterator[httpx.Client]:
    """A client of the release on trial."""
    with httpx.Client(base_url=os.environ["GATELINE_URL"], timeout=10.0) as opened:
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
