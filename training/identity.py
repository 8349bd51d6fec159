"""What makes an artifact what it is: the digests of everything that shapes it. Imports nothing heavy."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateline.contracts.digest import of_file, of_sources, of_tree, of_value
from gateline.contracts.manifest import Objects
from gateline.contracts.schema import Schema
from gateline.contracts.shaping import schema_of, shaping
from gateline.rows.sources import data_digest, pinned
from gateline.settings import Settings
from gateline.settings.errors import UsageError

ROOT = Path(__file__).resolve().parents[1]
LOCK = "requirements/train.txt"
SHAPING = (
    "training",
    "gateline/contracts/encoding.py",
    "gateline/contracts/manifest.py",
    "gateline/contracts/reference.py",
    "gateline/contracts/samples.py",
    "gateline/contracts/schema.py",
    "gateline/contracts/scores.py",
    "gateline/contracts/storage.py",
    "gateline/registry/loaded.py",
    "gateline/registry/verified.py",
    "gateline/rows/batches.py",
    "gateline/rows/buffers.py",
    "gateline/rows/cells.py",
    "gateline/rows/csv_file.py",
    "gateline/rows/cutting.py",
    "gateline/rows/gathering.py",
    "gateline/rows/parquet_batches.py",
    "gateline/rows/parts.py",
    "gateline/rows/reading.py",
    "gateline/rows/sources.py",
    "gateline/rows/streaming.py",
    "gateline/rows/text.py",
    "validation/matrix.py",
    "validation/metrics.py",
)
"""Our own sources that shape an artifact, besides `model/`; other packages may change without a new one."""


@dataclass(frozen=True)
class Plan:
    """What is to be trained: the settings, the schema with its roles, and the digests of all inputs."""

    settings: Settings
    schema: Schema
    resolved: dict[str, Any]
    """The settings that shape the artifact."""
    inputs: dict[str, str]
    rows: Mapping[str, str | Objects]
    """What is read as `train` and as `test`: the very versions that `inputs` digests, where there are versions."""

    @property
    def identity(self) -> str:
        return of_value(self.inputs)


def plan(settings: Settings) -> Plan:
    """Return what these settings train. Raises UsageError for data, schema, columns or a lock that are not there."""
    schema, resolved = schema_of(settings), shaping(settings)
    rows = {"train": pinned(settings.data.train), "test": pinned(settings.data.test)}
    own = importlib.util.find_spec("model")
    if own is None or not own.submodule_search_locations:
        raise UsageError("there is no package `model`", "run the command from the project's folder")
    if not (ROOT / LOCK).is_file():
        raise UsageError(f"{LOCK}: there is no such lock", "write it: nox -s lock")
    inputs = {
        **{role: data_digest(which) for role, which in rows.items()},
        "schema": of_value(schema.dump()),
        "settings": of_value(resolved),
        "sources": of_sources(ROOT, SHAPING),
        "model": of_value(of_tree(Path(next(iter(own.submodule_search_locations))))),
        "lock": of_file(ROOT / LOCK),
    }
    return Plan(settings, schema, resolved, inputs, rows)
