"""Artifacts of the registry, changed as a fault would change them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gateline.contracts.digest import of_bytes, of_value
from gateline.contracts.manifest import GOLDEN_FILE, MANIFEST_FILE, Manifest
from gateline.registry.artifacts import Artifacts


def stored_again(artifacts: Artifacts, original: Mapping[str, bytes], name: str, **changes: Any) -> str:
    """Store a copy of an artifact under another identity, files and manifest fields changed, and return the identity.

    The digests are made again: this is what a wrong training would have written, not a file that was touched later.
    """
    changed = dict(original)
    manifest = Manifest.model_validate_json(changed.pop(MANIFEST_FILE))
    changed |= {file: data for file, data in changes.pop("files", {}).items()}
    fields = {
        "identity": of_value({"copy": name}),
        "version": f"20260101-{name}",
        "files": {file: of_bytes(data) for file, data in changed.items()},
        **changes,
    }
    return artifacts.add(manifest.model_copy(update=fields), changed).identity


def golden_with(files: Mapping[str, bytes], **changes: Any) -> bytes:
    """Return the golden file with some of its keys replaced."""
    return json.dumps(json.loads(files[GOLDEN_FILE]) | changes).encode()
