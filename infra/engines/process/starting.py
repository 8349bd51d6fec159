"""Start the supervisor of an environment: it outlives the command that starts it."""

from __future__ import annotations

import subprocess

from gateline.settings import passing
from infra.engines.process import commands
from infra.host.layout import Layout
from infra.host.logs import opened

START_SECONDS = 15.0


def start_supervisor(place: Layout) -> None:
    """Start a supervisor, which detaches itself; secrets of the command stay with the command."""
    command = commands.supervisor(place, passing.variables("supervisor"))
    place.predictions.mkdir(parents=True, exist_ok=True)
    with opened(place.log("supervisor")) as output:
        subprocess.run(
            command.argv,
            cwd=command.folder,
            env=dict(command.variables),
            check=False,
            timeout=START_SECONDS,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
