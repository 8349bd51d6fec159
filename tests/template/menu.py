"""What the menus of a copy list: every session and every task, each of which must have been run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable

from tests.template.command import Command, Place


def listed(place: Place) -> list[str]:
    """Return what `nox -l` and `invoke -l` list, such as `nox lint` and `invoke build`."""
    sessions = json.loads(_asked(place, "nox", "--list", "--json"))
    tasks = json.loads(_asked(place, "invoke", "--list", "--list-format=json"))
    return [f"nox {entry['name']}" for entry in sessions] + [f"invoke {entry['name']}" for entry in tasks["tasks"]]


def never_run(menu: Iterable[str], plan: Iterable[Command]) -> list[str]:
    """Return what the menu lists and no command that is to succeed runs."""
    refused_only = {"invoke new"}
    run = {stage for command in plan if command.code in (0, 3) for stage in command.stage}
    return [entry for entry in menu if entry not in run | refused_only]


def _asked(place: Place, program: str, *arguments: str) -> str:
    done = subprocess.run(
        [str(place.programs / program), *arguments], cwd=place.folder, capture_output=True, text=True, check=True
    )
    return done.stdout
