"""What makes an artifact what it is: the digests of everything that shapes it. Imports nothing heavy."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateline.contracts.digest import of_file, of_sources, of_tree, of_value
from gateline.contracts.manifest import Objects
from gateline.contracts.schema import Schema
from gateline.contracts.shaping import schema_of, shaping
from gateline.rows.digests import data_digest
from gateline.rows.sources import pinned
from gateline.settings import Settings
from gateline.settings.errors import UsageError

ROOT = Path(__file__).resolve().parents[1]
LOCK = "requirements/train.txt"
SHAPING = (
    "training",
    "gateline/contracts/labels.py",
    "gateline/contracts/manifest.py",
    "gateline/contracts/reference.py",
    "gateline/contracts/samples.py",
    "gateline/contracts/schema.py",
    "gateline/contracts/storage.py",
    "gateline/registry/loaded.py",
    "gateline/rows/csv_file.py",
    "gateline/rows/encodings.py",
    "gateline/rows/parquet_file.py",
    "gateline/rows/parts.py",
    "gateline/rows/reading.py",
    "gateline/rows/sources.py",
    "gateline/rows/text.py",
    "gateline/rows/typed.py",
    "validation/matrix.py",
    "validation/metrics.py",
    "validation/scored.py",
)
"""Our own sources that shape an artifact, beside `model/`; other rooms may change without a new one."""


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
        """The artifact's identity."""
        return of_value(self.inputs)


def plan(settings: Settings) -> Plan:
    """Return what these settings train. Raises UsageError for data, schema, columns or a lock that are not there."""
    schema, resolved = schema_of(settings), shaping(settings)
    rows = {"train": pinned(settings.data.train), "test": pinned(settings.data.test)}
    inputs = {
        **{role: data_digest(which) for role, which in rows.items()},
        "schema": of_value(schema.dump()),
        "settings": of_value(resolved),
        "sources": of_sources(ROOT, SHAPING),
        "model": of_value(of_tree(_model_folder())),
        "lock": _lock(),
    }
    return Plan(settings, schema, resolved, inputs, rows)


def _model_folder() -> Path:
    spec = importlib.util.find_spec("model")
    if spec is None or not spec.submodule_search_locations:
        raise UsageError("there is no package `model`", "run the command from the project's folder")
    return Path(next(iter(spec.submodule_search_locations)))


def _lock() -> str:
    path = ROOT / LOCK
    if not path.is_file():
        raise UsageError(f"{LOCK}: there is no such lock", "write it: nox -s lock")
    return of_file(path)
