"""The values of one line: `pipeline.toml`, typed."""

from gateline.settings.gates import BenchmarkGate, CanaryGate, DataGate, DriftGate, ModelGate, SecurityGate
from gateline.settings.loading import DEFAULT_PATH, OVERRIDES, PORT_PREFIX, load
from gateline.settings.pipeline import PRODUCTION, Settings
from gateline.settings.project import METRICS, Data, Metrics, Model
from gateline.settings.serving import DockerHost, Environment, Image, Load, Notify, Service

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
