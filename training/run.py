"""The whole of training: read, build, fit, measure, describe, store; and what its verdict says. `validate_model` judges if the
result is good enough."""

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

from gateline.contracts.digest import of_bytes, short
from gateline.contracts.manifest import MANIFEST_FILE, MODEL_FILE, Manifest
from gateline.contracts.verdict import Outcome, Plot, Rule, Verdict
from gateline.registry.artifacts import Artifacts
from gateline.registry.trusted import types_of
from gateline.rows.sources import still
from gateline.settings.errors import GateRefused
from gateline.settings.terminal import Terminal
from training.identity import Plan

STAGE = "train"
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
        from training import artifact, estimators, fitting, own_code, rows

        split = rows.read(settings.data, plan.schema, plan.rows)
        for role, which in plan.rows.items():
            still(which, plan.inputs[role])
        meaning = rows.labels_of(split, settings)
    with steps.step(build):
        own_code.refuse_broken(settings.metrics)
        estimator = estimators.build(settings.model, plan.schema, settings.project.task)
    before_fit = time.monotonic()
    with steps.step(fit, expected):
        fitted = fitting.fit(estimator, split.train, settings.model, plan.schema, meaning.classes, meaning.positive)
        rows.refuse_other_classes(fitted, meaning)
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
    except Exception:  # no matter what a file that is no model makes its reader raise
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
        self._console = console or Terminal(stderr=True)
        self._total, self._number = total, 0

    @contextmanager
    def step(self, text: str, expected: float = 0.0) -> Iterator[None]:
        """Show a step while the block runs; `expected` is the seconds it took last time, if that is known."""
        self._number += 1
        start, name = time.monotonic(), f"[{self._number}/{self._total}] {text}"
        about = f" of about {expected:.0f} s, as last time" if expected > LONG else ""
        words = TextColumn("{task.description}", markup=False)
        if self._console.is_terminal:
            with Progress(
                SpinnerColumn(), words, TimeElapsedColumn(), TextColumn(about), console=self._console, transient=True
            ) as progress:
                progress.add_task(name, total=None)
                yield
        else:
            if about:
                self._print(f"{name}{about}")
            yield
        self._print(f"{name}: {time.monotonic() - start:.1f} s")

    def _print(self, line: str) -> None:
        self._console.print(line, style="dim", markup=False, highlight=False)


def judged(manifest: Manifest) -> dict[str, str]:
    return {"artifact": manifest.identity, **manifest.inputs}


def verdict_of(manifest: Manifest, trained: Trained | None = None) -> Verdict:
    """Return the verdict on a training that was just done; without it, of an earlier one whose verdict is not at hand."""
    estimator = manifest.settings.get("model", {}).get("estimator", "the estimator")
    took = f" in {trained.seconds:.1f} s" if trained else ""
    rule = Rule(
        name="trained",
        outcome=Outcome.PASS,
        required=True,
        reason=f"{estimator} was fitted to {manifest.train_rows:,} rows{took}, measured on {manifest.test_rows:,}",
        sample=manifest.train_rows,
    )
    table = Plot(
        title="Metrics on the test rows",
        kind="table",
        rows=tuple(manifest.metrics),
        columns=("value",),
        cells=tuple((value,) for value in manifest.metrics.values()),
        note="Whether they are good enough is judged by validate_model.",
    )
    notes = [f"candidate is {manifest.version} ({short(manifest.identity)})"]
    if trained and trained.young:
        notes.append(f"{trained.young:,} training rows were left out: their labels were not final yet")
    metrics = manifest.metrics | ({"fit_seconds": round(trained.fit_seconds, 3)} if trained else {})
    verdict = Verdict.of(STAGE, [rule], judged=judged(manifest), metrics=metrics, plots=[table], notes=notes)
    return verdict if trained else verdict.model_copy(update={"recorded": True})
