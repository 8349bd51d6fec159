"""Who is judged, against whom and by which limits: artifacts by alias, version, identity or folder. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from gateline.contracts.digest import of_bytes, of_value
from gateline.contracts.manifest import MANIFEST_FILE, Manifest, Objects
from gateline.registry.artifacts import CHAMPION, Artifacts
from gateline.registry.audit import Told
from gateline.registry.made import content_of
from gateline.settings import PRODUCTION
from gateline.settings.errors import GateRefused, UsageError
from validation.model.limits import Limit

MODEL_SUFFIXES = (".pkl", ".pickle", ".joblib", ".sav", ".skops", ".onnx", ".h5", ".pt")
GONE = "unknown"
"""The version of a champion that no alias names any more."""
LOST = f"yet no alias '{CHAMPION}' says which model is to be compared with"
AGAIN = f"invoke up --env={PRODUCTION}, which lets the alias name what serves"
FROM_THE_REGISTRY = "do not use it; take the artifact from the registry: --model candidate"
REGISTER = "name its estimator under [model] in pipeline.toml and register it: nox -s train; then: --model candidate"


@dataclass(frozen=True)
class Subject:
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


def subject_of(reference: str, artifacts: Artifacts) -> Subject:
    """Return the artifact behind an alias, a version, an identity or a folder.

    Raises UsageError where there is none, and for a bare model file, which is never opened.
    """
    path = Path(reference)
    if path.is_file() or path.suffix in MODEL_SUFFIXES:
        raise _bare(path)
    if path.is_dir():
        return _in_folder(path, artifacts)
    identity = artifacts.resolve(reference)
    try:
        return Subject(identity, artifacts.manifest(identity).version, artifacts.files(identity))
    except GateRefused as refusal:
        return Subject(identity, refusal=refusal)


def champion_of(reference: str, artifacts: Artifacts, told: Callable[[], Told | None]) -> Subject | None:
    """Return the artifact to compare with; None for `none`, and for the alias `champion` while nothing is in production.

    `told` says what the audit log tells of production: where it tells of a release, an alias that is gone is no reason to
    compare with nothing, whoever took it away.
    """
    if reference == "none":
        return None
    if reference != CHAMPION or artifacts.alias(CHAMPION) is not None:
        return subject_of(reference, artifacts)
    found = told()
    if found is None:
        return None
    return Subject(f"gone-{found.artifact}", GONE, refusal=GateRefused(f"{found.why}; {LOST}", AGAIN))


def _bare(path: Path) -> UsageError:
    if not path.is_file():
        return UsageError(f"{path}: no such file, and a bare model file would be refused", REGISTER)
    return UsageError(f"{path}: is a bare model file; it was not opened, because loading one can run code", REGISTER)


def _in_folder(folder: Path, artifacts: Artifacts) -> Subject:
    """A folder may claim any identity: unless the registry holds that very manifest, it is recorded under its content."""
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise UsageError(f"{folder}: holds no {MANIFEST_FILE}, so it is no artifact", REGISTER)
    data = path.read_bytes()
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        unreadable = GateRefused(f"{path} is not readable: {error.errors()[0]['msg']}", rule="digest")
        return Subject(of_bytes(data), refusal=unreadable)
    stored = _is_stored(manifest.identity, data, artifacts)
    identity = manifest.identity if stored else of_bytes(data)
    files = {name: (folder / name).read_bytes() for name in manifest.files if (folder / name).is_file()}
    for name, digest in manifest.files.items():
        if name not in files or of_bytes(files[name]) != digest:
            refusal = GateRefused(f"{name} in {folder} is not the file that training wrote", FROM_THE_REGISTRY, rule="digest")
            return Subject(identity, manifest.version, refusal=refusal)
    return Subject(identity, manifest.version, files | {MANIFEST_FILE: data})


def _is_stored(identity: str, manifest: bytes, artifacts: Artifacts) -> bool:
    try:
        return artifacts.has(identity) and artifacts.files(identity)[MANIFEST_FILE] == manifest
    except GateRefused:
        return False


@dataclass(frozen=True)
class Contest:
    """One run of the gate on a model."""

    candidate: Subject
    champion: Subject | None
    champion_asked: bool
    """Whether the champion was named on the command line."""
    test: str | Objects
    """The rows they are judged on."""
    limits: tuple[Limit, ...]
    accepted: str = ""
    """Digest of the champion's files that somebody vouches for by hand, whatever else does."""
    asked: str = ""
    """Digest of what the command line put in place of the settings: limits, test data, champion; empty for nothing."""
