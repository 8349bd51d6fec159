"""The copies that are made, and what is run in each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.template import plans, rows
from tests.template.command import Command

COMMITTER = {
    "GIT_CONFIG_COUNT": "2",
    **{"GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "Somebody"},
    **{"GIT_CONFIG_KEY_1": "user.email", "GIT_CONFIG_VALUE_1": "somebody@example.org"},
}
"""A workflow runs on a commit."""


@dataclass(frozen=True)
class Copy:
    """One copy: its name, how it is made from the template's folder, and what is run in it."""

    name: str
    make: Callable[[Path], tuple[Command, ...]]
    plan: tuple[Command, ...]
    plainly: bool = False
    """Whether it is made by copier alone, and has the environment that its README makes, not the template's equal one."""
    workflow: bool = False
    """Whether its workflow is run as well."""

    def folder(self, scratch: Path) -> Path:
        """Return where it is made."""
        return scratch / self.name


def _plain(folder: Path) -> tuple[Command, ...]:
    return (Command(f"python -m copier copy --quiet --defaults --vcs-ref=HEAD . '{folder}'"),)


def _example(folder: Path) -> tuple[Command, ...]:
    return (Command(f"invoke new '{folder}' --defaults", environ=COMMITTER),)


def _new(write: Callable[[Path], Path], *flags: str) -> Callable[[Path], tuple[Command, ...]]:
    def make(folder: Path) -> tuple[Command, ...]:
        data = write(folder.parent / f"{folder.name} rows.csv")
        return (Command(" ".join(["invoke", "new", f"'{folder}'", f"--data='{data}'", *flags, "--defaults"])),)

    return make


COPIES = (
    Copy("My Project", _plain, (*plans.INSTALL, Command("nox -s adopt"), *plans.EXAMPLE), plainly=True),
    Copy("by workflow", _example, plans.BY_HAND, workflow=True),
    Copy("own rows", _new(rows.customers, "--target='left?'"), plans.OWN_ROWS),
    Copy("a number", _new(rows.shops, "--target=sold", "--task=regression"), plans.REGRESSION),
    Copy("own-model 3", _new(rows.plants, "--target=species"), plans.OWN_MODEL),
)
