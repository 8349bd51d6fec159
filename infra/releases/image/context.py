"""The folder that an image is built from: the same files, modes and times whoever lays it out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from gateline.contracts.digest import CACHES, NO_SOURCES
from gateline.contracts.release import RELEASE_FILE
from infra.host.bundle import read_release
from infra.host.docker import APIError, Docker, reaching
from infra.releases.image import health

DOCKERFILE = Path(__file__).with_name("Dockerfile")
EPOCH = 0
"""Seconds that every file claims to be from: an image depends on contents alone."""
KEPT = 2
"""The newest of each kind stay: the one in use, and the one to go back to."""


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


def settle(folder: Path) -> None:
    """Give every file and folder one time, and modes that depend on nothing but whether it can be executed."""
    for path in (*folder.rglob("*"), folder):
        executable = path.is_dir() or os.access(path, os.X_OK)
        path.chmod(0o755 if executable else 0o644)
        os.utime(path, (EPOCH, EPOCH))


def remove_older(client: Docker, repository: str) -> list[str]:
    """Remove all but the newest images named `repository:…`; return their names. One that a container uses stays."""
    with reaching():
        listed = client.images.list(name=repository)
    newest_first = sorted(listed, key=lambda image: str(image.attrs["Created"]), reverse=True)
    return [tag for image in newest_first[KEPT:] for tag in image.tags if _removed(client, tag)]


def _removed(client: Docker, tag: str) -> bool:
    try:
        client.images.remove(tag)
    except APIError:
        return False
    return True
