"""Histogram gradient boosting: numbers compared in float64, categories by code, missing values by the node's own way."""

from __future__ import annotations

from typing import Any

from infra.releases.fast_path.links import softmax, two_classes
from infra.releases.fast_path.trees import Tree, sums
from infra.releases.fast_path.writer import Columns, NotCoveredError, Number, Writer, number, numeric


def classifier(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write `predict_proba` or `decision_function`."""
    raw = _raw(estimator, writer, columns)
    if method == "decision_function":
        return raw
    return two_classes(writer, raw[0]) if len(raw) == 1 else softmax(writer, raw)


def regressor(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write `predict`."""
    link = type(estimator._loss.link).__name__
    raw = _raw(estimator, writer, columns)
    if link == "IdentityLink":
        return raw
    if link == "LogLink":
        return [writer.let(f"math.exp({raw[0]})")]
    raise NotCoveredError(f"its loss has the link {link}")


def _raw(estimator: Any, writer: Writer, columns: Columns) -> list[str]:
    columns = _encoded(estimator, writer, columns)
    groups: list[list[Tree]] = [[] for _ in range(estimator.n_trees_per_iteration_)]
    for predictors in estimator._predictors:
        for group, predictor in zip(groups, predictors, strict=True):
            group.append(_tree(predictor))
    starts = [[number(value)] for value in estimator._baseline_prediction.ravel()]
    return [total for (total,) in sums(groups, writer, columns, starts)]


def _encoded(estimator: Any, writer: Writer, columns: Columns) -> Columns:
    """Return what the trees compare: categories as codes in front, -1 for missing and unknown ones, then the numbers."""
    if estimator._preprocessor is None:
        return columns
    encoder, chosen = estimator._preprocessor.named_transformers_["encoder"], estimator.is_categorical_.tolist()
    coded: Columns = []
    for column, categories in zip([c for c, is_one in zip(columns, chosen) if is_one], encoder.categories_, strict=True):
        known = {float(value): code for code, value in enumerate(categories) if value == value}
        for value in known:
            writer.hit(column, value)
        table = writer.table("{" + ", ".join(f"{number(value)}: {code}" for value, code in known.items()) + "}")
        codes = {float(code): column.raw(value) for value, code in known.items()} if isinstance(column, Number) else None
        coded.append(Number(writer.let(f"{table}.get({numeric(column)}, -1)"), column.place, codes=codes, is_whole=True))
    return coded + [column for column, is_one in zip(columns, chosen) if not is_one]


def _tree(predictor: Any) -> Tree:
    nodes, bitsets = predictor.nodes, predictor.raw_left_cat_bitsets.tolist()
    leaf = nodes["is_leaf"].astype(bool)
    by_category = (nodes["is_categorical"].astype(bool) & ~leaf).tolist()
    return Tree(
        feature=nodes["feature_idx"].tolist(),
        threshold=nodes["num_threshold"].tolist(),
        left=[-1 if is_leaf else int(left) for is_leaf, left in zip(leaf, nodes["left"])],
        right=nodes["right"].tolist(),
        missing_left=nodes["missing_go_to_left"].astype(bool).tolist(),
        values=[(value,) for value in nodes["value"].tolist()],
        words=[_words(bitsets[at]) if is_one else None for is_one, at in zip(by_category, nodes["bitset_idx"].tolist())],
    )


def _words(bitset: list[int]) -> frozenset[int]:
    return frozenset(32 * word + bit for word, bits in enumerate(bitset) for bit in range(32) if bits >> bit & 1)
