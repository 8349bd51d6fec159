"""A room that is run where its libraries are missing goes on in the environment of its lock, or says what is missing."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from gateline.settings.errors import UsageError
from gateline.settings.shown import tell

GROUPS = {
    "rows": "train",
    "contracts": "train",
    "validation": "train",
    "training": "train",
    "load": "load",
    "service": "service",
}
"""Rooms, and the dependency group whose lock they run with."""
MAKES_ENVIRONMENTS = ("filelock", "uv")
"""What an environment needs to make another one."""
OURS = ".gateline"
"""Environments that were made from a lock lie below it: what they lack, the lock lacks."""


def go_on(missing: str) -> int:
    """Run the same command in the environment of its room's lock; return its exit code.

    `missing` is the library that is not here. Raises UsageError where another environment would not have it either.
    """
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    module = spec.name.removesuffix(".__main__") if spec else ""
    group = GROUPS.get(module.partition(".")[0], "")
    able = all(importlib.util.find_spec(name) for name in MAKES_ENVIRONMENTS)
    if not group or not able or OURS in Path(sys.prefix).parts:
        add = f"add it to the group {group or 'that needs it'} in pyproject.toml, then nox -s lock"
        raise UsageError(f"the library {missing} is not installed in this environment", add)
    tell(f"{missing} is not installed here: going on in the environment of requirements/{group}.txt", error=True)
    return subprocess.call([sys.executable, "-m", "infra.host.within", group, module, *sys.argv[1:]])
