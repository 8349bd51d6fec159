"""What `invoke` runs: each function does one thing, tells the user, and returns an exit code."""

from infra.commands.building import build
from infra.commands.changing import canary, deploy, deploy_plan, promote, rollback, rollback_list, rollback_plan
from infra.commands.environments import down, smoke, status, up
from infra.commands.history import audit, drift, report
from infra.commands.monitoring import monitor
from infra.commands.signing import new_key, sign, verify
from infra.commands.updating import update
from infra.rollout.canary import CanaryOptions
from infra.rollout.deploy import DeployOptions
from infra.rollout.last_change import Moment

__all__ = [
    "CanaryOptions",
    "DeployOptions",
    "Moment",
    "audit",
    "build",
    "canary",
    "deploy",
    "deploy_plan",
    "down",
    "drift",
    "monitor",
    "new_key",
    "promote",
    "report",
    "rollback",
    "rollback_list",
    "rollback_plan",
    "sign",
    "smoke",
    "status",
    "up",
    "update",
    "verify",
]
