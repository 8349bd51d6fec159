"""Pack an artifact and the service into a release: a folder that runs, with the lock of the environment it runs in."""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from gateline.contracts.digest import NO_SOURCES, of_file, of_tree, of_value
from gateline.contracts.manifest import MANIFEST_FILE, Manifest
from gateline.contracts.release import ARTIFACT_FOLDER, FORMER, PACKED, RELEASE_FILE, TRUSTED_FILE, Release
from gateline.contracts.shaping import changed_since
from gateline.registry.artifacts import CANDIDATE, Artifacts
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.settings import Settings
from gateline.settings.errors import GateRefused
from gateline.settings.shown import tell
from infra.host.actor import commit
from infra.host.bundle import checked, digest_of, pack
from infra.releases.scorer import Chosen, choose

GROUND = ("gateline/__init__.py", "gateline/former.py")


def build(
    settings: Settings, reference: str = CANDIDATE, root: Path = Path("."), say: Callable[[str], None] = tell
) -> Release:
    """Pack the artifact behind `reference` into a release of the registry.

    Equal inputs give an equal digest; a release that is in the registry already, and whole, is not packed again.
    Raises UsageError for an unknown reference and GateRefused (rule `digest`) for a changed artifact, one that was
    trained with another `model/` than the one that would be packed with it, and for a candidate that the settings no
    longer describe. An artifact asked for by its version may have been trained by others.
    """
    store = Store.of(settings)
    artifacts, releases = Artifacts(store), Releases(store)
    files = artifacts.files(artifacts.resolve(reference))
    manifest = Manifest.model_validate_json(files[MANIFEST_FILE])
    changed = changed_since(manifest, settings) if reference == CANDIDATE else []
    if changed:
        raise GateRefused(
            f"the candidate {manifest.version} is not what pipeline.toml describes now: {'; '.join(changed)}",
            f"nox -s train, then nox -s validate_model; to build it as it is: invoke build --model={manifest.version}",
            rule="digest",
        )
    with tempfile.TemporaryDirectory(prefix="gateline-build-") as scratch:
        folder = Path(scratch) / "bundle"
        release = assemble(folder, files, settings, root, say)
        kept = _kept(releases, release.digest)
        if kept is not None:
            say(f"{kept.name} is built already: nothing to do")
            return kept
        archive = pack(folder)
    releases.add(release, archive)
    say(f"built {release.name}: {len(archive) / 1024:.0f} kB, digest {release.digest}")
    return release


def _kept(releases: Releases, digest: str) -> Release | None:
    """Return the release in the registry, as its archive says; None where it is not there, or is not what was written."""
    try:
        return checked(releases.archive(digest), digest) if releases.has(digest) and releases.get(digest) else None
    except (GateRefused, FileNotFoundError):
        return None


def assemble(
    folder: Path, files: dict[str, bytes], settings: Settings, root: Path, say: Callable[[str], None] = tell
) -> Release:
    """Lay out the bundle in `folder` and return its release record, digest included; say what scores in it.

    Raises GateRefused (rule `digest`) where `model/` is not as it was when the artifact was trained.
    """
    folder.mkdir(parents=True)
    packages = (*PACKED, *(former for former in FORMER if (root / former).is_dir()))
    for path in (package.replace(".", "/") for package in packages):
        shutil.copytree(root / path, folder / path, ignore=shutil.ignore_patterns(*NO_SOURCES))
    for path in GROUND:
        shutil.copyfile(root / path, folder / path)
    (folder / ARTIFACT_FOLDER).mkdir()
    for name, data in files.items():
        (folder / ARTIFACT_FOLDER / name).write_bytes(data)
    manifest = Manifest.model_validate_json(files[MANIFEST_FILE])
    if manifest.inputs.get("model") != of_value(of_tree(folder / "model")):
        raise GateRefused(
            f"model/ is not as it was when {manifest.version} was trained: its answers would be another model's",
            "nox -s train" + (f", or build from commit {manifest.commit}" if manifest.commit else ""), rule="digest",
        )
    if settings.model.trusted:
        (folder / TRUSTED_FILE).write_text(json.dumps(sorted(settings.model.trusted)), encoding="utf-8")
    chosen = choose(folder, settings, root)
    say(chosen.told)
    shutil.copyfile(root / chosen.lock, folder / "service.txt")
    return _recorded(folder, manifest, settings, chosen)


def _recorded(folder: Path, manifest: Manifest, settings: Settings, chosen: Chosen) -> Release:
    """Write the release's record into its bundle, and then its digest into the record."""
    release = Release(
        version=manifest.version,
        artifact=manifest.identity,
        project=settings.project.name,
        lock=of_file(folder / "service.txt"),
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        service=settings.service,
        commit=commit(),
        created=datetime.now(UTC).isoformat(timespec="milliseconds"),
        scorer="generated" if chosen.generated else "scikit-learn",
        scorer_reason=chosen.reason,
    )
    record = folder / RELEASE_FILE
    record.write_text(release.model_dump_json(indent=2), encoding="utf-8")
    release = release.model_copy(update={"digest": digest_of(folder)})
    record.write_text(release.model_dump_json(indent=2), encoding="utf-8")
    return release
