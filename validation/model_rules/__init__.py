"""The rules that a model is judged by, one function each, by the name that settings know."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from contracts.verdict import Rule
from validation.evidence import Evidence
from validation.model_rules.baseline import baseline
from validation.model_rules.champion import champion_digest, noninferiority
from validation.model_rules.golden import golden
from validation.model_rules.limits import limits
from validation.model_rules.too_good import too_good

RULES: Mapping[str, Callable[[Evidence], list[Rule]]] = {
    "limits": limits,
    "baseline": baseline,
    "champion_digest": champion_digest,
    "noninferiority": noninferiority,
    "golden": golden,
    "too_good": too_good,
}

__all__ = ["RULES"]
