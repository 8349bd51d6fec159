"""Who is judged, against whom, on which rows: artifacts by alias, version, identity or folder. Imports nothing heavy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from gateline.contracts.digest import of_bytes, of_value
from gateline.contracts.manifest import MANIFEST_FILE, Manifest, Objects
from gateline.registry.artifacts import CHAMPION, Artifacts
from gateline.registry.audit import Told
from gateline.registry.made_here import content_of
from gateline.rows.sources import data_digest, pinned
from gateline.settings import PRODUCTION
from gateline.settings.errors import GateRefused, UsageError
from gateline.settings.secrets import redacted
from validation.model.limits import Limit

MODEL_SUFFIXES = (".pkl", ".pickle", ".joblib", ".sav", ".skops", ".onnx", ".h5", ".pt")
GONE = "unknown"
"""The version of a champion that no alias names any more."""
LOST = f"yet no alias '{CHAMPION}' says which model is to be compared with"
AGAIN = f"invoke up --env={PRODUCTION}, which lets the alias name what serves"
FROM_THE_REGISTRY = "do not use it; take the artifact from the registry: --model candidate"
REGISTER = "name its estimator under [model] in pipeline.toml and register it: nox -s train; then: --model candidate"


@dataclass(frozen=True)
class Contender:
    """Verified files of an artifact, or why they are none."""

    identity: str
    """What a verdict on it is recorded under."""
    version: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    refusal: GateRefused | None = None

    @property
    def content(self) -> str:
        """Return one digest of all files; of one that cannot be read, a digest of which it is, and of no other's."""
        return content_of(self.files) if self.files else of_value(["unread", self.identity])

    @property
    def manifest(self) -> Manifest | None:
        data = self.files.get(MANIFEST_FILE)
        return Manifest.model_validate_json(data) if data is not None else None


@dataclass(frozen=True)
class ModelTask:
    """What one run of the gate on a model judges."""

    candidate: Contender
    champion: Contender | None
    champion_asked: bool
    """Whether the champion was named on the command line."""
    test: str | Objects
    """The rows they are judged on."""
    limits: tuple[Limit, ...]
    accepted: str = ""
    """Digest of the champion's files that somebody vouches for by hand, no matter what else does."""
    asked: str = ""
    """Digest of what the command line put in place of the settings: limits, test data, champion; empty for nothing."""


def contender_of(reference: str, artifacts: Artifacts) -> Contender:
    """Return the artifact behind an alias, a version, an identity or a folder.

    Raises UsageError where there is none, and for a bare model file, which is never opened.
    """
    path = Path(reference)
    if path.is_file():
        raise UsageError(f"{path}: is a bare model file; it was not opened, because loading one can run code", REGISTER)
    if path.suffix in MODEL_SUFFIXES:
        raise UsageError(f"{path}: no such file, and a bare model file would be refused", REGISTER)
    if path.is_dir():
        return _in_folder(path, artifacts)
    identity = artifacts.resolve(reference)
    try:
        return Contender(identity, artifacts.manifest(identity).version, artifacts.files(identity))
    except GateRefused as refusal:
        return Contender(identity, refusal=refusal)


def champion_of(reference: str, artifacts: Artifacts, told: Callable[[], Told | None]) -> Contender | None:
    """Return the artifact to compare with; None for `none`, and for the alias `champion` while nothing is in production.

    `told` says what the audit log tells of production: where it tells of a release, an alias that is gone is no reason to
    compare with nothing, no matter who took it away.
    """
    if reference == "none":
        return None
    if reference != CHAMPION or artifacts.alias(CHAMPION) is not None:
        return contender_of(reference, artifacts)
    found = told()
    if found is None:
        return None
    return Contender(f"gone-{found.artifact}", GONE, refusal=GateRefused(f"{found.why}; {LOST}", AGAIN))


def _in_folder(folder: Path, artifacts: Artifacts) -> Contender:
    """A folder may claim any identity: unless the registry holds that very manifest, it is recorded under its content."""
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise UsageError(f"{folder}: holds no {MANIFEST_FILE}, so it is no artifact", REGISTER)
    data = path.read_bytes()
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        unreadable = GateRefused(f"{path} is not readable: {error.errors()[0]['msg']}", rule="digest")
        return Contender(of_bytes(data), refusal=unreadable)
    identity = manifest.identity
    try:
        stored = artifacts.has(identity) and artifacts.files(identity)[MANIFEST_FILE] == data
    except GateRefused:
        stored = False
    identity = identity if stored else of_bytes(data)
    files = {name: (folder / name).read_bytes() for name in manifest.files if (folder / name).is_file()}
    for name, digest in manifest.files.items():
        if name not in files or of_bytes(files[name]) != digest:
            refusal = GateRefused(f"{name} in {folder} is not the file that training wrote", FROM_THE_REGISTRY, rule="digest")
            return Contender(identity, manifest.version, refusal=refusal)
    return Contender(identity, manifest.version, files | {MANIFEST_FILE: data})


def rows_of(candidate: Contender, url: str) -> str | Objects:
    """Return the test rows that a candidate's manifest remembers behind `url`, the versions it was trained with; what is
    there now where it remembers none.

    Raises GateRefused (rule `digest`) where neither the remembered versions nor what is there now are those rows.
    """
    manifest = candidate.manifest
    kept = manifest.objects.get("test") if manifest else None
    if manifest is None or kept is None or kept.url != url:
        return pinned(url)
    if _digest(kept) == manifest.inputs["test"]:
        return kept
    there = pinned(url)  # the same rows may have come back
    if _digest(there) == manifest.inputs["test"]:
        return there
    raise GateRefused(
        f"{redacted(url)} is not what {manifest.version} was trained with, and that version is kept no more",
        "train on what is there: nox -s train; or name the rows to judge on: --test-data URL", rule="digest",
    )


def _digest(rows: str | Objects) -> str:
    try:
        return data_digest(rows)
    except GateRefused:
        return ""
