"""Train a candidate: `python -m training`."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from gateline.contracts.files import hand_on, place
from gateline.contracts.manifest import METRICS_FILE, Manifest
from gateline.contracts.verdict import Verdict
from gateline.registry import trusted
from gateline.registry.artifacts import CANDIDATE, Artifacts
from gateline.registry.made_here import MODEL, Made, content_of
from gateline.registry.store import Store
from gateline.registry.verdicts import Verdicts
from gateline.settings import DEFAULT_PATH, Settings, load
from gateline.settings.front_door import front_door
from gateline.settings.shown import tell
from training.identity import Plan, plan
from training.run import STAGE, STEPS, Steps, is_broken, judged, train, verdict_of
from validation.model import vouched

EXAMPLES = """examples:
  python -m training
  python -m training --output .gateline/candidate --config pipeline.toml
  python -m training --fresh        fit again even if nothing changed

Equal data, settings, sources and lock are recognised and not trained again.
"""


def main(arguments: list[str] | None = None) -> int:
    """Train what the settings say, or find it trained; let the alias `candidate` point to it."""
    from gateline.report.writing import FOLDER, write

    options = _options(arguments)
    settings = load(options.config)
    planned, store = plan(settings), Store.of(settings)
    artifacts, verdicts = Artifacts(store), Verdicts(store)
    files: Mapping[str, bytes]
    usable = artifacts.has(planned.identity) and not is_broken(artifacts, planned.identity)
    if usable and not options.fresh and _counts(planned, artifacts):
        manifest, files = artifacts.manifest(planned.identity), artifacts.files(planned.identity)
        tell(f"nothing to train: equal inputs made {manifest.version} on {manifest.created[:10]}", error=True)
        verdict = verdicts.find(STAGE, judged(manifest)) or verdict_of(manifest)
    else:
        verdict, manifest, files = _train(planned, artifacts, verdicts)
    content, known = content_of(files), Made.of(settings).all(MODEL)
    if content in known and content != known[-1]:
        Made.of(settings).add(MODEL, content)  # no matter what was trained since, this is what was handed on last
    artifacts.point(CANDIDATE, manifest.identity)
    place({options.output / name: data for name, data in files.items()})
    metrics = json.dumps(manifest.metrics, separators=(",", ":"))
    hand_on(model_version=manifest.version, model=manifest.identity, metrics=metrics)
    _say_what_it_needs(manifest, settings)
    vouched.remember(manifest)
    place({FOLDER / verdict.stage / METRICS_FILE: json.dumps(manifest.metrics, indent=1) + "\n"})
    write(verdict)
    return verdict.exit_code


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m training",
        description="Train a candidate from the data and settings, and store it in the registry.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    output = Path(".gateline/candidate")
    parser.add_argument("--output", type=Path, default=output, help="folder for a copy of the files")
    parser.add_argument("--config", type=Path, default=DEFAULT_PATH, help="the settings file (default: pipeline.toml)")
    parser.add_argument("--fresh", action="store_true", help="train even if an equal artifact is stored")
    return parser.parse_args(arguments)


def _counts(planned: Plan, artifacts: Artifacts) -> bool:
    """Say whether the stored artifact spares the training: where releases are signed, only one that was trained here does."""
    if not planned.settings.signing.keys:
        return True
    counts = content_of(artifacts.files(planned.identity)) in Made.of(planned.settings).all(MODEL)
    if not counts:
        tell("equal inputs were trained elsewhere; releases are signed, so it is trained here", error=True)
    return counts


def _train(planned: Plan, artifacts: Artifacts, verdicts: Verdicts) -> tuple[Verdict, Manifest, Mapping[str, bytes]]:
    if is_broken(artifacts, planned.identity):
        tell("the stored artifact of these inputs is not the one that was written: training it again", error=True)
    known = artifacts.has(planned.identity)
    from training.golden import ask_another_process

    last = verdicts.about(STAGE, "artifact", artifacts.alias(CANDIDATE) or "")
    expected = last.metrics.get("fit_seconds", 0.0) if last else 0.0
    trained = train(planned, artifacts, Steps(len(STEPS)), expected, ask_another_process)
    kept = trained.manifest
    if known:
        tell(f"equal inputs: it is the artifact of {kept.created[:10]} and keeps its name, {kept.version}", error=True)
    if trained.is_own:
        Made.of(planned.settings).add(MODEL, content_of(trained.files))
    elif planned.settings.signing.keys:
        tell(
            "it differs from what was trained now: invoke sign will ask for the whole digest of its release",
            "  next: where training draws nothing at random, somebody put it there: remove "
            f"artifacts/{kept.identity} from the registry, then nox -s train",
            error=True,
        )
    verdict = verdict_of(kept, trained)
    verdicts.record(verdict)
    return verdict, kept, trained.files


def _say_what_it_needs(manifest: Manifest, settings: Settings) -> None:
    """Print the line of pipeline.toml without which the model's types are not loaded elsewhere."""
    by_hand = settings.model.trusted
    needed = trusted.strangers(manifest.trusted_types, trusted.own_names(trusted.own_sources()), by_hand)
    if needed:
        told = f"the model holds types that are on no list of what may be loaded: {', '.join(needed)}"
        tell(told, f"  next: {trusted.advice(needed, by_hand)}", error=True)


if __name__ == "__main__":
    sys.exit(front_door(main))
