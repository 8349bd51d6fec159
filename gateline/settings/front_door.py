"""How every command begins and ends: what it can show, where it goes on without its libraries, and its exit code."""

import errno
import importlib.util
import io
import os
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

from gateline.settings.errors import ExitCode, GatelineError, UsageError, place_in_model
from gateline.settings.shown import lines_of, tell, tell_message

CLOSED_PIPE = 141
"""As a shell says it of a program that SIGPIPE ended."""
FULL = "free the space, then run it again"
REFUSED = "give this account the permission, then run it again"
ADVICE = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.ENOENT: "fix the path, then run it again",
    errno.ENOTDIR: "fix the path: a part of it is a file, not a folder",
    errno.EISDIR: "fix the path: it is a folder, not a file",
    errno.ENAMETOOLONG: "shorten the path",
    errno.EACCES: REFUSED,
    errno.EPERM: REFUSED,
    errno.EROFS: "mount the file system for writing, or name another path",
    errno.EMFILE: "allow more open files (ulimit -n 4096), then run it again",
    errno.ENOMEM: "free memory, then run it again",
    errno.EADDRINUSE: "end what uses the port, or choose another one in pipeline.toml",
    errno.ECONNREFUSED: "check that the other side runs, then run it again",
    errno.ETIMEDOUT: "check the network, then run it again",
}
"""The next step where the operating system refused something, by its number: each names the cause, and no other."""
GROUPS = {"gateline": "train", "validation": "train", "training": "train", "load": "load", "service": "service"}
"""Packages, and the dependency group whose lock they run with."""
MAKES_ENVIRONMENTS = ("filelock", "uv")
"""What an environment needs to make another one."""
OURS = ".gateline"
"""Environments that were made from a lock are below it: what they lack, the lock lacks."""


def front_door(main: Callable[[], int]) -> int:
    """Run `main` and turn every expected failure into one message on stderr and its exit code."""
    show_what_can_be_shown()
    try:
        try:
            return main()
        except ModuleNotFoundError as error:
            return go_on(error.name or str(error))
    except GatelineError as error:
        tell_message(f"error: {error}")
        return int(error.exit_code)
    except SystemExit as error:
        place = place_in_model(error)
        if not place:
            raise
        tell_message(f"error: {place}, ends the whole program: {error}")
        tell("  next: let it raise an error that says what is wrong", error=True)
        return int(ExitCode.USAGE)
    except KeyboardInterrupt:
        tell("interrupted: nothing more was started", error=True)
        return 130
    except BrokenPipeError:
        # The reader has seen enough, as `| head` has: a quiet end, but no pass. Python's last flush must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        advice = ADVICE.get(error.errno or 0, "see the cause above; then run it again")
        tell(f"error: {error.strerror or error}{where}", f"  next: {advice}", error=True)
        return int(ExitCode.OUTSIDE)


def go_on(missing: str) -> int:
    """Run the same command in the environment of its package's lock; return its exit code.

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


def show_what_can_be_shown() -> None:
    """Let signs that the terminal's encoding lacks be shown as `?`: by default, printing one would end the command.

    Warnings of libraries, and errors that nobody expected, may hold values of rows: they are shown as text as well.
    """
    sys.excepthook = lambda kind, error, trace: tell_message("".join(traceback.format_exception(kind, error, trace)).rstrip())
    warnings.formatwarning = lambda message, category, filename, lineno, line=None: (
        lines_of(f"{filename}:{lineno}: {category.__name__}: {message}") + "\n"
    )
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
