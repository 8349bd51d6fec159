"""A deployment target: one environment with its engine, registry, journal and record."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.text import Text

from gateline.contracts import layout
from gateline.contracts.digest import short
from gateline.contracts.event import Head
from gateline.contracts.release import Release
from gateline.contracts.verdict import Verdict
from gateline.registry.artifacts import Artifacts
from gateline.registry.audit import AuditLog
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.registry.verdicts import Verdicts
from gateline.settings import DEFAULT_PATH, PRODUCTION, Environment, Settings, load
from gateline.settings.errors import GatelineError, GateRefused, OutsideError, UsageError, did_you_mean, first_line
from gateline.settings.variables import SAMPLE, is_sample
from gateline.settings.shown import one_line
from gateline.settings.terminal import Terminal
from infra.engines import engine_for
from infra.engines.contract import Engine
from infra.host.actor import acting
from infra.host.bundle import checked, digest_named, verify
from infra.host.notes import FolderNotes, Notes
from infra.rollout.journal import Journal
from infra.rollout.locking import held
from infra.rollout.quarantine import Quarantine
from infra.rollout.recorder import UNREACHABLE, Recorder, read_head
from infra.rollout.ci_runner import is_rehearsal, is_thrown_away

SHORTEST_KEY = 16
"""Bytes of the audit key."""


def audit_key() -> str:
    """Return the secret that audit events are sealed with; empty where it is not set. Raises UsageError for a short one.

    Blanks around it are no part of it: pasting a secret, or keeping it in a file, adds a line break.
    """
    given = os.environ.get("GATELINE_AUDIT_KEY", "")
    key = given.strip()
    if given and len(key.encode()) < SHORTEST_KEY:
        raise UsageError(
            f"GATELINE_AUDIT_KEY has {len(key.encode())} bytes, blanks around it not counted; it must have at least "
            f"{SHORTEST_KEY}: a shorter one can be guessed by anyone who reads the log",
            "set it to what `openssl rand -hex 32` prints, the same for every command; or unset it",
        )
    return key


def recorder_of(
    settings: Settings, name: str, root: Path, log: AuditLog, shared: Notes | None = None,
    versions: Callable[[], Mapping[str, str]] = dict,
) -> Recorder:
    """Return the audit log as `name`, an environment or the build, writes it.

    Its head is kept on this machine, and in `shared` where others read that too. It is compared with the heads that this
    machine has kept for all others: one log serves them all.
    """
    folders = layout.keeping(settings, root)
    own = FolderNotes(folders.get(name) or layout.folder(settings, name, root))
    others = [FolderNotes(folder) for keeper, folder in folders.items() if keeper != name]

    def seen() -> Iterator[Head]:
        yield from (head for notes in others if (head := read_head(notes, log.name)) is not None)

    notes = (own, shared) if shared is not None and shared.shared else (own,)
    return Recorder(log, notes, settings.project.name, name, seen, versions=versions)


@dataclass(frozen=True)
class Target:
    """Everything a rollout needs of one environment. Opening it starts and changes nothing."""

    settings: Settings
    name: str
    folder: Path
    engine: Engine
    store: Store
    recorder: Recorder
    journal: Journal
    quarantine: Quarantine
    console: Terminal
    archives: dict[str, bytes] = field(default_factory=dict)
    """Those that were read and checked, by release, until they are fetched: no byte is read a second time."""

    @classmethod
    def open(cls, name: str, config: Path | str = DEFAULT_PATH, root: Path = Path(".")) -> Target:
        """Open an environment that the settings name. Raises UsageError for another name."""
        settings = load(config)
        known = ", ".join(settings.environments)
        if not name:
            raise UsageError("no environment is named", f"add --env=NAME; known: {known}")
        if name not in settings.environments:
            raise UsageError(
                f"there is no environment '{name}'{did_you_mean(name, settings.environments)} (known: {known})",
                "name one of these, or add it to pipeline.toml",
            )
        folder = layout.folder(settings, name, root)
        store = Store(settings.registry.url, settings.project.name, lambda: recorder.has_seen_events())
        engine = engine_for(settings, name, root)
        recorder = recorder_of(settings, name, root, AuditLog(store, audit_key()), engine.notes, engine.versions)

        def others() -> Iterator[Notes]:
            yield FolderNotes(layout.keeping(settings, root)[layout.BUILD])
            yield from (engine_for(settings, other, root).notes for other in settings.environments if other != name)

        return cls(
            settings=settings,
            name=name,
            folder=folder,
            engine=engine,
            store=store,
            recorder=recorder,
            journal=Journal(engine.notes),
            quarantine=Quarantine(engine.notes, Releases(store), recorder.log, recorder, others),
            console=Terminal(),
        )

    @property
    def environment(self) -> Environment:
        """The environment's settings."""
        return self.settings.environments[self.name]

    @property
    def is_production(self) -> bool:
        """Whether the stable release here is the champion."""
        return self.name == PRODUCTION

    @property
    def rehearsal(self) -> bool:
        """Whether what is deployed here serves nobody: a local engine on a runner that is thrown away."""
        return is_rehearsal(self.environment.local)

    @property
    def artifacts(self) -> Artifacts:
        """The registry's artifacts."""
        return Artifacts(self.store)

    @property
    def releases(self) -> Releases:
        """The registry's releases."""
        return Releases(self.store)

    @property
    def verdicts(self) -> Verdicts:
        """The registry's verdicts."""
        return Verdicts(self.store)

    def named(self, reference: str) -> Release:
        """Return the release that a reference leads to, as its own archive says: the registry's record only leads there.

        Where the registry cannot give that archive, the release must be on the host. Raises UsageError for an unknown one,
        GateRefused (rule `digest`) where something else is in its place, or a release of another project.
        """
        digest = digest_named(self.releases, reference)
        try:
            archive = self.releases.archive(digest)
            release = checked(archive, digest)
        except UNREACHABLE as error:
            kept = {kept.digest: kept for kept in self.engine.kept()}
            if digest in kept:
                return kept[digest]
            if isinstance(error, FileNotFoundError):
                why = f"the registry holds no archive of release {short(digest)}"
                raise OutsideError(why, "build it again: invoke build") from None
            raise
        if release.project != self.settings.project.name:
            raise GateRefused(
                f"{release.name} is a release of {release.project}, this is {self.settings.project.name}",
                "name one of this project's: invoke report lists them", rule="digest",
            )
        self.archives[digest] = archive
        return release

    def bundle(self, release: Release) -> Path:
        """Return where the files of a release that was fetched can be read, verified by its digest. Raises GateRefused."""
        folder = self.engine.bundle(release)
        verify(folder, release)
        return folder

    def say(self, said: str, style: str = "", more: str = "") -> None:
        """Tell the user one thing on one line: `said` in rich's style, then `more`. No text in it is taken for markup."""
        parts = (f"{self.name}  ", "dim"), (one_line(said), style), one_line(more)
        self.console.print(Text.assemble(*parts), soft_wrap=True)

    def say_unreachable(self, error: Exception, then: str) -> None:
        """Tell the user that the registry is gone, and what follows from it."""
        self.say("the registry cannot be reached", "yellow", f": {first_line(error)}; {then}")

    def keep(self, verdict: Verdict) -> None:
        """Record a verdict on what runs; a registry that is gone changes nothing of it."""
        try:
            self.verdicts.record(verdict)
        except UNREACHABLE as error:
            self.say_unreachable(error, f"the verdict stands in reports/{verdict.stage} alone")

    def nothing_runs(self) -> GatelineError:
        """Return why no release can be asked here: none was deployed, or one serves whose state was cleaned away."""
        told = self.engine.orphaned()
        if told:
            return OutsideError(told, f"invoke down --env={self.name}, then deploy again")
        return UsageError(
            f"nothing runs in {self.name}",
            f"invoke up --env={self.name} brings back what ran there, invoke deploy --env={self.name} brings in a release",
        )

    @contextmanager
    def exclusively(self, command: str, wait: float, rollback: bool = False) -> Iterator[None]:
        """Hold the environment against every other command; a `rollback`, of other machines' against rollbacks alone.

        Raises UsageError in a run on the sample, which changes no environment.
        """
        if is_sample():
            raise UsageError(f"{SAMPLE} is set: {command} changes no environment in a run on the sample", "unset it")
        with held(self.folder, self.engine, command, wait, self.say, rollback):
            yield

    def refuse_from_laptop(self, from_laptop: bool) -> None:
        """Refuse to change an environment that is not local from outside CI, unless it is said. Raises UsageError."""
        if not self.environment.local and acting().kind != "ci" and not from_laptop:
            raise UsageError(
                f"{self.name} is not local, and this is not CI", "add --from-laptop; it is recorded so in the audit log"
            )

    def refuse_a_registry_that_ends(self) -> None:
        """Refuse to bring a release to where people use it while the audit log would end with this run. Raises UsageError."""
        if not self.environment.local and is_thrown_away() and self.store.is_folder:
            raise UsageError(
                f"registry {self.store.url} is a folder on a runner that is thrown away: "
                f"champion and audit log of {self.name} would end with this run",
                "name one that stays, in pipeline.toml or by GATELINE_REGISTRY_URL: docs/registry.md",
            )
