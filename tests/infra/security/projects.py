"""Small projects for the scanners: a clean tree, a real model, an artifact and a release of it in a registry."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier

from gateline.contracts.digest import of_bytes, of_value
from gateline.contracts.manifest import GOLDEN_FILE, METRICS_FILE, MODEL_FILE, REFERENCE_FILE, SCHEMA_FILE, Manifest
from gateline.contracts.release import ARTIFACT_FOLDER, RELEASE_FILE, Release
from gateline.registry.artifacts import CANDIDATE, Artifacts
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.registry.trusted import types_of
from gateline.settings import SecurityGate, Service
from infra.host import bundle
from infra.security.subject import Subject, files_of

HASH = f"--hash=sha256:{'0123456789abcdef' * 4}"
LOCK = f"alpha==1.0 \\\n    {HASH}\nbeta==2.5 ; python_full_version >= '3.11' \\\n    {HASH} \\\n    {HASH}\n"
SETTINGS = """
[project]
name = "small"
[data]
target = "y"
[registry]
url = "registry"
[environments.staging]
port = 8199
"""
WORKFLOW = """name: ci
on: [push]
permissions: {}
concurrency:
  group: ci
jobs:
  first:
    runs-on: ubuntu-24.04
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - run: nox -s lint
  second:
    needs: first
    runs-on: ubuntu-24.04
    permissions:
      contents: read
    steps:
      - run: nox -s test
"""


def tree(root: Path) -> Path:
    """Write a project in which no scanner finds anything, and return its folder."""
    write(root, "pipeline.toml", SETTINGS)
    write(root, ".gitignore", "registry/\nreports/\n*.pyc\n")
    write(root, "requirements/service.txt", LOCK)
    write(root, "requirements/dev.txt", LOCK)
    write(root, "room/code.py", '"""A room."""\n\nVALUE = 1\n')
    write(root, ".github/workflows/ci.yml", WORKFLOW)
    return root


def write(root: Path, name: str, text: str) -> None:
    """Write one file of a project."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def subject(root: Path, artifact: dict[str, bytes] | None = None, gate: SecurityGate | None = None) -> Subject:
    """Return the subject of a tree, with an artifact as it is there."""
    return Subject(
        root=root,
        gate=gate or SecurityGate(),
        files=files_of(root),
        project="small",
        artifact=artifact or {},
        service_lock=(root / "requirements/service.txt").read_text(encoding="utf-8"),
    )


def model() -> bytes:
    """Return a real model file; it names one type that the loader does not trust by itself."""
    rows = np.arange(80, dtype=float).reshape(-1, 1)
    fitted = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=5).fit(rows, (rows[:, 0] > 40).astype(int))
    return bytes(skops.io.dumps(fitted))


def artifact(model_file: bytes, trusted: list[str] | None = None) -> tuple[Manifest, dict[str, bytes]]:
    """Return a manifest and the files it describes."""
    files = {name: b"{}" for name in (SCHEMA_FILE, METRICS_FILE, REFERENCE_FILE, GOLDEN_FILE)} | {
        MODEL_FILE: model_file
    }
    manifest = Manifest(
        identity=of_value({"model": of_bytes(model_file)}),
        version="20260101-abc1234",
        inputs={"model": of_bytes(model_file)},
        files={name: of_bytes(data) for name, data in files.items()},
        task="binary",
        target="y",
        features=("x",),
        trusted_types=tuple(types_of(model_file) if trusted is None else trusted),
    )
    return manifest, files


def register(root: Path, model_file: bytes) -> str:
    """Put an artifact into the project's registry as its candidate, and return its identity."""
    manifest, files = artifact(model_file)
    artifacts = Artifacts(store(root))
    stored = artifacts.add(manifest, files)
    artifacts.point(CANDIDATE, stored.identity)
    return stored.identity


def lay_out(folder: Path, root: Path, identity: str) -> Release:
    """Lay out a release bundle of a registered artifact in `folder`."""
    files = Artifacts(store(root)).files(identity)
    (folder / ARTIFACT_FOLDER).mkdir(parents=True)
    for name, data in files.items():
        (folder / ARTIFACT_FOLDER / name).write_bytes(data)
    write(folder, "service.txt", LOCK)
    release = Release(
        version=json.loads(files["manifest.json"])["version"],
        artifact=identity,
        project="small",
        lock=of_bytes(LOCK.encode()),
        python="3.11",
        service=Service(),
    )
    write(folder, RELEASE_FILE, release.model_dump_json(indent=2))
    release = release.model_copy(update={"digest": bundle.digest_of(folder)})
    write(folder, RELEASE_FILE, release.model_dump_json(indent=2))
    return release


def released() -> Release:
    """Return a release's record alone."""
    return Release(
        digest="d" * 64, version="1", artifact="a", project="small", lock="l", python="3.11", service=Service()
    )


def build(root: Path, model_file: bytes) -> Release:
    """Register a model, build a release of it, and choose it."""
    folder = root / "reports" / "bundle"
    release = lay_out(folder, root, register(root, model_file))
    releases = Releases(store(root))
    releases.add(release, bundle.pack(folder))
    releases.choose(release.digest)
    return release


def store(root: Path) -> Store:
    """Return the project's registry."""
    return Store(str(root / "registry"), "small")
