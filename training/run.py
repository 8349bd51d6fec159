"""The whole of training: read, build, fit, measure, describe, store."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from gateline.contracts.digest import of_bytes
from gateline.contracts.manifest import MANIFEST_FILE, MODEL_FILE, Manifest
from gateline.registry.artifacts import Artifacts
from gateline.registry.trusted import types_of
from gateline.settings.errors import GateRefused
from gateline.settings.terminal import Terminal
from training.identity import Plan

OBJECT = re.compile(rb'("__id__": |"file": ")([0-9]+)')
NAMED = ("version", "created", "commit", "dirty")
"""What tells two trainings of equal inputs apart."""
STEPS = ("read the data", "build the estimator", "fit", "measure on the test rows", "describe", "store")
LONG = 10.0
"""A step that took longer than this many seconds last time shows how long it will take."""


@dataclass(frozen=True)
class Trained:
    """A stored artifact with what training took; `young` training rows had labels that were not final."""

    manifest: Manifest
    files: Mapping[str, bytes]
    young: int
    fit_seconds: float
    seconds: float
    is_own: bool
    """Whether the stored artifact is what was fitted now, name and date aside; an older one of equal inputs may differ."""


def train(
    plan: Plan,
    artifacts: Artifacts,
    steps: Steps,
    expected: float = 0.0,
    check: Callable[[Mapping[str, bytes]], None] = lambda files: None,
) -> Trained:
    """Fit what the plan says and store it as an artifact; `expected` is how long the fit took last time.

    `check` may refuse the artifact's files, by raising, before they are stored.
    Raises UsageError where the settings, the data or the estimator do not go together; nothing is stored then.
    """
    start, settings = time.monotonic(), plan.settings
    read, build, fit, measure, describe, store = STEPS
    with steps.step(read):
        from training import artifact, estimators, fitting, labels, own_code, rows

        split = rows.read(settings.data, plan.schema, plan.rows)
        meaning = labels.labels_of(split, settings)
    with steps.step(build):
        own_code.refuse_broken(settings.metrics)
        estimator = estimators.build(settings.model, plan.schema, settings.project.task)
    before_fit = time.monotonic()
    with steps.step(fit, expected):
        fitted = fitting.fit(estimator, split.train, settings.model, plan.schema, meaning.classes, meaning.positive)
        labels.refuse_other_classes(fitted, meaning)
    fit_seconds = time.monotonic() - before_fit
    with steps.step(measure):
        measured = artifact.measure(fitted, plan, split, meaning)
        own_code.refuse_unservable(name.rpartition(".")[0] for name in measured.model.manifest.trusted_types)
    with steps.step(describe):
        manifest, files = artifact.files_of(measured, split)
        check(files | {MANIFEST_FILE: manifest.model_dump_json().encode()})
    with steps.step(store):
        stored = artifacts.add(manifest, files, replace=is_broken(artifacts, plan.identity))
    there = artifacts.files(stored.identity)
    seconds = time.monotonic() - start
    return Trained(stored, there, split.young, fit_seconds, seconds, is_own=_is_own(there, manifest, files))


def _is_own(there: Mapping[str, bytes], manifest: Manifest, files: Mapping[str, bytes]) -> bool:
    found = Manifest.model_validate_json(there[MANIFEST_FILE])
    names = {name: getattr(found, name) for name in NAMED}
    alike = manifest.model_copy(update=names | {"files": manifest.files | {MODEL_FILE: found.files.get(MODEL_FILE, "")}})
    rest = {**files, MANIFEST_FILE: there[MANIFEST_FILE], MODEL_FILE: there[MODEL_FILE]}
    try:
        return found == alike and there == rest and _plain(there[MODEL_FILE]) == _plain(files[MODEL_FILE])
    except Exception:  # whatever a file that is no model makes its reader raise
        return False


def _plain(model: bytes) -> tuple[bytes, dict[str, str]]:
    """Return what a skops file says and the digests of its arrays, without what differs between two dumps of one model.

    That is the time, and the numbers that stand for objects: here they are counted from 0, in the order in which they come.
    """
    types_of(model)  # refuses one that swells
    seen: dict[bytes, str] = {}
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        said = archive.read("schema.json")
        plain = OBJECT.sub(lambda found: found[1] + seen.setdefault(found[2], str(len(seen))).encode(), said)
        arrays = {name: of_bytes(archive.read(name)) for name in archive.namelist() if name != "schema.json"}
    return plain, {seen.get(name.removesuffix(".npy").encode(), name): digest for name, digest in arrays.items()}


def is_broken(artifacts: Artifacts, identity: str) -> bool:
    """Say whether an artifact of this identity is stored, but is not what was written."""
    try:
        if artifacts.has(identity):
            artifacts.files(identity)
    except (GateRefused, FileNotFoundError):
        return True
    return False


class Steps:
    """Numbered steps on standard error: a line when one is done, a running clock while it is not (on a terminal)."""

    def __init__(self, total: int, console: Console | None = None) -> None:
        """Expect `total` steps."""
        self._console = console or Terminal(stderr=True)
        self._total, self._number = total, 0

    @contextmanager
    def step(self, text: str, expected: float = 0.0) -> Iterator[None]:
        """Show a step while the block runs; `expected` is the seconds it took last time, if that is known."""
        self._number += 1
        start = time.monotonic()
        with self._clock(f"[{self._number}/{self._total}] {text}", expected):
            yield
        line = f"[{self._number}/{self._total}] {text}: {time.monotonic() - start:.1f} s"
        self._console.print(line, style="dim", markup=False, highlight=False)

    @contextmanager
    def _clock(self, text: str, expected: float) -> Iterator[None]:
        about = f" of about {expected:.0f} s, as last time" if expected > LONG else ""
        columns = [
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            TextColumn(about),
        ]
        if not self._console.is_terminal:
            if about:
                self._console.print(f"{text}{about}", style="dim", markup=False, highlight=False)
            yield
            return
        with Progress(*columns, console=self._console, transient=True) as progress:
            progress.add_task(text, total=None)
            yield
