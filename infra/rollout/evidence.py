"""What the gates said of a release: the newest verdict of each stage on exactly this release, artifact, data and image."""

from __future__ import annotations

from contracts.release import Release
from contracts.verdict import Verdict
from registry.artifacts import Artifacts
from registry.releases import Releases
from registry.store import Store
from registry.verdicts import Verdicts

DATA = ("train", "test", "schema")
"""The inputs of an artifact that `validate_data` judges."""


def newest(store: Store, release: Release, stage: str, in_containers: bool) -> Verdict | None:
    """Return the newest verdict of `stage` on a release, or None. `in_containers`: its image counts, not its bundle alone."""
    subject = _subject(store, release, stage, in_containers)
    fitting = [verdict for verdict in Verdicts(store).counting(stage) if subject.items() <= verdict.judged.items()]
    return fitting[-1] if fitting else None


def _subject(store: Store, release: Release, stage: str, in_containers: bool) -> dict[str, str]:
    """Return the digests that a stage's verdict must be about: data, the artifact, or the release itself and its image."""
    if stage == "validate_data":
        inputs = Artifacts(store).manifest(release.artifact).inputs
        return {name: inputs[name] for name in DATA}
    if stage == "validate_model":
        return {"artifact": release.artifact}
    images = Releases(store).images(release.digest) if in_containers else []
    return {"release": release.digest} | {"image": image.id for image in images[:1]}
