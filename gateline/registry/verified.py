"""An artifact whose files are those that were written: what is read from them with neither numpy nor the estimator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from gateline.contracts import schema as schemas
from gateline.contracts.digest import of_bytes
from gateline.contracts.manifest import GOLDEN_FILE, MANIFEST_FILE, MODEL_FILE, REFERENCE_FILE, SCHEMA_FILE, Manifest
from gateline.contracts.schema import Schema
from gateline.settings.errors import GateRefused

NEEDED = (MODEL_FILE, SCHEMA_FILE, GOLDEN_FILE, REFERENCE_FILE)
REPAIR = "do not use it; train again, or restore the registry from a copy"


@dataclass(frozen=True)
class Verified:
    """What an artifact says of its model."""

    manifest: Manifest
    schema: Schema
    golden: dict[str, Any]
    reference: dict[str, Any]


def verify(files: Mapping[str, bytes]) -> Verified:
    """Compare an artifact's files, the model's among them, with the digests in its manifest; return what they say.

    Raises GateRefused (rule `digest`).
    """
    try:
        manifest = Manifest.model_validate_json(files[MANIFEST_FILE])
    except KeyError:
        raise GateRefused(f"{MANIFEST_FILE} is missing: this is no artifact", REPAIR, rule="digest") from None
    except ValidationError as error:
        raise GateRefused(f"{MANIFEST_FILE} is not readable: {error.errors()[0]['msg']}", REPAIR, rule="digest") from None
    for name in sorted({*manifest.files, *NEEDED}):
        if name not in files or of_bytes(files[name]) != manifest.files.get(name):
            raise GateRefused(f"{name} of {manifest.version} is not the file that was written", REPAIR, rule="digest")
    return Verified(
        manifest=manifest,
        schema=schemas.parse(json.loads(files[SCHEMA_FILE]), SCHEMA_FILE),
        golden=json.loads(files[GOLDEN_FILE]),
        reference=json.loads(files[REFERENCE_FILE]),
    )
