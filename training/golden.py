"""Golden rows: made from the schema, scored once, and asked again wherever the model runs."""

import datetime
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gateline.contracts import samples
from gateline.contracts.manifest import GOLDEN_TOLERANCE, MANIFEST_FILE, Manifest
from gateline.contracts.programs import run
from gateline.registry.loaded import LoadedModel, apart, encode, load_folder, unsteady
from gateline.settings.errors import GatelineError, OutsideError, UsageError, explain, next_step_of

ROOT = Path(__file__).resolve().parents[1]
"""Where the packages are found, no matter in which folder training was started."""
ROWS = 20
SEED = 20_130_101
ALONE = "let the model answer each row by itself: what scales, ranks or fills gaps learns that in fit, not from rows to score"
KEEP = (
    "keep what scoring needs in the estimator (attributes set in fit), not in a module's variables, a set's order or a file; "
    "a moment that counts is a column of the rows, not today's date"
)
AHEAD = datetime.timedelta(days=400, hours=5, minutes=7, seconds=11)


def golden_of(model: LoadedModel) -> dict[str, Any]:
    """Return rows (JSON values in schema order), their scores of shape (n, classes) or (n, 1), and what is decided from them.

    Raises UsageError where the model cannot score a row that its own schema allows, gives it no probabilities, or answers it
    otherwise alone than among others, in another order or when it is asked again.
    """
    rows = samples.rows(model.schema, ROWS, SEED)
    encoded = encode(rows, model.schema)
    try:
        scores = model.score(encoded)
        flaw = model.flaw(scores, len(rows))
        moved = "" if flaw else unsteady(model, encoded, scores)
    except Exception as error:
        advice = "narrow the schema (categories, range, nullable), or let the features take such values"
        told = f"the model cannot score rows that the schema allows: {explain(error)}"
        raise UsageError(told, next_step_of(error, advice)) from error
    if flaw:
        raise UsageError(f"of rows that the schema allows, {flaw}", "correct the estimator in model/, and train again")
    if moved:
        raise UsageError(f"golden: an answer depends on more than its own row: {moved}", ALONE)
    return {"rows": rows, "scores": scores.tolist(), "predictions": model.decide(scores)}


def ask_another_process(files: Mapping[str, bytes]) -> None:
    """Let a process that knows nothing of the training load an artifact's files and score its golden rows.

    What a module of `model/` keeps to itself is not there, words are hashed otherwise, and the clock is a year ahead. Raises
    UsageError where the answers are others, or none.
    """
    with tempfile.TemporaryDirectory(prefix="gateline-golden-") as folder:
        try:
            for name, data in files.items():
                Path(folder, name).write_bytes(data)
        except OSError as error:
            raise OutsideError(
                f"{folder}, from which another process reads the artifact, cannot be written: {error.strerror}",
                "see that its disk has space, or set TMPDIR to a folder of another one",
            ) from error
        seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
        argv = [sys.executable, "-m", "training.golden", folder]
        variables = {"OMP_NUM_THREADS": "1"} | os.environ | {"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}
        done = run(argv, variables, folder=ROOT)
    if done.code:
        told = (done.output.strip() or done.errors.strip() or f"it ended with {done.code}").splitlines()[-1]
        raise UsageError(f"golden: in a process of its own, a year later, {told}", KEEP)


def otherwise(model: LoadedModel) -> str:
    """Return how a model that was loaded answers its golden rows otherwise than was recorded; nothing where it does not."""
    rows = encode(model.golden["rows"], model.schema)
    recorded = np.asarray(model.golden["scores"], dtype=np.float64)
    try:
        scores = model.score(rows)
    except Exception as error:
        return f"the model cannot score the golden rows: {explain(error)}"
    if model.flaw(scores, len(rows)):
        return model.flaw(scores, len(rows))
    gaps = apart(scores, recorded)
    if (off := int((gaps > GOLDEN_TOLERANCE).sum())) > 0:
        return f"{off} of {len(rows)} golden rows score otherwise than in training, by up to {gaps.max():.3g}"
    decided = zip(model.decide(scores), model.golden["predictions"]) if model.manifest.classes else ()
    others = sum(now != then for now, then in decided)
    return f"{others} of {len(rows)} golden rows are decided otherwise than in training" if others else ""


def go_ahead() -> None:
    """Let this process believe that it is a year later: a model that asks for today's date answers otherwise from tomorrow on.

    `numpy.datetime64("now")` and pandas ask the system itself, and are not reached.
    """
    clock, clock_ns, plain = time.time, time.time_ns, datetime.datetime

    class Moment(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, plain)

    class Later(datetime.datetime, metaclass=Moment):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return super().now(tz) + AHEAD

        @classmethod
        def utcnow(cls) -> Any:
            return super().now(datetime.UTC).replace(tzinfo=None) + AHEAD

    later = {
        "time": lambda: clock() + AHEAD.total_seconds(),
        "time_ns": lambda: clock_ns() + int(AHEAD.total_seconds()) * 10**9,
    }
    vars(time).update(later)  # `today` asks time.time
    vars(datetime).update(datetime=Later)


if __name__ == "__main__":
    import skops.io  # noqa: F401 (libraries are imported before the clock is changed, the code of model/ after it)

    go_ahead()
    written = Path(sys.argv[1])  # by the training that asks, a moment ago: it vouches for the types of its own estimator
    types = Manifest.model_validate_json((written / MANIFEST_FILE).read_bytes()).trusted_types
    try:
        said = otherwise(load_folder(written, types))
    except GatelineError as refusal:
        said = refusal.message
    print(said)
    sys.exit(1 if said else 0)
