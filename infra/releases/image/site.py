"""The libraries of a lock, installed for another machine than this one: made once per lock, platform and Python."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from filelock import FileLock

from gateline.contracts.digest import of_value
from gateline.contracts.programs import run
from gateline.settings import passing
from gateline.settings.errors import OutsideError, UsageError
from infra.host.python_env import uv

PLATFORMS = {
    "linux/amd64": "x86_64-manylinux_2_34",
    "linux/arm64": "aarch64-manylinux_2_34",
}
"""Docker's names of platforms, and uv's for what runs on a Debian 12 base."""
NEEDLESS = ("tests", "test", "*.pyi", "*.pxd", "*.pyx", "*.h", "*.lock")
"""What a service never reads: the libraries' own tests, type stubs and C sources."""
SCRIPTS = "bin"
"""Console scripts, at the top alone."""
WAIT_SECONDS = 900.0


def key(lock: Path, platform: str, python: str) -> str:
    """Return the name of a set of libraries: equal locks, platforms and Pythons share one."""
    return str(of_value([lock.read_text(encoding="utf-8"), platform, python, NEEDLESS, SCRIPTS]))[:24]


def site(lock: Path, platform: str, python: str, root: Path) -> Path:
    """Return a folder with exactly what `lock` names, by hash, without what is needless.

    Raises UsageError for a platform that is not known, OutsideError if uv cannot install.
    """
    if platform not in PLATFORMS:
        raise UsageError(f"image.platform is {platform}; known: {', '.join(PLATFORMS)}", "correct it in pipeline.toml")
    folder = root / ".gateline" / "sites" / key(lock, platform, python)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock"), timeout=WAIT_SECONDS):
        if not folder.exists():
            fresh = folder.with_suffix(".fresh")
            shutil.rmtree(fresh, ignore_errors=True)
            _install(lock, platform, python, fresh)
            _prune(fresh)
            os.rename(fresh, folder)
    return folder


def _install(lock: Path, platform: str, python: str, target: Path) -> None:
    target.mkdir()
    command = [
        uv(), "pip", "install", "--quiet", "--no-config", "--link-mode=copy", "--target", str(target),
        "--python-platform", PLATFORMS[platform], "--python-version", python, "--only-binary", ":all:",
        "--require-hashes", "-r", str(lock),
    ]  # fmt: skip
    done = run(command, passing.variables("install"))
    if done.code:
        raise OutsideError(
            f"the image's libraries cannot be installed for {platform}:\n{done.tail(8)}",
            "mend what uv names (network, index, disk, a changed hash), then run the command again",
        )


def _prune(folder: Path) -> None:
    """The libraries' records of their files go on naming what is gone: nothing at run time reads those."""
    shutil.rmtree(folder / SCRIPTS, ignore_errors=True)
    for pattern in NEEDLESS:
        for path in list(folder.rglob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()
