"""The gate on the candidate, alone and against the champion. Run it with `python -m validation.model --help`.

pandas and scikit-learn are imported only when a model is judged: a recorded verdict and a usage error come without them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gateline.contracts.digest import of_sources, of_tree, of_value, short
from gateline.contracts.verdict import ASKED, Outcome, Rule, Verdict
from gateline.registry.verdicts import Verdicts
from gateline.rows.digests import data_digest
from gateline.settings import Settings
from gateline.settings.errors import GateRefused
from validation.model.subject import Contest
from validation.model.vouched import is_signed

if TYPE_CHECKING:
    from validation.model.evidence import Evidence

STAGE = "validate_model"
ACCEPTED, VOUCHED = "champion.accepted", "champion.vouched"
ROOT = Path(__file__).resolve().parents[2]
QUESTION = "judged by what the command line named: an answer to a question, which lets no release in"
OF_THE_REGISTRY = ("gateline/registry/loaded.py", "gateline/registry/trusted.py")
SHARED = tuple(f"validation/{name}.py" for name in ("matrix", "metrics", "scored", "telling"))
SOURCES = ("validation/model", *SHARED, "gateline/rows", "gateline/contracts", *OF_THE_REGISTRY)


def judge(evidence: Evidence) -> tuple[Rule, ...]:
    """Return what the gate's rules say of the evidence, in the order of the settings."""
    from validation.model.rules import RULES

    gate = evidence.gate
    found = [(name, rule) for name in gate.rules for rule in RULES[name](evidence)]
    return tuple(rule.model_copy(update={"required": True}) if name in gate.required else rule for name, rule in found)


def run(contest: Contest, settings: Settings, verdicts: Verdicts, *, fresh: bool = False) -> Verdict:
    """Return the recorded verdict on exactly these artifacts, test data, limits and rules, or judge and record a new one."""
    judged = _judged(contest, settings)
    recorded = None if fresh or contest.candidate.refusal else verdicts.find(STAGE, judged)
    if recorded is not None:
        return recorded
    verdict = _judge(contest, settings, judged)
    verdicts.record(verdict)
    return verdict


def _judged(contest: Contest, settings: Settings) -> dict[str, str]:
    champion = contest.champion
    gate = [
        settings.gates.model.model_dump(mode="json"),
        settings.metrics.model_dump(mode="json"),
        settings.project.task,
        settings.data.target,
        [(limit.name, limit.value) for limit in contest.limits],
        contest.champion_asked,
        settings.model.trusted,
    ]
    vouched = str(is_signed(champion.files, settings)) if champion and settings.signing.keys else ""
    return {
        "artifact": contest.candidate.identity,
        "artifact.files": contest.candidate.content,
        "champion": champion.identity if champion else "none",
        "champion.files": champion.content if champion else "none",
        "test": data_digest(contest.test),
        "settings": of_value(gate),
        "sources": of_value([of_sources(ROOT, SOURCES), own_code()]),
    } | {name: value for name, value in ((ACCEPTED, contest.accepted), (VOUCHED, vouched), (ASKED, contest.asked)) if value}


def own_code() -> list[dict[str, str]]:
    """Return the digests of the files of `model/`."""
    spec = importlib.util.find_spec("model")
    return [of_tree(Path(folder)) for folder in (spec.submodule_search_locations or ())] if spec else []


def _judge(contest: Contest, settings: Settings, judged: Mapping[str, str]) -> Verdict:
    try:
        if contest.candidate.refusal:
            raise contest.candidate.refusal
        from validation.model.gathering import gather

        evidence = gather(contest, settings)
    except GateRefused as refusal:
        return Verdict.of(STAGE, [_refused(refusal)], judged=judged)
    from validation.model.plots import plots
    from validation.model.rules.champion import far_above

    rules = judge(evidence)
    metrics = evidence.metrics | {f"champion_{name}": value for name, value in evidence.champion_metrics.items()}
    notes = [f"candidate {contest.candidate.version} ({short(contest.candidate.identity)})", _about_champion(evidence)]
    notes += [warning for warning in (far_above(evidence),) if warning]
    if contest.accepted:
        notes.append(f"champion {short(contest.accepted)} was accepted by hand")
    notes += [QUESTION] if contest.asked else []
    return Verdict.of(STAGE, rules, judged=judged, metrics=metrics, plots=plots(evidence), notes=notes)


def _refused(refusal: GateRefused) -> Rule:
    return Rule(
        name=refusal.rule, outcome=Outcome.FAIL, reason=refusal.reason, required=True, next_step=refusal.next_step
    )


def _about_champion(evidence: Evidence) -> str:
    champion, name = evidence.champion, evidence.settings.primary
    if champion.same:
        return "the candidate is the champion"
    if not champion.version:
        return "first model: there is no champion to compare with, and it is recorded as such"
    if champion.scored is None:
        return champion.reason
    own, other = evidence.metrics.get(name), evidence.champion_metrics.get(name)
    compared = f": {name} {own:.4f} against {other:.4f}" if own is not None and other is not None else ""
    return f"champion {champion.version}{compared}"
