"""A model read from verified files, and the one way to score rows with it, offline and online."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gateline.contracts.encoding import Encoded, Encoder
from gateline.contracts.manifest import GOLDEN_CROWD, GOLDEN_TOLERANCE, MODEL_FILE, Manifest, gap
from gateline.contracts.schema import Schema
from gateline.contracts.scores import Flawed, flaw, misshapen
from gateline.registry import trusted
from gateline.registry.verified import REPAIR, verify
from gateline.settings.errors import GateRefused, explain

Rows = npt.NDArray[np.object_]
Scores = npt.NDArray[np.float64]

WAYS: Mapping[str, Callable[[LoadedModel, Rows], Scores]] = {
    "once more": lambda model, rows: model.score(rows),
    "in reverse order": lambda model, rows: model.score(rows[::-1])[::-1],
    "one at a time": lambda model, rows: np.concatenate([model.score(row[np.newaxis]) for row in rows]),
    "among 1,000 rows": lambda model, rows: model.score(np.resize(rows, (GOLDEN_CROWD, rows.shape[1])))[: len(rows)],
}
"""How else the same rows are asked for; each returns their scores in the order of the rows."""


def encode(rows: Sequence[Sequence[Any]], schema: Schema) -> Rows:
    """Return rows of JSON values in schema order as an object array of shape (n, features); raises what `Encoder` raises."""
    encoded = np.empty((len(rows), len(schema.features)), dtype=object)
    for index, row in enumerate(Encoder(schema).rows(rows)):
        encoded[index] = row
    return encoded


def apart(scores: Scores, recorded: Scores) -> npt.NDArray[np.float64]:
    """Return how far each row's scores are from the recorded ones at most, shape (n,). Both have the same shape."""
    gaps = np.vectorize(gap, otypes=[np.float64])(scores, recorded)
    return np.asarray(gaps.max(axis=1), dtype=np.float64)


def unsteady(model: LoadedModel, rows: Rows, scores: Scores) -> str:
    """Return how a model answers rows otherwise than with `scores`, which it gave them as one batch; else nothing.

    Raises what the estimator raises.
    """
    decided = model.decide(scores) if model.manifest.classes else []
    for way, ask in WAYS.items():
        again = ask(model, rows)
        if again.shape != scores.shape:
            return f"asked {way}, the golden rows get scores of shape {again.shape}, as a batch {scores.shape}"
        gaps = apart(again, scores)
        if (off := int((gaps > GOLDEN_TOLERANCE).sum())) > 0:
            told = f"asked {way}, {off} of {len(rows)} golden rows score otherwise than as a batch"
            return f"{told}, by up to {gaps.max():.3g}"
        if (others := sum(one != other for one, other in zip(model.decide(again), decided))) > 0:
            return f"asked {way}, {others} of {len(rows)} golden rows are decided otherwise than as a batch"
    return ""


@dataclass(frozen=True)
class LoadedModel:
    """An estimator with the schema and manifest it belongs to."""

    manifest: Manifest
    schema: Schema
    estimator: Any
    golden: dict[str, Any]
    reference: dict[str, Any]

    def score(self, rows: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
        """Return probabilities of shape (n, classes), or predicted numbers of shape (n, 1), for rows of shape (n, features).

        Rows are in schema order: numbers as float with NaN for missing, strings as str with None for missing. The estimator
        gets a copy that it cannot write into. Raises what the estimator raises; `flaw` says whether the scores are any.
        """
        own = read_only(rows)
        if self.manifest.task == "regression":
            return _numbers(self.estimator.predict(own), "predict").reshape(-1, 1)
        return _numbers(self.estimator.predict_proba(own), "predict_proba")

    def flaw(self, scores: npt.NDArray[np.float64], rows: int) -> str:
        """Return in which way `scores` are no probabilities (or no numbers) of so many rows; nothing where they are."""
        classes = self.manifest.classes
        return misshapen(scores.shape, rows, classes) or flaw(scores.tolist(), classes)

    def scores(self, rows: Sequence[Encoded]) -> list[list[float]]:
        """Return the scores of encoded rows, one list a row. Raises Flawed, and what the estimator raises."""
        stacked = np.empty((len(rows), len(self.manifest.features)), dtype=object)
        for index, row in enumerate(rows):
            stacked[index] = row
        scores = self.score(stacked)
        if told := self.flaw(scores, len(rows)):
            raise Flawed(told)
        return [list(row) for row in scores.tolist()]

    def decide(self, scores: npt.NDArray[np.float64]) -> list[Any]:
        """Return one label (or number) per row of `scores`, of shape (n, classes) or (n, 1)."""
        return [self.manifest.decide(row) for row in scores.tolist()]


def read_only(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a copy that cannot be written into: what one model changed would be changed for all that come after it."""
    own = rows.copy()
    own.flags.writeable = False
    return own


def _numbers(answered: Any, by: str) -> npt.NDArray[np.float64]:
    try:
        if np.iscomplexobj(answered):
            raise ValueError("they are complex")
        return np.asarray(answered, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"what {by} returned, a {type(answered).__name__}, is no array of numbers: {error}") from error


def load_files(files: Mapping[str, bytes], by_hand: Collection[str] = ()) -> LoadedModel:
    """Verify and load an artifact's files, as of `Artifacts.files`.

    `by_hand` are types that may be loaded beyond our own list and what this process's `model/` defines: `[model] trusted` of
    the checkout, or of the bundle. What the manifest says of types decides nothing.
    Raises GateRefused naming the rule: `digest`, `env_lock` or `unsafe_load`.
    """
    verified = verify(files)
    manifest = verified.manifest
    for name, version in manifest.libraries.items():
        try:
            here = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            here = "not installed"
        if here != version:
            raise GateRefused(
                f"{manifest.version} was trained with {name} {version}, here is {here}",
                "use the release's own environment", rule="env_lock",
            )
    return LoadedModel(
        manifest=manifest,
        schema=verified.schema,
        estimator=_estimator(files[MODEL_FILE], by_hand),
        golden=verified.golden,
        reference=verified.reference,
    )


def load_folder(folder: Path, by_hand: Collection[str] = ()) -> LoadedModel:
    """Verify and load an artifact that is unpacked in a folder, as `load_files` does."""
    return load_files({path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}, by_hand)


def _estimator(model: bytes, by_hand: Collection[str]) -> Any:
    """Load with skops: no code of the file runs, and only types of our own list are allowed."""
    import skops.io

    try:
        named = trusted.types_of(model)
    except Exception as error:
        raise GateRefused(
            f"{MODEL_FILE} is not a skops file ({explain(error)}); it was not loaded", REPAIR, rule="unsafe_load"
        ) from None
    own = trusted.own_names(trusted.own_sources()) if any(name.startswith("model.") for name in named) else ()
    strangers = trusted.strangers(named, own, by_hand)
    if strangers:
        raise GateRefused(
            f"{MODEL_FILE} names {', '.join(strangers[:3])}, which may not be loaded; it was not loaded",
            trusted.advice(strangers, by_hand), rule="unsafe_load",
        )
    try:
        return skops.io.loads(model, trusted=named)
    except Exception as error:
        raise GateRefused(
            f"{MODEL_FILE} could not be loaded: {type(error).__name__}: {error}",
            "see that `model/` still holds what the model is made of, then train again", rule="unsafe_load",
        ) from error
