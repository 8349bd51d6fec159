"""The README's pictures, light and dark: the pipeline's page and a canary's page, taken by a headless Chromium.

Run `nox -s pipeline` and `nox -s tour` first: their pages are what is taken.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from gateline.contracts.programs import run
from gateline.settings.errors import OutsideError
from gateline.settings.front_door import front_door
from gateline.settings.shown import tell
from template.tour import FOLDER

PAGES = {
    "pipeline": (Path("reports/index.html"), "nox -s pipeline", 1000),
    "canary": (FOLDER / "project/reports/canary/index.html", "nox -s tour", 815),
}
"""Name of a picture → page, the command that makes it, height in pixels."""
WIDTH = 1180
SCHEMES = {"dark": 0, "light": 1}
"""Blink's numbers for `prefers-color-scheme`."""
MOST_BYTES = 150_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 60.0
AS_ROOT = ("--no-sandbox",) if os.geteuid() == 0 else ()
"""As root, Chromium starts without its sandbox or not at all; the pages are our own."""


def take(page: Path, height: int, scheme: str, picture: Path) -> None:
    """Write the top of a page as a PNG.

    Raises OutsideError where no browser is there, where it fails, and where the picture is larger than MOST_BYTES.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise OutsideError(f"no browser takes the pictures: none of {', '.join(BROWSERS)} is on PATH", "install Chromium")
    with tempfile.TemporaryDirectory() as profile:
        done = run(
            [
                browser, "--headless", *AS_ROOT, "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}",
                f"--window-size={WIDTH},{height}", f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
                f"--screenshot={picture.absolute()}", page.absolute().as_uri(),
            ],
            {**os.environ, "HOME": profile}, seconds=SECONDS,
        )  # fmt: skip
    if done.code != 0 or not picture.exists():
        raise OutsideError(f"{browser} took no picture of {page} (exit {done.code}):\n{done.tail(5)}", "try it by hand")
    if (size := picture.stat().st_size) > MOST_BYTES:
        raise OutsideError(f"{picture} has {size:,} bytes, limit {MOST_BYTES:,}", "lower its height in template/pictures.py")


def main() -> int:
    """Take every page of PAGES in both schemes."""
    parser = argparse.ArgumentParser(prog="nox -s pictures --", description=__doc__)
    parser.add_argument("--into", type=Path, default=Path("docs/pictures"), help="folder of the pictures (%(default)s)")
    folder: Path = parser.parse_args().into
    folder.mkdir(parents=True, exist_ok=True)
    for name, (page, command, height) in PAGES.items():
        if not page.exists():
            raise OutsideError(f"{page} is not there", command)
        for scheme in SCHEMES:
            picture = folder / f"{name}-{scheme}.png"
            take(page, height, scheme, picture)
            tell(f"{picture}  {picture.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(front_door(main))
