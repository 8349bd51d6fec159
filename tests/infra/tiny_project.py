"""A whole little project for tests of rollouts: settings, a registry, two environments, and releases that start at once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from gateline.contracts.digest import of_bytes, of_value
from gateline.contracts.event import Event
from gateline.contracts.manifest import GOLDEN_FILE, MANIFEST_FILE, SCHEMA_FILE, Manifest
from gateline.contracts.release import ARTIFACT_FOLDER, RELEASE_FILE, Release
from gateline.contracts.slots import Slot
from gateline.contracts.verdict import Outcome, Rule, Verdict
from gateline.registry.artifacts import Artifacts
from gateline.registry.made_here import MODEL, RELEASE, Made, content_of
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.registry.verdicts import Verdicts
from gateline.settings import Service
from infra.engines.contract import Engine, Running
from infra.engines.process.engine import ProcessEngine
from infra.host.bundle import digest_of, pack
from infra.host.ports import free_ports
from infra.rollout.target import Target
from template.scratch import change_settings

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FEATURES = ("size", "colour")
SCHEMA = {
    "columns": [
        {"name": "size", "dtype": "number", "minimum": -5, "maximum": 5},
        {"name": "colour", "dtype": "string", "categories": ["red", "blue"]},
        {"name": "late", "dtype": "integer"},
    ],
    "target": "late",
}
ROWS: list[list[Any]] = [[1.5, "red"], [None, "blue"], [-2.0, None]]
SCORES = [[0.75, 0.25], [0.5, 0.5], [0.125, 0.875]]
CALLED = [0, 1, 1]
BODY = json.dumps({"features": dict(zip(FEATURES, [9.0, "red"], strict=True))}).encode()
"""A request of the users': no golden row."""
SETTINGS = """
[project]
name = "tiny"
[data]
target = "late"
[load]
requests = 30
users = 2
rate = 0.0
warmup_requests = 0
[gates.benchmark]
min_requests = 30
max_p50_ms = 5000.0
max_p95_ms = 5000.0
max_p99_ms = 5000.0
[gates.canary]
rules = ["traffic", "identity"]
required = ["traffic", "identity"]
min_requests = 20
[environments.staging]
port = {staging}
soak_seconds = 0.1
[environments.production]
port = {production}
replicas = 2
soak_seconds = 0.1
canary_share = 0.5
canary_seconds = 20.0
"""
NOTES = ("rollout", "last-change", "quarantine", "audit-", "spool", "keys", "signed", "let-in", "drift-")
SLOTS = {str(slot): slot for slot in Slot}


class Site:
    """The project in `root`, which is the working directory while a test runs."""

    def __init__(self, root: Path) -> None:
        """Choose ports and write the settings; nothing is started. Python environments and our packages are the project's."""
        self.root = root
        (root / ".gateline").mkdir(parents=True)
        envs = ROOT / ".gateline" / "envs"
        envs.mkdir(parents=True, exist_ok=True)
        (root / ".gateline" / "envs").symlink_to(envs)
        for package in ("load", "gateline", "validation", "requirements"):
            (root / package).symlink_to(ROOT / package)
        self._ports = dict(zip(("staging", "production"), free_ports(2, ()), strict=True))
        self._packed: dict[str, tuple[Release, Manifest, dict[str, bytes], bytes]] = {}
        self.change()

    def change(self, changes: dict[str, Any] | None = None) -> None:
        """Write the settings again, with these changes by dotted key."""
        (self.root / "pipeline.toml").write_text(SETTINGS.format(**self._ports))
        change_settings(self.root, changes or {})

    def target(self, name: str = "production") -> Target:
        """Open an environment."""
        return Target.open(name, self.root / "pipeline.toml", self.root)

    @property
    def store(self) -> Store:
        """The registry."""
        return Store.of(self.target().settings)

    @property
    def url(self) -> str:
        """Where production's proxy listens."""
        return f"http://127.0.0.1:{self._ports['production']}"

    def release(
        self, version: str = "1", *, judged: Outcome | None = Outcome.PASS, rows: bool = True, **knobs: Any
    ) -> Release:
        """Return a release that is in the registry, chosen, its model judged; knobs: see talking_service.py."""
        key = json.dumps([version, rows, knobs], sort_keys=True)
        if key not in self._packed:
            self._packed[key] = _packed(self.root / f"bundle-{len(self._packed)}", version, rows, knobs)
        release, manifest, files, archive = self._packed[key]
        Artifacts(self.store).add(manifest, files)
        Releases(self.store).add(release, archive)
        Releases(self.store).choose(release.digest)
        made = Made.of(self.target().settings, self.root)
        made.add(RELEASE, release.digest)
        made.add(MODEL, content_of(files | {MANIFEST_FILE: manifest.model_dump_json(indent=2).encode()}))
        if judged is not None:
            self.judge("validate_model", judged, artifact=release.artifact)
        return release

    def judge(self, stage: str, outcome: Outcome, **judged: str) -> None:
        """Record a verdict."""
        rule = Rule(name="limits", outcome=outcome, required=True, reason=f"it is a {outcome}")
        verdicts = Verdicts(self.store, Made.of(self.target().settings, self.root))
        verdicts.record(verdict := Verdict.of(stage, [rule], judged=judged))
        verdicts.reached(verdict)

    def put(self, name: str = "production", /, **slots: Release) -> Engine:
        """Let releases stand in slots, ready, the stable one (or the only one) with all traffic."""
        engine = self.target(name).engine
        engine.up()
        for slot, release in slots.items():
            engine.fetch(release, Releases(self.store).archive(release.digest))
            engine.start(SLOTS[slot], release, 1)
        for slot in slots:
            engine.wait_ready(SLOTS[slot], 20.0)
        engine.set_shares({SLOTS["stable" if "stable" in slots else next(iter(slots))]: 1.0})
        engine.remember([slots[slot].digest for slot in ("previous", "stable") if slot in slots])
        return engine

    def running(self, name: str = "production") -> Running:
        """Return what runs in an environment."""
        return self.target(name).engine.status()

    def seen(self, name: str = "production") -> dict[str, tuple[str, float]]:
        """Return version and share by slot, as the engine sees them."""
        slots = self.running(name).slots
        return {str(slot): (status.release.version, round(status.share, 2)) for slot, status in slots.items()}

    def events(self) -> list[Event]:
        """Return the audit log."""
        return self.target().recorder.log.events()

    def reset(self) -> None:
        """Empty registry, environments and settings; what runs goes on running, without a release."""
        self.change()
        shutil.rmtree(self.root / ".gateline" / "registry", ignore_errors=True)
        (self.root / ".gateline" / "registry").unlink(missing_ok=True)
        shutil.rmtree(self.root / "reports", ignore_errors=True)
        shutil.rmtree(self.root / ".gateline" / "build", ignore_errors=True)
        for name in self._ports:
            target = self.target(name)
            for path in target.folder.glob("*"):
                if path.name.startswith(NOTES):
                    path.unlink() if path.is_file() else shutil.rmtree(path)
            if (target.folder / "state.json").exists():
                empty(target.engine)

    def stop(self) -> None:
        """Stop everything."""
        self.change()
        for name in self._ports:
            self.target(name).engine.down()


def empty(engine: Engine) -> None:
    """Stop every slot of an environment and forget what was stable."""
    assert isinstance(engine, ProcessEngine)
    if engine.status().slots:
        engine.up()
        engine._change(lambda state: state.model_copy(update={"slots": {}}))  # at once: `stop` waits for each to drain
    engine.remember([])


def _packed(
    folder: Path, version: str, rows: bool, knobs: dict[str, Any]
) -> tuple[Release, Manifest, dict[str, bytes], bytes]:
    golden = {"rows": ROWS, "scores": SCORES, "predictions": CALLED} if rows else {"rows": [], "scores": []}
    files = {GOLDEN_FILE: json.dumps(golden).encode(), SCHEMA_FILE: json.dumps(SCHEMA).encode()}
    manifest = Manifest(
        identity=of_value(["artifact", version]),
        version=version,
        inputs={name: of_value([name, version]) for name in ("train", "test", "schema")},
        files={name: of_bytes(data) for name, data in files.items()},
        task="binary",
        target="late",
        features=FEATURES,
        classes=(0, 1),
        positive=1,
        train_period=("2026-01-01", "2026-02-01"),
        metrics={"accuracy": 0.9},
        settings={"seed": 1},
    )
    contents = {f"{ARTIFACT_FOLDER}/{name}": data for name, data in files.items()}
    contents[f"{ARTIFACT_FOLDER}/{MANIFEST_FILE}"] = manifest.model_dump_json(indent=2).encode()
    contents["service/__main__.py"] = (HERE / "talking_service.py").read_bytes()
    contents["service/tiny_service.py"] = (HERE / "tiny_service.py").read_bytes()
    contents["service/knobs.json"] = json.dumps(knobs).encode()
    contents["service.txt"] = b""
    for name, data in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return *_recorded(folder, manifest, f"2026-01-01T00:00:0{len(knobs)}.{version.zfill(3)}"), files, pack(folder)


def _recorded(folder: Path, manifest: Manifest, created: str) -> tuple[Release, Manifest]:
    release = Release(
        version=manifest.version,
        artifact=manifest.identity,
        project="tiny",
        lock=of_bytes(b""),
        python="3.11",
        service=Service(drain_seconds=5.0),
        commit="c0ffee0",
        created=created,
    )
    for _ in range(2):
        (folder / RELEASE_FILE).write_text(release.model_dump_json(), encoding="utf-8")
        release = release.model_copy(update={"digest": digest_of(folder)})
    return release, manifest
