"""The values of one pipeline: `pipeline.toml`, typed.

A name is loaded where it is asked for: a service process that needs one table does not build the models of all.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateline.settings.environments import DockerHost, Environment, KubernetesCluster
    from gateline.settings.gates import BenchmarkGate, CanaryGate, DataGate, DriftGate, ModelGate, SecurityGate
    from gateline.settings.pipeline import DEFAULT_PATH, PRODUCTION, Settings, load
    from gateline.settings.project import METRICS, Data, Metrics, Model
    from gateline.settings.service import Image, Load, Notify, Service
    from gateline.settings.variables import OVERRIDES, PORT_PREFIX

__all__ = [
    "DEFAULT_PATH", "METRICS", "OVERRIDES", "PORT_PREFIX", "PRODUCTION", "BenchmarkGate", "CanaryGate", "Data", "DataGate",
    "DockerHost", "DriftGate", "Environment", "Image", "KubernetesCluster", "Load", "Metrics", "Model", "ModelGate", "Notify",
    "SecurityGate", "Service", "Settings", "load",
]  # fmt: skip

_MODULES = {
    "environments": ("DockerHost", "Environment", "KubernetesCluster"),
    "gates": ("BenchmarkGate", "CanaryGate", "DataGate", "DriftGate", "ModelGate", "SecurityGate"),
    "pipeline": ("DEFAULT_PATH", "PRODUCTION", "Settings", "load"),
    "project": ("METRICS", "Data", "Metrics", "Model"),
    "service": ("Image", "Load", "Notify", "Service"),
    "variables": ("OVERRIDES", "PORT_PREFIX"),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
