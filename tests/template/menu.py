"""What the menus of a copy list: every session and every task, each of which must have been run."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable

from tests.template.command import Command, Place

SESSION = re.compile(r"^[*-] (\S+)", re.MULTILINE)
"""What nox lists as JSON are the sessions that it would run, not those that there are."""


def listed(place: Place) -> list[str]:
    """Return what `nox -l` and `invoke -l` list, such as `nox lint` and `invoke build`."""
    sessions = SESSION.findall(_asked(place, "nox", "--list"))
    tasks = json.loads(_asked(place, "invoke", "--list", "--list-format=json"))["tasks"]
    assert sessions and tasks, "a menu that lists nothing cannot be judged"
    return [f"nox {name}" for name in sessions] + [f"invoke {entry['name']}" for entry in tasks]


def never_run(menu: Iterable[str], plan: Iterable[Command]) -> list[str]:
    """Return what the menu lists and no command runs to its end: one that is refused has shown its refusal alone."""
    refused_only = {"invoke new", "invoke update"}  # tests of copies made by `invoke new` run an update to its end
    run = {stage for command in plan if command.ends for stage in command.stage}
    return [entry for entry in menu if entry not in run | refused_only]


def _asked(place: Place, program: str, *arguments: str) -> str:
    done = subprocess.run(
        [str(place.programs / program), *arguments], cwd=place.folder, capture_output=True, text=True, check=True
    )
    return done.stdout
