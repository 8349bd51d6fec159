"""LightGBM's boosting, as its own dump describes it: numbers compared in float64, categories by code.

What a node does with a number: `Tree::NumericalDecision` and `CategoricalDecision` in LightGBM's `tree.h` (4.6, 4.7).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from infra.releases.fast_path.links import softmax, two_classes
from infra.releases.fast_path.trees import Tree, sums
from infra.releases.fast_path.writer import Columns, NotCoveredError, Writer, number

IDENTITY = ("regression", "regression_l1", "huber", "fair", "quantile", "mape")
EXPONENTIAL = ("poisson", "gamma", "tweedie")
MOST = 1e300
"""What a dump holds where a tree holds infinity."""
ZERO = 1.0000000180025095e-35
"""`kZeroThreshold`: 1e-35 as float32."""
Node = Mapping[str, Any]


def classifier(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write `predict_proba`."""
    dump, objective, options = _dumped(estimator)
    if objective == "binary":
        [raw] = _raw(dump, writer, columns)
        return two_classes(writer, f"{number(options['sigmoid'])} * {raw}")
    if objective == "multiclass":
        return softmax(writer, _raw(dump, writer, columns))
    raise NotCoveredError(f"its objective is {objective}")


def regressor(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write `predict`."""
    dump, objective, options = _dumped(estimator)
    if objective in IDENTITY and "sqrt" not in options:
        return _raw(dump, writer, columns)
    if objective in EXPONENTIAL:
        return [writer.let(f"math.exp({_raw(dump, writer, columns)[0]})")]
    raise NotCoveredError(f"its objective is {objective}{' of square roots' if 'sqrt' in options else ''}")


def _dumped(estimator: Any) -> tuple[Node, str, Mapping[str, str]]:
    """Return its trees up to the best iteration, which `predict` stops at, too; its objective; and the options of that."""
    dump = estimator.booster_.dump_model()
    if dump.get("average_output"):
        raise NotCoveredError("its trees are a forest (boosting_type = 'rf')")
    objective, *options = dump.get("objective", "custom").split()
    return dump, objective, {name: value for name, _, value in (option.partition(":") for option in options)}


def _raw(dump: Node, writer: Writer, columns: Columns) -> list[str]:
    count = dump["num_tree_per_iteration"]
    trees = [_tree(one["tree_structure"]) for one in dump["tree_info"]]
    return [total for (total,) in sums([trees[place::count] for place in range(count)], writer, columns, [["0.0"]] * count)]


def _tree(root: Node) -> Tree:
    nodes, left, right = [root], list[int](), list[int]()
    for node in nodes:  # it grows meanwhile
        is_leaf = "leaf_value" in node
        left.append(-1 if is_leaf else len(nodes))
        right.append(-1 if is_leaf else len(nodes) + 1)
        nodes += [] if is_leaf else [node["left_child"], node["right_child"]]
    if any("leaf_coeff" in node for node in nodes):
        raise NotCoveredError("its leaves are linear models (linear_tree)")
    return Tree(
        feature=[node.get("split_feature", 0) for node in nodes],
        threshold=[_threshold(node) if _compares(node) else 0.0 for node in nodes],
        left=left,
        right=right,
        missing_left=[_compares(node) and _missing_goes_left(node) for node in nodes],
        values=[(node.get("leaf_value", math.nan),) for node in nodes],
        words=[
            frozenset(map(int, node["threshold"].split("||"))) if node.get("decision_type") == "==" else None for node in nodes
        ],
    )


def _compares(node: Node) -> bool:
    return node.get("decision_type") == "<="


def _threshold(node: Node) -> float:
    """Return what a number of a row is compared with: the library takes numbers from -ZERO to ZERO as 0 before it does."""
    value = float(node["threshold"])
    if abs(value) >= MOST:
        return math.copysign(math.inf, value)
    return math.nextafter(-ZERO, -math.inf) if -ZERO <= value < 0.0 else value


def _missing_goes_left(node: Node) -> bool:
    """Where training saw no gap, a missing value is a zero."""
    if node["missing_type"] == "Zero":
        raise NotCoveredError("it takes zeros as missing (zero_as_missing)")
    return bool(node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0.0)
