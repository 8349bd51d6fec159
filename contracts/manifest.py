"""What an artifact is made of, and what was recorded beside it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MODEL_FILE = "model.skops"
SCHEMA_FILE = "schema.json"
METRICS_FILE = "metrics.json"
REFERENCE_FILE = "reference.json"
GOLDEN_FILE = "golden.json"
MANIFEST_FILE = "manifest.json"


class Manifest(BaseModel):
    """An artifact's identity and files. `identity` is the digest of `inputs` alone; the rest is recorded beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    identity: str
    version: str
    inputs: dict[str, str]
    """Digests by name: train, test, schema, settings, sources, lock."""
    files: dict[str, str]
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
    created: str = ""
    commit: str = ""
    dirty: bool = False
    train_rows: int = 0
    test_rows: int = 0
    train_period: tuple[str, str] | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
