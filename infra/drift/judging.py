"""Judge what an environment's stable release has seen since the last judgement against its artifact's reference."""

import argparse
import json
import sys

from gateline.contracts.manifest import MANIFEST_FILE, REFERENCE_FILE, SCHEMA_FILE, Manifest
from gateline.contracts.reference import LiveCounts
from gateline.contracts.release import ARTIFACT_FOLDER
from gateline.contracts.schema import parse
from gateline.contracts.slots import Slot
from gateline.contracts.verdict import Outcome, Verdict
from gateline.rows.text import marks_of
from gateline.settings import PRODUCTION
from gateline.settings.front_door import front_door
from infra.drift.labels import Arrived, matured
from infra.drift.window import Judged, Window
from infra.engines.contract import SlotStatus
from infra.rollout.notify import notify
from infra.rollout.target import Target
from validation.drift.gate import judge


def judge_environment(name: str) -> int:
    """Judge the window since the last judged one; tell people if it drifted. Returns the verdict's exit code.

    A window with too little traffic is not closed: it goes on growing until it can be judged. So does that of the labels,
    which arrive later than the rows they belong to.
    """
    from gateline.report import write

    target = Target.open(name)
    stable = target.engine.status().slots.get(Slot.STABLE)
    if stable is None:
        raise target.nothing_runs()
    window = Window(target.engine.notes, stable.release.digest)
    seen = target.engine.drift_counts(Slot.STABLE)
    arrived, verdict = _judged(target, stable, window.since_last(seen), window.labelled())
    target.keep(verdict)
    window.tell(verdict)
    write(verdict)
    if _decided("traffic", verdict):
        window.close(seen)
    if _decided("performance", verdict):
        window.close_labels(arrived.judged)
    if verdict.outcome is Outcome.FAIL:
        reasons = [rule.reason for rule in verdict.failed]
        facts = {"release": stable.release.model_dump(mode="json"), "reasons": reasons}
        notify(target.settings.notify, "drift", name, facts, target.say)
    return verdict.exit_code


def _judged(target: Target, stable: SlotStatus, live: LiveCounts, judged: Judged) -> tuple[Arrived, Verdict]:
    settings = target.settings
    artifact = target.bundle(stable.release) / ARTIFACT_FOLDER
    manifest = Manifest.model_validate_json((artifact / MANIFEST_FILE).read_bytes())
    arrived = Arrived()
    if settings.data.labels:
        log = target.engine.predictions()
        schema = parse(json.loads((artifact / SCHEMA_FILE).read_bytes()), SCHEMA_FILE)
        marks = marks_of(schema, schema.target_column)
        arrived = matured(settings.data.labels, settings.data.target, log, stable.release.digest, manifest, judged, marks)
    verdict = judge(
        live.model_copy(update={"matured": arrived.cells}),
        json.loads((artifact / REFERENCE_FILE).read_bytes()),
        settings.gates.drift,
        trained=manifest.metrics,
        primary=settings.metrics.primary,
        positive="" if manifest.positive is None else str(manifest.positive),
    )
    about = {
        "release": stable.release.digest,
        "artifact": manifest.identity,
        "environment": target.name,
        "until": live.until,
    }
    notes = (*verdict.notes, f"window: {live.since} to {live.until}", *arrived.notes)
    return arrived, verdict.model_copy(update={"judged": about, "notes": notes})


def _decided(name: str, verdict: Verdict) -> bool:
    return any(rule.name == name and rule.outcome is not Outcome.INCONCLUSIVE for rule in verdict.rules)


def main() -> int:
    """Judge drift in one environment."""
    parser = argparse.ArgumentParser(
        prog="nox -s drift --",
        description=__doc__,
        epilog="examples:\n  nox -s drift\n  nox -s drift -- --env staging",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--env", default=PRODUCTION, help="the environment to judge")
    return judge_environment(parser.parse_args().env)


if __name__ == "__main__":
    sys.exit(front_door(main))
