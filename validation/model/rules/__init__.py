"""The rules that a model is judged by, one function each, by the name that settings know."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateline.contracts.verdict import Rule
from validation.model.evidence import Evidence
from validation.model.rules.baseline import baseline
from validation.model.rules.champion import champion_digest, noninferiority
from validation.model.rules.golden import golden
from validation.model.rules.limits import limits
from validation.model.rules.too_good import too_good

RULES: Mapping[str, Callable[[Evidence], list[Rule]]] = {
    "limits": limits,
    "baseline": baseline,
    "champion_digest": champion_digest,
    "noninferiority": noninferiority,
    "golden": golden,
    "too_good": too_good,
}

__all__ = ["RULES"]
