"""Gather what is scanned: the tree's files, and the release (or, before one is built, the candidate) as it lies there."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gateline.contracts.digest import of_tree
from gateline.contracts.manifest import MANIFEST_FILE, Manifest
from gateline.contracts.release import ARTIFACT_FOLDER, Release
from gateline.registry.artifacts import CANDIDATE, Artifacts
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.settings import Settings
from gateline.settings.errors import GateRefused, UsageError
from infra.host import bundle
from infra.security.subject import LOCKS, Subject, files_of

SERVICE_LOCK = f"{LOCKS}/service.txt"


def gather(settings: Settings, root: Path, reference: str = "") -> Subject:
    """Return the subject.

    `reference` is a bundle folder, or a digest, name or version of the registry; empty for the release built last.

    Raises UsageError for an unknown release.
    """
    files = files_of(root)
    lock = root / SERVICE_LOCK
    tree = Subject(
        root=root,
        gate=settings.gates.security,
        files=files,
        rows=frozenset(files) & {settings.data.train, settings.data.test},
        project=settings.project.name,
        service_lock=lock.read_text(encoding="utf-8") if lock.is_file() else "",
        in_containers=settings.runs_containers,
        trusted=settings.model.trusted,
    )
    store = Store.of(settings)
    if reference and Path(reference).is_dir():
        return _with_folder(tree, store, Path(reference))
    try:
        release = Releases(store).resolve(reference)
    except UsageError:
        if reference:
            raise
        return _with_candidate(tree, store)
    image = next(iter(Releases(store).images(release.digest)), None)
    return _with_release(replace(tree, image=image), store, release)


def _with_release(tree: Subject, store: Store, release: Release) -> Subject:
    with tempfile.TemporaryDirectory(prefix="gateline-scan-") as scratch:
        folder = Path(scratch) / "bundle"
        try:
            bundle.unpack(Releases(store).archive(release.digest), folder)
        except (GateRefused, FileNotFoundError) as error:
            message = error.message if isinstance(error, GateRefused) else f"the archive of {release.name} is missing"
            return replace(tree, release=release, refusals=(message,))
        return _read(tree, store, folder, release)


def _with_folder(tree: Subject, store: Store, folder: Path) -> Subject:
    try:
        release = bundle.read_release(folder)
    except GateRefused as error:
        raise UsageError(error.message, "name a release bundle's folder, or a digest of the registry") from None
    return _read(tree, store, folder, release)


def _read(tree: Subject, store: Store, folder: Path, release: Release) -> Subject:
    """Read a bundle's files into memory; what its digest refuses is kept as a finding, so that all rules are judged."""
    try:
        bundle.verify(folder, release)
        release = bundle.record_in(folder, release.digest)
        refusals: tuple[str, ...] = ()
    except GateRefused as error:
        refusals = (error.message,)
    carried = {name: (folder / name).read_bytes() for name in of_tree(folder) if not name.startswith(f"{ARTIFACT_FOLDER}/")}
    lock = carried.get("service.txt", b"").decode("utf-8", "replace")
    return _with_artifact(
        replace(tree, release=release, bundle=carried, service_lock=lock),
        store,
        {path.name: path.read_bytes() for path in sorted((folder / ARTIFACT_FOLDER).glob("*")) if path.is_file()},
        release.artifact,
        refusals,
    )


def _with_candidate(tree: Subject, store: Store) -> Subject:
    identity = Artifacts(store).alias(CANDIDATE)
    if identity is None:
        return tree
    folder = f"artifacts/{identity}"
    return _with_artifact(tree, store, {name: store.read(f"{folder}/{name}") for name in store.names(folder)}, identity)


def _with_artifact(
    tree: Subject, store: Store, files: Mapping[str, bytes], identity: str, refusals: tuple[str, ...] = ()
) -> Subject:
    recorded: Manifest | None = None
    try:
        recorded = Artifacts(store).manifest(identity) if Artifacts(store).has(identity) else None
    except GateRefused as error:
        refusals = (*refusals, error.message)
    known = recorded.model_dump_json(indent=2).encode() if recorded else None
    refusals = (*refusals, *([] if files else [f"artifact {identity[:12]} has no files (not even {MANIFEST_FILE})"]))
    return replace(tree, artifact=dict(files), recorded_manifest=known, refusals=refusals)
