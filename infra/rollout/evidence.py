"""What the gates said of a release: the newest verdict of each stage on exactly this release, artifact, data and image."""

from collections.abc import Mapping

from gateline.contracts.release import Release
from gateline.contracts.verdict import Verdict
from gateline.registry.artifacts import Artifacts
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.registry.verdicts import Verdicts
from gateline.stages import judges

DATA = ("train", "test", "schema")
"""The inputs of an artifact that `validate_data` judges."""


def newest(store: Store, release: Release, stage: str, in_containers: bool) -> Verdict | None:
    """Return the newest verdict of `stage` on a release, or None. `in_containers`: its image counts, not its bundle alone."""
    inputs = Artifacts(store).manifest(release.artifact).inputs if judges(stage) == "data" else {}
    images = Releases(store).images(release.digest) if in_containers else []
    fitting = about(store, stage, subject(stage, release, inputs, images[0].id if images else ""))
    return fitting[-1] if fitting else None


def subject(stage: str, release: Release, inputs: Mapping[str, str], image: str = "") -> dict[str, str]:
    """Return the digests that a stage's verdict must be about: data of `inputs`, artifact, or release and image."""
    match judges(stage):
        case "data":
            return {name: inputs.get(name, "unknown") for name in DATA}
        case "artifact":
            return {"artifact": release.artifact}
    return {"release": release.digest} | ({"image": image} if image else {})


def subject_key(stage: str, judged: Mapping[str, str]) -> str:
    """Return what a verdict, or `subject`, is about, as one text.

    What a verdict only compared its subject with (the champion, stable) is no part of it.
    """
    kind = judges(stage)
    return " ".join(judged.get(name, "") for name in (DATA if kind == "data" else (kind,)))


def about(store: Store, stage: str, subject: Mapping[str, str]) -> list[Verdict]:
    """Return the verdicts of a stage on these digests that let in or keep out, the newest last."""
    return [verdict for verdict in Verdicts(store).counting(stage) if subject.items() <= verdict.judged.items()]
