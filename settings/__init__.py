"""The values of one line: `pipeline.toml`, typed."""

from settings.gates import BenchmarkGate, CanaryGate, DataGate, DriftGate, ModelGate, SecurityGate
from settings.images import DockerHost, Image
from settings.loading import DEFAULT_PATH, OVERRIDES, PORT_PREFIX, load
from settings.pipeline import PRODUCTION, Settings
from settings.project import METRICS, Data, Metrics, Model
from settings.serving import Environment, Load, Notify, Service

__all__ = [
    "DEFAULT_PATH",
    "METRICS",
    "OVERRIDES",
    "PORT_PREFIX",
    "PRODUCTION",
    "BenchmarkGate",
    "CanaryGate",
    "Data",
    "DataGate",
    "DockerHost",
    "DriftGate",
    "Environment",
    "Image",
    "Load",
    "Metrics",
    "Model",
    "ModelGate",
    "Notify",
    "SecurityGate",
    "Service",
    "Settings",
    "load",
]
