"""How many models equal but for the seed a new project's gate blocks, on tables of four kinds; and how many bad ones pass.

Run it with `python -m benchmarks.equal_models`; it needs scikit-learn (the environment of the tests has it).
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gateline.contracts.verdict import Outcome
from gateline.settings import ModelGate, load
from gateline.settings.project import Model
from template.adopting import limits
from training import rows
from training.first import Tryout, first_model
from training.identity import plan
from training.rows import labels_of
from validation.model.case import Champion, ModelCase, Golden
from validation.model.limits import limits_of
from validation.model.rules import RULES
from validation.metrics import Scored

NEVER = 1e-4
"""What the odds of the last class are multiplied by, so that it is answered no more."""
NONE = Golden(np.empty((0, 1)), np.empty((0, 1)), (), ())
JUDGED = ("limits", "baseline", "noninferiority", "too_good")
DRAWN = 0.7
"""Below 10,000 rows gradient boosting draws nothing at random; with this share of the columns at each split, seeds differ."""


def digits() -> pd.DataFrame:
    """Ten handwritten digits, 1,797 rows."""
    return _of("load_digits")


def cancer() -> pd.DataFrame:
    """Two kinds of tumour, 569 rows."""
    return _of("load_breast_cancer")


def diabetes() -> pd.DataFrame:
    """A number that ten columns explain to a half, 442 rows."""
    return _of("load_diabetes")


def passengers() -> pd.DataFrame:
    """Who survives, 891 made-up rows with the columns and the strength of the table that everybody knows."""
    chance, count = np.random.default_rng(1), 891
    grade = chance.choice([1, 2, 3], count, p=[0.24, 0.21, 0.55])
    woman, age = chance.random(count) < 0.35, chance.normal(30, 14, count).clip(0.5, 80).round()
    fare = np.exp(chance.normal(4.2 - 0.8 * (grade - 1), 0.6)).round(2)
    logit = -0.9 + 2.6 * woman - (grade - 2) - 0.02 * (age - 30)
    table = pd.DataFrame({"grade": grade, "sex": np.where(woman, "female", "male"), "age": age, "fare": fare})
    return table.assign(target=(chance.random(count) < 1 / (1 + np.exp(-logit))).astype(int))


def _of(name: str) -> pd.DataFrame:
    from sklearn import datasets

    found = getattr(datasets, name)(as_frame=True)
    return found.data.assign(target=found.target).rename(columns=lambda column: str(column).replace(" ", "_"))


TABLES: dict[str, tuple[Callable[[], pd.DataFrame], str]] = {
    "digits": (digits, "many"),
    "passengers": (passengers, "binary"),
    "breast cancer": (cancer, "binary"),
    "diabetes": (diabetes, "number"),
}


def project(folder: Path, table: pd.DataFrame, kind: str) -> Path:
    """Write a table, its schema and settings, as `invoke new` does; return the settings' path."""
    order = np.random.default_rng(0).permutation(len(table))
    cut = 3 * len(table) // 4
    for name, part in (("train", order[:cut]), ("test", order[cut:])):
        table.iloc[part].to_csv(folder / f"{name}.csv", index=False)
    dtypes = {"O": "string", "i": "integer", "f": "number", "b": "boolean"}
    columns = [{"name": name, "dtype": dtypes.get(dtype.kind, "string")} for name, dtype in table.dtypes.items()]
    (folder / "schema.json").write_text(json.dumps({"columns": columns}), encoding="utf-8")
    task = "regression" if kind == "number" else "classification"
    body: dict[str, dict[str, Any]] = {"project": {"name": "equal", "task": task}}
    paths = {"train": "train.csv", "test": "test.csv", "schema": "schema.json"}
    body["environments.staging"] = {"port": 8101}
    body["data"] = {key: str(folder / name) for key, name in paths.items()} | {"target": "target"}
    for dotted, value in limits.model_settings(kind, task).items():
        section, key = dotted.split(".")
        if value is not None and section != "gates":
            body.setdefault(section, {})[key] = value
    path = folder / "pipeline.toml"
    path.write_text("\n".join(_toml(name, values) for name, values in body.items()), encoding="utf-8")
    return path


def _toml(name: str, values: dict[str, Any]) -> str:
    plain = [f"{key} = {json.dumps(value)}" for key, value in values.items() if not isinstance(value, dict)]
    nested = [_toml(f"{name}.{key}", value) for key, value in values.items() if isinstance(value, dict)]
    return "\n".join([f"[{name}]", *plain, *nested])


class Gate:
    """The gate of a new project on a table, and the models that are tried on it."""

    def __init__(self, path: Path, kind: str) -> None:
        """Propose limits from a first model."""
        self.settings = load(path)
        planned = plan(self.settings)
        split = rows.read(self.settings.data, planned.schema, planned.rows)
        self.trial = Tryout(planned, split, labels_of(split, self.settings))
        self.proposed = limits.proposed(kind, vars(first_model(self.settings)))
        self.gate = ModelGate(**{name: value for name, (value, _) in self.proposed.gate.items()})

    def model(self, estimator: str, seed: int) -> Scored:
        """Fit boosting that draws columns by its seed, to all training rows, and score the test rows."""
        parameters = {"max_iter": limits.ROUNDS, "max_features": DRAWN}
        return self.trial.on_test(Model(estimator=estimator, seed=seed, parameters=parameters))

    def says(self, candidate: Scored, champion: Scored) -> Outcome:
        """Return what the gate says of a candidate."""
        known = limits_of(self.gate, self.settings.metrics, self.settings.project.task)
        evidence = ModelCase(candidate, NONE, self.gate, self.settings.metrics, known, Champion("champion", champion))
        found = [rule for name in JUDGED for rule in RULES[name](evidence)]
        good = all(rule.outcome is Outcome.PASS for rule in found)
        return Outcome.PASS if good else max((rule.outcome for rule in found), key=lambda each: each is Outcome.FAIL)


def bad(champion: Scored) -> Iterator[tuple[str, Scored]]:
    """Yield what the champion's scores become where one thing is wrong with them."""
    if champion.task == "regression":
        yield "half a standard deviation too high", _scores(champion, champion.scores + champion.truth.std() / 2)
        return
    powered = champion.scores**6
    yield "sixth power", _scores(champion, powered / powered.sum(axis=1, keepdims=True))
    never = champion.scores.copy()
    never[:, -1] *= NEVER
    yield "never the last class", _scores(champion, never / never.sum(axis=1, keepdims=True))


def _scores(champion: Scored, scores: Any) -> Scored:
    if champion.task == "regression":
        return replace(champion, scores=scores, called=scores[:, 0], decided=scores[:, 0])
    called = scores.argmax(axis=1)
    return replace(champion, scores=scores, called=called, decided=np.array(champion.classes)[called])


def table(names: Sequence[str], count: int) -> Iterator[str]:
    """Yield the table line by line."""
    yield "| table | proposed | margin, proper margin | equal but for the seed: blocked | worse: passed |"
    yield "|---|---|---|---|---|"
    for name in names:
        made, kind = TABLES[name]
        with tempfile.TemporaryDirectory() as folder:
            gate = Gate(project(Path(folder), made(), kind), kind)
        boosting = f"sklearn.ensemble.{limits.ESTIMATORS[gate.settings.project.task]}"
        champion, *others = (gate.model(boosting, seed) for seed in range(count + 1))
        said = [gate.says(other, champion) for other in others]
        blocked = sum(each is not Outcome.PASS for each in said)
        passed = [what for what, worse in bad(champion) if gate.says(worse, champion) is Outcome.PASS]
        tried = len(list(bad(champion)))
        margins = f"{gate.gate.margin:g}, {gate.gate.proper_margin:g}"
        word = limits.word(gate.proposed.settings["model.estimator"])
        yield f"| {name} | {word} | {margins} | {blocked} of {count} | {len(passed)} of {tried} {', '.join(passed)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=40, help="models on each table (default: %(default)s)")
    parser.add_argument("tables", nargs="*", default=list(TABLES), help=f"of {', '.join(TABLES)} (default: all)")
    given = parser.parse_args()
    for line in table(given.tables, given.models):
        print(line, flush=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
