"""A first model, and the limits it is judged by: proposed from its own figures, for the user to edit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from gateline.settings.gates import DataGate, ModelGate
from gateline.settings.project import MINIMIZED

ROOM = 0.1
"""How far below the first model's value a limit is proposed, or how far above for an error, as a share of it: the seasons
differ by as much. Where the test rows are few it is further, as far as an equal model may come out on others of them."""
MARGIN = 0.02
WORSE = 0.05
PROPER = 0.1
WIDE = 3
"""A margin of so many times the smallest one is worth a message."""
FEW_POSITIVES = 0.45
"""On n positives, four of five equal models are shown to lose less average precision than this by the root of n (measured:
`benchmarks/few_positives.py` of the template)."""
SHOWN = 0.9
"""The share of equal models, fitted to other four fifths of the rows, that a proposed margin lets be shown to be equal; of
models that differ by their seed alone it is nearly all (measured: `benchmarks/equal_models.py` of the template)."""
NO_SPREAD = (0.0, 0.0)
APART = 0.5
"""A margin above this share of the first model's lead over a constant answer cannot tell models apart."""
FEWEST = 30
"""Fewer test rows than this are too few for any judgement: no smaller minimum is proposed."""
KEPT = 0.8
"""Share of the test rows that there are that is proposed as their minimum, where there are fewer than the gates ask for."""
PROPOSED = "a proposal, from the first model: edit it"
LOWEST = {"binary": ("roc_auc",), "rare": ("average_precision", "recall_at_fpr"), "many": ("f1",), "number": ("r2",)}
PRIMARY = {"binary": "roc_auc", "rare": "average_precision", "many": "log_loss", "number": "rmse"}
ESTIMATORS = {"classification": "HistGradientBoostingClassifier", "regression": "HistGradientBoostingRegressor"}
ROUNDS = 100
WORDS = {
    "model.estimators:logistic": "logistic regression",
    "model.estimators:ridge": "linear regression",
    **{f"sklearn.ensemble.{name}": "gradient boosting" for name in ESTIMATORS.values()},
}


@dataclass(frozen=True)
class Proposed:
    """What follows from a first model: settings by dotted key, the gate's keys with a comment each, and what to print."""

    settings: dict[str, Any]
    gate: dict[str, tuple[float, str]]
    said: tuple[str, ...]


def model_settings(kind: str, task: str) -> dict[str, Any]:
    """Return the settings of model and metrics, by dotted key; None removes what was the example's.

    `kind` is what is predicted: `binary`, `rare` (few positives), `many` or `number`.
    """
    return {
        "model.estimator": f"sklearn.ensemble.{ESTIMATORS[task]}",
        "model.parameters": {"max_iter": ROUNDS},
        "metrics.primary": PRIMARY[kind],
        "metrics.direction": "minimize" if PRIMARY[kind] in MINIMIZED else "maximize",
        "metrics.custom": None,
        "gates.model": {},
    }


def proposed(kind: str, first: Mapping[str, Any]) -> Proposed:
    """Return what follows from a first model's figures, as `python -m training.first` prints them."""
    gate = {name: (value, PROPOSED) for name, value in limits_of(kind, first).items()}
    margin = margin_of(kind, first["positives"], first["spreads"].get(PRIMARY[kind], NO_SPREAD))
    gate["margin"] = (margin, margin_is(kind))
    wide: Sequence[str] = ()
    for name in [name for name in first["spreads"] if name != PRIMARY[kind]][:1]:
        proper = proper_margin_of(first["spreads"][name])
        gate["proper_margin"] = (proper, proper_margin_is(name))
        wide = _about_proper(name, proper, first["test_rows"])
    gate |= sizes_of(first["test_rows"])
    settings = {"model.estimator": first["estimator"], "model.parameters": dict(first["parameters"])}
    return Proposed(settings, gate, (*_about_model(kind, first), *_about_margin(kind, first, margin), *wide, *_doubts(first)))


def limits_of(kind: str, first: Mapping[str, Any]) -> dict[str, float]:
    """Return the limits of `[gates.model]`: no worse than a constant answer's, and far enough from the first model's values
    that an equal one keeps them on as many other test rows."""
    found: dict[str, float] = {}
    for name in (*LOWEST[kind], *(name for name in (PRIMARY[kind],) if name in MINIMIZED)):
        if name in first["metrics"]:
            sign, key = (-1, f"max_{name}") if name in MINIMIZED else (1, f"min_{name}")
            limit = _limit(sign, first["metrics"][name], first["worst"].get(name), first["constant"].get(name))
            found |= {key: limit} if name in MINIMIZED or limit > 0 else {}
    return found


def _limit(sign: int, value: float, worst: float | None, constant: float | None) -> float:
    """`sign` is 1 for a lowest value, -1 for a largest one. It is rounded away from the value, never past the constant's."""
    room = value - sign * ROOM * abs(value)
    loose = room if worst is None else sign * min(sign * room, sign * worst)
    digits = 2 if sign > 0 else 2 - math.floor(math.log10(abs(loose) or 1.0))
    scale = 10.0**digits
    rounded = round(sign * math.floor(sign * loose * scale + 1e-9) / scale, max(digits, 0))
    return rounded if constant is None or sign * rounded >= sign * constant else float(f"{constant:.4g}")


def margin_of(kind: str, positives: float, spread: Sequence[float] = NO_SPREAD) -> float:
    """Return `gates.model.margin`: two points of a score; of an error, the share of the champion's that it is relative to.

    It is no less than what nine of ten equal models can be shown to keep on these test rows, where two of them differ as
    `spread` says (`training.first.Spread`); where few of the test rows are positive, no less than can be shown on as many.
    """
    if PRIMARY[kind] in MINIMIZED:
        return max(WORSE, shown(spread))
    few = math.ceil(100 * FEW_POSITIVES / math.sqrt(max(positives, 1.0))) / 100 if kind == "rare" else 0.0
    return max(MARGIN, few, shown(spread))


def proper_margin_of(spread: Sequence[float]) -> float:
    """Return `gates.model.proper_margin`: a tenth of the champion's, or what equal models can be shown to keep."""
    return max(PROPER, shown(spread))


def shown(spread: Sequence[float]) -> float:
    """Return the margin that `SHOWN` of equal models are shown to keep: they come out that much worse than each other, and the
    bound of the gate's confidence is further by the error of the measurement."""
    normal, (seen, error) = NormalDist(), spread
    return math.ceil(100 * (error * normal.inv_cdf(ModelGate().confidence) + seen * normal.inv_cdf(SHOWN)) - 1e-9) / 100


def margin_is(kind: str) -> str:
    """Return the comment on a margin: what it means, and its unit."""
    primary = PRIMARY[kind]
    unit = f"as a share of its {primary}" if primary in MINIMIZED else f"in points of {primary}"
    return f"how much worse than the champion a candidate may be, {unit}: edit it"


def proper_margin_is(name: str) -> str:
    """Return the comment on the margin of the proper score."""
    return f"the same for {name}, as a share of the champion's: edit it"


def sizes_of(test_rows: int) -> dict[str, tuple[float, str]]:
    """Return `min_rows` of the model gate, if there are fewer test rows than it requires, but enough to judge."""
    if not FEWEST <= test_rows < ModelGate().min_rows:
        return {}
    return {"min_rows": (int(KEPT * test_rows), f"there are {test_rows} test rows, which is few: raise it with them")}


def data_sizes_of(test_rows: int) -> dict[str, Any]:
    """Return `gates.data.min_rows` by its dotted key, by the same measure; nothing if the default will do."""
    return {"gates.data.min_rows": int(KEPT * test_rows)} if FEWEST <= test_rows < DataGate().min_rows else {}


def _about_model(kind: str, first: Mapping[str, Any]) -> Sequence[str]:
    name, rows = PRIMARY[kind], first["test_rows"]
    value, constant = (first[which].get(name) for which in ("metrics", "constant"))
    told = [f"first model: {word(first['estimator'])} on {len(first['features'])} features: {', '.join(first['features'])}"]
    if value is not None:
        beside = f" (a constant answer: {constant:.4g})" if constant is not None else ""
        told.append(f"it reaches {name} {value:.4g}{beside} on {rows:,} test rows")
    if len(first["tried"]) > 1:
        tried = ", ".join(f"{word(each)} {value:.4g}" for each, value in first["tried"].items())
        how = f"chosen by {name} in cross-validation on {first['train_rows']:,} training rows: {tried}"
        told.append(how + _why_not_the_best(first["estimator"], first["tried"], name))
    return told


def _why_not_the_best(chosen: str, tried: Mapping[str, float], name: str) -> str:
    """Return why the best one in cross-validation was not chosen; '' where it was. The first that was tried is boosting."""
    best = (min if name in MINIMIZED else max)(tried, key=tried.__getitem__)
    if best == chosen:
        return ""
    if chosen == next(iter(tried)):
        return f'; the lead is too small to change for (to try it: estimator = "{best}" under [model] in pipeline.toml)'
    return "; the better one is not shown to beat a constant answer on the test rows"


def _about_margin(kind: str, first: Mapping[str, Any], margin: float) -> Sequence[str]:
    name, rows = PRIMARY[kind], first["test_rows"]
    least = WORSE if name in MINIMIZED else MARGIN
    if margin <= least:
        return ()
    few = "few of the test rows are positive" if kind == "rare" else f"the test rows are few ({rows:,})"
    told = [
        f"note: the margin is {margin:g} because {few}: about {_enough(rows, margin, least):,} would show that an equal "
        f"model is one with a margin of {least:g}"
    ]
    value, constant = first["metrics"].get(name), first["constant"].get(name)
    if value and constant is not None:
        lead = (constant - value) / abs(value) if name in MINIMIZED else value - constant
        if 0 < APART * lead < margin:
            told.append(
                f"note: no model can be told from another on {rows:,} test rows: the margin is {margin:g}, and the first "
                f"model is only {lead:.3g} better than a constant answer; about "
                f"{_enough(rows, margin, APART * lead):,} would do"
            )
    return told


def _about_proper(name: str, margin: float, rows: int) -> Sequence[str]:
    if margin <= WIDE * PROPER:
        return ()
    return (
        f"note: the margin of {name} is {margin:g} because the test rows are few ({rows:,}): a candidate that is worse "
        f"by a smaller share of it passes; about {_enough(rows, margin, PROPER):,} rows would do for {PROPER:g}",
    )


def _enough(rows: int, margin: float, wanted: float) -> int:
    """A standard error falls with the root of the rows. Two digits: more are not known."""
    needed = rows * (margin / wanted) ** 2
    return int(float(f"{needed:.2g}"))


def _doubts(first: Mapping[str, Any]) -> Sequence[str]:
    said = []
    if first["doubt"]:
        tried = " and ".join(word(each) for each in first["tried"])
        said.append(
            f"warning: {first['doubt']}; the pipeline would stop at this model. {tried} were tried: add rows "
            f"({first['train_rows']:,} to train on, {first['test_rows']:,} to test on), or columns that tell of the target; "
            "a simpler estimator, as [model] names one, learns less noise from few rows"
        )
    for label in first["never"]:
        said.append(f"note: the first model answers '{label}' for no test row: see metrics.threshold, or add rows of it")
    return said


def word(estimator: str) -> str:
    """Return what to call an estimator in a sentence."""
    return WORDS.get(estimator, estimator.rpartition(".")[2])
