"""What is scanned: the tree's files, and the release (or, before one is built, the candidate) whose model it carries."""

import fnmatch
import json
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateline.contracts.digest import of_tree
from gateline.contracts.git import ask
from gateline.contracts.manifest import MANIFEST_FILE
from gateline.contracts.release import ARTIFACT_FOLDER, RELEASE_FILE, TRUSTED_FILE, Image, Release
from gateline.registry.artifacts import CANDIDATE, Artifacts
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.rows.sources import is_binary, wide_of
from gateline.settings import SecurityGate, Settings
from gateline.settings.errors import GateRefused, UsageError
from infra.host import bundle

LOCKS = "requirements"
SERVICE_LOCK = f"{LOCKS}/service.txt"
LEAN_LOCK = f"{LOCKS}/lean.txt"
IN_THE_TREE = {"service.txt": (SERVICE_LOCK, LEAN_LOCK)}
"""Where the tree may have what is elsewhere in a bundle."""
ALWAYS_IGNORED = {".git", ".gateline", ".nox", ".venv", "reports", "__pycache__", ".mypy_cache", ".pytest_cache"}


@dataclass(frozen=True)
class Subject:
    """Everything the scanners look at. Nothing of it is imported, loaded or run."""

    root: Path
    """The project's folder."""
    gate: SecurityGate = SecurityGate()
    files: tuple[str, ...] = ()
    """Posix paths below `root` of the files that are not ignored."""
    rows: frozenset[str] = frozenset()
    """Those of `files` that are the declared data: judged by `validate_data`, not read here."""
    project: str = ""
    release: Release | None = None
    image: Image | None = None
    """The release's image, where an environment runs containers and it was built."""
    in_containers: bool = False
    """Whether an environment runs containers."""
    artifact: Mapping[str, bytes] = field(default_factory=dict)
    """The artifact's files as they are there, unverified; empty where there is neither release nor candidate."""
    bundle: Mapping[str, bytes] = field(default_factory=dict)
    """Every other file of the release, by its path in the bundle: the code that it runs, and its lock."""
    trusted: tuple[str, ...] = ()
    """The types that the checkout lets a model file name beyond the list: `[model] trusted`."""
    recorded_manifest: bytes | None = None
    """The manifest that the registry recorded for this artifact, or None where it has none."""
    service_lock: str = ""
    """The lock of the release's environment, or of the tree's service."""
    refusals: tuple[str, ...] = ()
    """What the registry or the bundle itself refused when they were read."""

    @property
    def locks(self) -> dict[str, str]:
        """The text of every lock file of the tree, by path."""
        found = [name for name in self.files if name.startswith(f"{LOCKS}/") and name.endswith(".txt")]
        return {name: (self.root / name).read_text(encoding="utf-8") for name in found}

    @property
    def foreign(self) -> dict[str, bytes]:
        """The files of the release that are not, byte for byte, those of the tree: only in it can they be judged."""
        return {
            name: data
            for name, data in self.bundle.items()
            if name != RELEASE_FILE and not any(self._holds(path, data) for path in IN_THE_TREE.get(name, (name,)))
        }

    @property
    def lock_path(self) -> str:
        """Where the tree has the lock of the release's environment: that of scikit-learn, or the lean one."""
        return LEAN_LOCK if self._holds(LEAN_LOCK, self.service_lock.encode()) else SERVICE_LOCK

    def _holds(self, path: str, data: bytes) -> bool:
        return (self.root / path).is_file() and (self.root / path).read_bytes() == data

    @property
    def own_code(self) -> Mapping[str, bytes]:
        """The `model/` that the model is loaded with: the release's, or the tree's before one is built."""
        if self.release is not None:
            return self.bundle
        return {name: (self.root / name).read_bytes() for name in self.named("model/*.py")}

    @property
    def bundle_trusted(self) -> tuple[str, ...]:
        """The types that the release itself says may be loaded."""
        try:
            return tuple(map(str, json.loads(self.bundle.get(TRUSTED_FILE, b"[]"))))
        except (TypeError, ValueError):
            return (f"what its unreadable {TRUSTED_FILE} says",)

    def named(self, *patterns: str) -> list[str]:
        """Return the files whose path fits one of the patterns (`*` crosses folders)."""
        return [name for name in self.files if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]


def gather(settings: Settings, root: Path, reference: str = "") -> Subject:
    """Return the subject.

    `reference` is a bundle folder, or a digest, name or version of the registry; empty for the release built last.
    Raises UsageError for an unknown release.
    """
    tree = _tree(settings, root)
    store = Store.of(settings)
    releases, folder = Releases(store), Path(reference)
    if reference and folder.is_dir():
        try:
            release = bundle.read_release(folder)
        except GateRefused as error:
            raise UsageError(error.message, "name a release bundle's folder, or a digest of the registry") from None
        return _with_bundle(tree, store, folder, release)
    try:
        release = releases.resolve(reference)
    except UsageError:
        if reference:
            raise
        identity = Artifacts(store).alias(CANDIDATE)
        if identity is None:
            return tree
        names = store.names(f"artifacts/{identity}")
        return _with_artifact(tree, store, {name: store.read(f"artifacts/{identity}/{name}") for name in names}, identity)
    tree = replace(tree, image=next(iter(releases.images(release.digest)), None))
    with tempfile.TemporaryDirectory(prefix="gateline-scan-") as scratch:
        try:
            bundle.unpack(releases.archive(release.digest), Path(scratch) / "bundle")
        except (GateRefused, FileNotFoundError) as error:
            message = error.message if isinstance(error, GateRefused) else f"the archive of {release.name} is missing"
            return replace(tree, release=release, refusals=(message,))
        return _with_bundle(tree, store, Path(scratch) / "bundle", release)


def _tree(settings: Settings, root: Path) -> Subject:
    files, lock = files_of(root), root / SERVICE_LOCK
    return Subject(
        root=root,
        gate=settings.gates.security,
        files=files,
        rows=frozenset(files) & {settings.data.train, settings.data.test},
        project=settings.project.name,
        service_lock=lock.read_text(encoding="utf-8") if lock.is_file() else "",
        in_containers=settings.runs_containers,
        trusted=settings.model.trusted,
    )


def _with_bundle(tree: Subject, store: Store, folder: Path, release: Release) -> Subject:
    """Read a bundle's files into memory; what its digest refuses is kept as a finding, so that all rules are judged."""
    refusals: tuple[str, ...] = ()
    try:
        bundle.verify(folder, release)
        release = bundle.record_in(folder, release.digest)
    except GateRefused as error:
        refusals = (error.message,)
    carried = {name: (folder / name).read_bytes() for name in of_tree(folder) if not name.startswith(f"{ARTIFACT_FOLDER}/")}
    files = {path.name: path.read_bytes() for path in sorted((folder / ARTIFACT_FOLDER).glob("*")) if path.is_file()}
    lock = carried.get("service.txt", b"").decode("utf-8", "replace")
    tree = replace(tree, release=release, bundle=carried, service_lock=lock, refusals=refusals)
    return _with_artifact(tree, store, files, release.artifact)


def _with_artifact(tree: Subject, store: Store, files: Mapping[str, bytes], identity: str) -> Subject:
    known, refusals = None, [*tree.refusals]
    try:
        if Artifacts(store).has(identity):
            known = Artifacts(store).manifest(identity).model_dump_json(indent=2).encode()
    except GateRefused as error:
        refusals.append(error.message)
    if not files:
        refusals.append(f"artifact {identity[:12]} has no files (not even {MANIFEST_FILE})")
    return replace(tree, artifact=files, recorded_manifest=known, refusals=tuple(refusals))


def files_of(root: Path) -> tuple[str, ...]:
    """Return the files git tracks or would track; without git, those that .gitignore's plain patterns leave."""
    listed = ask(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed is not None:
        names = sorted(set(filter(None, listed.split("\0"))))
        return tuple(name for name in names if (root / name).is_file())
    path = root / ".gitignore"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    ignored = ALWAYS_IGNORED | {line.strip().strip("/") for line in lines if line.strip() and not line.startswith("#")}
    return tuple(sorted(path.relative_to(root).as_posix() for path in _walk(root, ignored)))


def _walk(folder: Path, ignored: Collection[str]) -> Iterator[Path]:
    for path in folder.iterdir():
        if any(fnmatch.fnmatchcase(path.name, pattern) for pattern in ignored):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path, ignored)
        elif path.is_file():
            yield path


def as_utf8(data: bytes) -> bytes | None:
    """Return a text as the scanners read it, line for line, in any encoding; None for what is no text."""
    wide = wide_of(data)
    if wide:
        return data.decode(wide, "replace").encode()
    try:
        data.decode()
    except UnicodeDecodeError:
        return None if is_binary(data) else data.decode("latin-1").encode()
    return data


@contextmanager
def laid_out(files: Mapping[str, bytes], names: Collection[str]) -> Iterator[Path]:
    """Yield a folder that holds these of `files`, for as long as a scanner looks at them."""
    with tempfile.TemporaryDirectory(prefix="gateline-scan-") as scratch:
        for name in names:
            path = Path(scratch) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files[name])
        yield Path(scratch)
