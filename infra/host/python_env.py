"""Python environments keyed by their lock: made once, used by every release that has the same lock."""

import contextlib
import hashlib
import os
import platform
import shutil
import sys
from pathlib import Path

from filelock import FileLock, Timeout

from gateline.contracts.programs import Ran, run
from gateline.settings import passing
from gateline.settings.errors import OutsideError
from infra.host import libraries
from infra.host.libraries import COMPILED, STAMP

WAIT_SECONDS = 900.0
OURS = f"{sys.version_info.major}.{sys.version_info.minor}"


def python_for(lock_file: Path, root: Path, version: str = OURS, *, compiled: bool = True) -> Path:
    """Return the interpreter of a tool's environment, made below the project's folder `root`; as `python_in`."""
    return python_in(root / ".gateline" / "envs", lock_file, version, compiled=compiled)


def python_in(envs: Path, lock_file: Path, version: str = OURS, *, compiled: bool = True) -> Path:
    """Return the interpreter of the environment that holds exactly what `lock_file` names, made in `envs` if not there yet.

    `version` is the `major.minor` of Python; `compiled` makes the byte code of everything in it at once, which is worth its
    seconds where many processes start from it. An environment cannot be moved after it was made: it is made in place under
    a lock, and counts only once its stamp is there. Raises OutsideError if uv cannot make it, and GateRefused (rule
    `digest`) if what it installed is not what the wheels list.
    """
    python = interpreter(envs, lock_file, version)
    folder = python.parents[1]
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder.with_suffix(".lock"), timeout=WAIT_SECONDS):
            if not _whole(python):
                _make(folder, lock_file, version, compiled)
    except Timeout:
        raise OutsideError(
            f"{folder} has been in the making by another command for {WAIT_SECONDS:.0f} s",
            "end that command, then try again",
        ) from None
    return python


def is_made(lock_file: Path, root: Path) -> bool:
    """Whether `python_for` would find the environment, and install nothing."""
    return _whole(interpreter(root / ".gateline" / "envs", lock_file))


def _whole(python: Path) -> bool:
    return (python.parents[1] / STAMP).exists() and python.exists()


def interpreter(envs: Path, lock_file: Path, version: str = OURS) -> Path:
    """Return where the interpreter of that environment is, once it was made."""
    full = platform.python_version() if version == OURS else version
    about = f"{full} {sys.implementation.name} {sys.platform} {platform.machine()}"
    key = hashlib.sha256(about.encode() + b"\n" + lock_file.read_bytes()).hexdigest()[:24]
    return envs / key / "bin" / "python"


def run_in(python: Path, *arguments: str, folder: Path, alone: bool = False) -> Ran:
    """Run an interpreter of ours in a folder, what it prints captured; what it imports is compiled once, near its libraries.

    Nothing is written into the folder, and an account that wants no byte code written anywhere else keeps its wish. `alone`:
    of other programs, it finds those of its environment only.
    """
    argv = [str(python), "-X", f"pycache_prefix={python.parents[1] / COMPILED}", *arguments]
    variables = passing.variables("install")
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    if alone:
        variables["PATH"] = str(python.parent)
    return run(argv, variables, folder=folder)


def forget(python: Path, folder: Path) -> None:
    """Remove the byte code that `run_in` kept of what is in a folder, where the folder itself is to go."""
    absolute = folder.resolve()
    kept = python.parents[1] / COMPILED / absolute.relative_to(absolute.anchor)
    shutil.rmtree(kept, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.removedirs(kept.parent)  # those that are empty now


def uv() -> str:
    """Return the path of uv: from its package, else from PATH. Raises OutsideError."""
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if not found:
        raise OutsideError("uv is not installed, and it makes the releases' environments", "pip install uv")
    return found


def _make(folder: Path, lock_file: Path, version: str, compiled: bool) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    environ = {name: value for name, value in passing.variables("install").items() if name != "PYTHONPATH"}
    options = ["--require-hashes", *(["--compile-bytecode"] if compiled else [])]
    for words in (
        ["venv", "--quiet", "--no-project", "--python", sys.executable if version == OURS else version, str(folder)],
        ["pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), *options, "-r", str(lock_file)],
    ):
        done = run([uv(), *words], environ)
        if done.code:
            raise OutsideError(
                f"a Python environment cannot be made: `uv {' '.join(words[:2])}` ended with {done.code}:\n{done.tail(8)}",
                "fix what uv names (network, index, disk, a changed hash), then run the command again",
            )
    libraries.note(folder, lock_file)
