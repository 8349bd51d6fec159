"""What training has to say: that it trained, on what, how good it looks. `validate_model` judges if that is enough."""

from __future__ import annotations

from collections.abc import Mapping

from gateline.contracts.digest import short
from gateline.contracts.manifest import Manifest
from gateline.contracts.verdict import Outcome, Plot, Rule, Verdict
from training.run import Trained

STAGE = "train"


def judged(manifest: Manifest) -> dict[str, str]:
    """Return the digests that a verdict of training is found again by."""
    return {"artifact": manifest.identity, **manifest.inputs}


def verdict_of(trained: Trained) -> Verdict:
    """Return the verdict on a training that was just done."""
    manifest = trained.manifest
    notes = [f"candidate is {manifest.version} ({short(manifest.identity)})"]
    if trained.young:
        notes.append(f"{trained.young:,} training rows were left out: their labels were not final yet")
    return _verdict(manifest, f" in {trained.seconds:.1f} s", {"fit_seconds": round(trained.fit_seconds, 3)}, notes)


def verdict_again(manifest: Manifest) -> Verdict:
    """Return the verdict on an artifact that an earlier training stored, where its own verdict is not at hand."""
    notes = [f"candidate is {manifest.version} ({short(manifest.identity)})"]
    return _verdict(manifest, "", {}, notes).model_copy(update={"recorded": True})


def _verdict(manifest: Manifest, took: str, seconds: Mapping[str, float], notes: list[str]) -> Verdict:
    estimator = manifest.settings.get("model", {}).get("estimator", "the estimator")
    rule = Rule(
        name="trained",
        outcome=Outcome.PASS,
        required=True,
        reason=f"{estimator} was fitted to {manifest.train_rows:,} rows{took}, measured on {manifest.test_rows:,}",
        sample=manifest.train_rows,
    )
    metrics = {**manifest.metrics, **seconds}
    return Verdict.of(STAGE, [rule], judged=judged(manifest), metrics=metrics, plots=[_table(manifest)], notes=notes)


def _table(manifest: Manifest) -> Plot:
    return Plot(
        title="Metrics on the test rows",
        kind="table",
        rows=tuple(manifest.metrics),
        columns=("value",),
        cells=tuple((value,) for value in manifest.metrics.values()),
        note="Whether they are good enough is judged by validate_model.",
    )
