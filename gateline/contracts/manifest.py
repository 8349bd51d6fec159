"""What an artifact is made of, and what was recorded beside it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MODEL_FILE = "model.skops"
SCHEMA_FILE = "schema.json"
METRICS_FILE = "metrics.json"
REFERENCE_FILE = "reference.json"
GOLDEN_FILE = "golden.json"
MANIFEST_FILE = "manifest.json"
GOLDEN_TOLERANCE = 1e-9
"""Largest difference between two scores of one golden row; of scores above 1, in units of the recorded score."""
GOLDEN_CROWD = 1_000
"""Rows among which golden rows are asked for as well: a model may hold back with few, one that scales a batch by its own
spread does so from some number of rows on."""
NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$"
"""A plain name: no folder, no way out of one, nothing that markup or a terminal would take for anything else."""
Moment = Annotated[str, Field(pattern=r"^[0-9TZ:.+-]*$")]
"""A time in ISO 8601, or nothing."""


class Objects(BaseModel):
    """The objects of a data set in a store that can overwrite them, as they were when they were read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    """What the settings named: one object, a folder or a glob."""
    versions: dict[str, str]
    """Version id of each object by its name below `url` ('' for `url` itself); '' where the bucket keeps no versions."""


class Manifest(BaseModel):
    """An artifact's identity and files. `identity` is the digest of `inputs` alone; the rest is recorded beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), ser_json_inf_nan="strings")

    identity: Annotated[str, Field(pattern=NAME)]
    version: Annotated[str, Field(pattern=NAME)]
    inputs: dict[str, str]
    """Digests by name: train, test, schema, settings, sources, lock."""
    objects: dict[str, Objects] = Field(default_factory=dict)
    """By `train` and `test`: where these rows lay, if that was an object store."""
    files: dict[Annotated[str, Field(pattern=NAME)], str]
    """SHA-256 of every other file of the artifact, by name."""
    task: Literal["binary", "multiclass", "regression"]
    target: str
    features: tuple[str, ...]
    """Feature columns in schema order: the order of a row in a request."""
    classes: tuple[str | int | float | bool, ...] = ()
    """Class labels in the order of the probabilities; empty for regression."""
    positive: str | int | float | bool | None = None
    threshold: float = 0.5
    trusted_types: tuple[str, ...] = ()
    """The types outside the loader's own trusted set that the model file may name."""
    libraries: dict[str, str] = Field(default_factory=dict)
    """Versions that training ran with, by distribution name."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """The resolved training settings."""
    created: Moment = ""
    commit: Annotated[str, Field(pattern=f"^$|{NAME}")] = ""
    dirty: bool = False
    train_rows: int = 0
    test_rows: int = 0
    train_period: tuple[str, str] | None = None
    metrics: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _positive_is_a_class(self) -> Self:
        if self.task == "binary" and self.classes and self.positive is not None and self.positive not in self.classes:
            raise ValueError(f"positive class {self.positive!r} is none of {', '.join(map(repr, self.classes))}")
        return self
