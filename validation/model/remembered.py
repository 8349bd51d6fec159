"""The test rows of a recorded artifact: the versions it was trained with, though others lie there now."""

from __future__ import annotations

from collections.abc import Iterator

from gateline.contracts.manifest import MANIFEST_FILE, Manifest, Objects
from gateline.rows.digests import data_digest
from gateline.rows.sources import pinned
from gateline.settings.errors import GateRefused
from gateline.settings.secrets import redacted
from validation.model.subject import Subject


def remembered(candidate: Subject, url: str) -> str | Objects:
    """Return the test rows that a candidate's manifest remembers behind `url`; what is there now where it remembers none.

    Raises GateRefused (rule `digest`) where neither the remembered versions nor what is there now are those rows.
    """
    manifest = Manifest.model_validate_json(candidate.files[MANIFEST_FILE]) if candidate.files else None
    kept = manifest.objects.get("test") if manifest else None
    if manifest is None or kept is None or kept.url != url:
        return pinned(url)
    for rows in _places(kept, url):
        if _digest(rows) == manifest.inputs["test"]:
            return rows
    raise GateRefused(
        f"{redacted(url)} is not what {manifest.version} was trained with, and that version is kept no more",
        "train on what is there: nox -s train; or name the rows to judge on: --test-data URL", rule="digest",
    )


def _places(kept: Objects, url: str) -> Iterator[str | Objects]:
    """What is there now is looked at only where the remembered versions are gone: the same rows may have come back."""
    yield kept
    yield pinned(url)


def _digest(rows: str | Objects) -> str:
    try:
        return data_digest(rows)
    except GateRefused:
        return ""
