"""The rules that a model is judged by, one function each, by the name that settings know."""

from collections.abc import Callable, Mapping

from gateline.contracts.verdict import Rule
from validation.model.case import ModelCase
from validation.model.rules.candidate import baseline, golden, limits
from validation.model.rules.champion import champion_digest, noninferiority
from validation.model.rules.too_good import too_good

RULES: Mapping[str, Callable[[ModelCase], list[Rule]]] = {
    "limits": limits,
    "baseline": baseline,
    "champion_digest": champion_digest,
    "noninferiority": noninferiority,
    "golden": golden,
    "too_good": too_good,
}

__all__ = ["RULES"]
