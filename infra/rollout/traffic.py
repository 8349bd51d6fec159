"""Synthetic traffic: locust in a process of its own, from the load group's locked environment."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from gateline.contracts.layout import STATE
from gateline.contracts.manifest import REFERENCE_FILE, SCHEMA_FILE
from gateline.settings import passing
from gateline.settings.shown import tell_message
from infra.host.processes import end, tail
from infra.host.python_env import python_for

LOCK = Path("requirements/load.txt")
STOP_SECONDS = 10.0


@contextmanager
def synthetic(
    url: str, rate: float, seconds: float, config: str, root: Path = Path("."), artifact: Path | None = None,
    secrets: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[subprocess.Popen[bytes]]:
    """Send `rate` requests a second to `url` (the full /predict address) for at most `seconds`, until the block is left.

    Rows are made from the schema of the settings or, where the folder of an `artifact` is given, as its training rows were
    distributed. With the environment's `secrets` (as of its engine) they are let in, and count as made up.
    """
    argv = [
        str(python_for(root / LOCK, root)), "-m", "load", "--url", url, "--rate", f"{rate:g}", "--seconds", f"{seconds:g}",
        "--config", config, "--until-killed", *_rows_of(artifact),
    ]  # fmt: skip
    log = root / STATE / "synthetic-traffic.log"
    with log.open("wb") as stream:
        known = passing.variables("load") | dict(secrets)
        process = subprocess.Popen(argv, cwd=root, stdout=stream, stderr=subprocess.STDOUT, env=known)
        try:
            yield process
        finally:
            early = process.poll()
            end(process, STOP_SECONDS)
    if early:
        tell_message(f"synthetic traffic ended by itself with {early}:\n{tail(log, 5)}")


def _rows_of(artifact: Path | None) -> list[str]:
    """What is not there is left to the settings."""
    names = {"--schema": SCHEMA_FILE, "--reference": REFERENCE_FILE}
    files = {option: artifact / name for option, name in names.items()} if artifact else {}
    return [word for option, path in files.items() if path.is_file() for word in (option, str(path.resolve()))]
