"""The gate on the candidate, alone and against the champion. Run it with `python -m validation.model --help`.

pandas and scikit-learn are imported only when a model is judged: a recorded verdict and a usage error come without them.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gateline.contracts.digest import of_sources, of_tree, of_value, short
from gateline.contracts.verdict import ASKED, Outcome, Rule, Verdict, ruled
from gateline.registry.verdicts import Verdicts
from gateline.rows.sources import data_digest
from gateline.settings import Settings
from gateline.settings.errors import GateRefused
from validation.model.artifacts import ModelTask
from validation.model.vouched import is_signed

if TYPE_CHECKING:
    from validation.model.case import ModelCase

STAGE = "validate_model"
ROOT = Path(__file__).resolve().parents[2]
QUESTION = "judged by what the command line named: an answer to a question, which lets no release in"
SOURCES = (
    "validation/model", "validation/matrix.py", "validation/metrics.py", "validation/telling.py", "gateline/rows",
    "gateline/contracts", "gateline/registry/loaded.py", "gateline/registry/trusted.py", "gateline/registry/verified.py",
)  # fmt: skip


def run(task: ModelTask, settings: Settings, verdicts: Verdicts, *, fresh: bool = False) -> Verdict:
    """Return the recorded verdict on exactly these artifacts, test data, limits and rules, or judge and record a new one."""
    judged = _judged(task, settings)
    recorded = None if fresh or task.candidate.refusal else verdicts.find(STAGE, judged)
    if recorded is not None:
        return recorded
    verdict = _judge(task, settings, judged)
    verdicts.record(verdict)
    return verdict


def judge(case: ModelCase) -> tuple[Rule, ...]:
    """Return what the gate's rules say, in the order of the settings."""
    from validation.model.rules import RULES

    found = [(name, rule) for name in case.gate.rules for rule in RULES[name](case)]
    required = case.gate.required
    return tuple(rule.model_copy(update={"required": True}) if name in required else rule for name, rule in found)


def _judged(task: ModelTask, settings: Settings) -> dict[str, str]:
    champion = task.champion
    gate = [
        settings.gates.model.model_dump(mode="json"),
        settings.metrics.model_dump(mode="json"),
        settings.project.task,
        settings.data.target,
        [(limit.name, limit.value) for limit in task.limits],
        task.champion_asked,
        settings.model.trusted,
    ]
    vouched = str(is_signed(champion.files, settings)) if champion and settings.signing.keys else ""
    more = {"champion.accepted": task.accepted, "champion.vouched": vouched, ASKED: task.asked}
    return {
        "artifact": task.candidate.identity,
        "artifact.files": task.candidate.content,
        "champion": champion.identity if champion else "none",
        "champion.files": champion.content if champion else "none",
        "test": data_digest(task.test),
        "settings": of_value(gate),
        "sources": of_value([of_sources(ROOT, SOURCES), own_code()]),
    } | {name: value for name, value in more.items() if value}


def own_code() -> list[dict[str, str]]:
    spec = importlib.util.find_spec("model")
    return [of_tree(Path(folder)) for folder in (spec.submodule_search_locations or ())] if spec else []


def _judge(task: ModelTask, settings: Settings, judged: Mapping[str, str]) -> Verdict:
    try:
        if task.candidate.refusal:
            raise task.candidate.refusal
        importlib.import_module("sklearn")  # missing here, the command goes on in the environment of the lock that has it
        from validation.model.case import gather

        case = gather(task, settings)
    except GateRefused as refusal:
        refused = ruled(refusal.rule, Outcome.FAIL, refusal.reason, required=True, next_step=refusal.next_step)
        return Verdict.of(STAGE, [refused], judged=judged)
    from validation.model.plots import plots
    from validation.model.rules.champion import far_above

    metrics = case.metrics | {f"champion_{name}": value for name, value in case.champion_metrics.items()}
    notes = [
        f"candidate {task.candidate.version} ({short(task.candidate.identity)})",
        _about_champion(case),
        far_above(case),
        f"champion {short(task.accepted)} was accepted by hand" if task.accepted else "",
        QUESTION if task.asked else "",
    ]
    return Verdict.of(STAGE, judge(case), judged=judged, metrics=metrics, plots=plots(case), notes=filter(None, notes))


def _about_champion(case: ModelCase) -> str:
    champion, name = case.champion, case.settings.primary
    if champion.same:
        return "the candidate is the champion"
    if not champion.version:
        return "first model: there is no champion to compare with, and it is recorded as such"
    if champion.scored is None:
        return champion.reason
    own, other = case.metrics.get(name), case.champion_metrics.get(name)
    compared = f": {name} {own:.4f} against {other:.4f}" if own is not None and other is not None else ""
    return f"champion {champion.version}{compared}"
