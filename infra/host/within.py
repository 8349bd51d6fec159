"""Run a module in the environment of a lock: `python -m infra.host.within train validation.data.gate --help`."""

import subprocess
import sys
from pathlib import Path

from gateline.settings.errors import UsageError
from gateline.settings.front_door import front_door
from infra.host.python_env import python_for


def main() -> int:
    """Make the environment if it is not there yet, run the module in it, and return its exit code."""
    if len(sys.argv) < 3:
        raise UsageError("a group and a module are needed", "python -m infra.host.within train validation.data.gate --help")
    group, module, *arguments = sys.argv[1:]
    if (module, arguments[:1]) == ("copier", ["update"]):
        # What the documentation named before there was a task for it: copier alone ends in a traceback where it cannot go on.
        return subprocess.call([sys.executable, "-m", "invoke", "update"])
    lock = Path("requirements") / f"{group}.txt"
    if not lock.is_file():
        raise UsageError(f"{lock}: there is no such lock", "run the command from the project's folder, or nox -s lock")
    return subprocess.call([str(python_for(lock, Path("."))), "-m", module, *arguments])


if __name__ == "__main__":
    sys.exit(front_door(main))
