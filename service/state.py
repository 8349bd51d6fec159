"""What a service process has loaded so far."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateline.contracts.manifest import GOLDEN_FILE, MANIFEST_FILE, MODEL_FILE, REFERENCE_FILE, SCHEMA_FILE
from gateline.contracts.release import ARTIFACT_FOLDER, SCORER_FILE, TRUSTED_FILE, Release
from gateline.settings.errors import GatelineError, GateRefused, place_in_model
from service.columns import Row
from service.refusals import Refusal

if TYPE_CHECKING:
    from service.metrics import DriftCounters
    from service.predictor import Model, Predictor
    from service.requests import Requests

FILES = (MANIFEST_FILE, MODEL_FILE, SCHEMA_FILE, REFERENCE_FILE, GOLDEN_FILE)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """A model that answers its golden rows, the requests that it understands, and what it has seen."""

    predictor: Predictor
    requests: Requests
    drift: DriftCounters
    at_once: bool = False
    """Whether a row is scored in so little time that nothing else need go on meanwhile."""

    def documented(self) -> Requests:
        """Return the requests with an example that is answered, which the hooks of a copy have a say in."""
        from service.requests import Requests

        for row in _fullest_first(self.predictor.model.golden["rows"]):
            if self.predictor.answers(self.requests.typed_row(row)):
                return Requests(self.requests.schema, self.requests.max_rows, row)
        return self.requests


@dataclass
class State:
    """Loading, loaded, or failed. Written once, on the event loop."""

    loaded: Loaded | None = None
    failure: BaseException | None = None


def load(bundle: Path, release: Release) -> Loaded:
    """Load the bundle's artifact and let it answer its golden rows. Raises GateRefused, or what the files raise.

    The heavy imports are in here: the process answers `live` before them.
    """
    import model.hooks
    from service.metrics import DriftCounters
    from service.predictor import Predictor
    from service.requests import Requests

    loaded = read(bundle, release)
    if loaded.manifest.identity != release.artifact:
        raise GateRefused(
            f"the release names artifact {release.artifact[:12]}, the bundle holds {loaded.manifest.identity[:12]}",
            "build the release again", rule="digest",
        )
    predictor = Predictor(loaded, model.hooks)
    golden = loaded.golden["rows"]
    requests = Requests(loaded.schema, release.service.max_rows, next(iter(_fullest_first(golden)), []))
    predictor.check_golden(typed(requests, golden))
    drift = DriftCounters(predictor.reference, loaded.manifest.features, release, predictor.meant)
    return Loaded(predictor, requests, drift, at_once=release.scorer == "generated")


def read(bundle: Path, release: Release) -> Model:
    """Return what scores the rows of a release, its files verified. Raises GateRefused, or what the files raise.

    What was generated needs neither numpy nor scikit-learn, and nothing of the model's file is loaded.
    """
    folder = bundle / ARTIFACT_FOLDER
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise GateRefused(f"the artifact holds no {missing[0]}", "build the release again", rule="digest")
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    if release.scorer == "generated":
        from gateline.registry.generated import load_generated

        return load_generated(files, bundle / SCORER_FILE)
    from gateline.registry.loaded import load_files

    trusted = bundle / TRUSTED_FILE  # types beyond the list: `[model] trusted` of the checkout that built the bundle
    return load_files(files, tuple(json.loads(trusted.read_bytes())) if trusted.is_file() else ())


def typed(requests: Requests, golden: list[list[Any]]) -> list[Row]:
    """Return the golden rows as a request would carry them. Raises GateRefused for one that no request may carry."""
    try:
        return [requests.typed_row(row) for row in golden]
    except Refusal as refusal:
        raise GateRefused(f"a golden row is not one of the schema: {refusal}", "train again", rule="golden") from None


def load_in_thread(load: Callable[[], Loaded], done: Callable[[Loaded | BaseException], None]) -> None:
    """Load in a thread of its own; `done` is called from the thread with what was loaded, or why it was not."""

    def run() -> None:
        started = time.perf_counter()
        try:
            outcome: Loaded | BaseException = load()
            log.info("the model answers its golden rows after %.1f s", time.perf_counter() - started)
        except GatelineError as error:
            outcome = error
        except BaseException as error:
            if not place_in_model(error):
                log.exception("loading failed")
            outcome = error
        done(outcome)

    threading.Thread(target=run, name="load", daemon=True).start()


def _fullest_first(rows: list[list[Any]]) -> list[list[Any]]:
    """Return the rows with the fewest missing values first, and of these the last: edge values stand at the beginning."""
    return sorted(reversed(rows), key=lambda row: row.count(None))
