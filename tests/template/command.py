"""One command of a copy, as a user types it, and how it must end."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.outside import variables

SECONDS = 1200.0
TAIL = 25
INCONCLUSIVE = "inconclusive"

Edit = Callable[[Path], None]


@dataclass(frozen=True)
class Command:
    """`line` is run in the copy's folder, after the edit `before`, and ends with `code`, having printed `says`."""

    line: str
    code: int = 0
    says: str = ""
    before: Edit | None = None
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def ends(self) -> bool:
        """Whether it does its work to the end, be it that it cannot know: nox makes of that a 1, as of everything."""
        return self.code in (0, 3) or self.says == INCONCLUSIVE

    @property
    def stage(self) -> tuple[str, ...]:
        """The sessions or the task it runs, such as `("nox lint", "nox test")`; empty for another program."""
        words = shlex.split(self.line)
        if words[:2] == ["nox", "-s"]:
            ours = words[2 : words.index("--")] if "--" in words else words[2:]
            return tuple(f"nox {name}" for name in ours)
        return (f"invoke {words[1]}",) if words[0] == "invoke" else ()


@dataclass(frozen=True)
class Ran:
    """How a command ended in a copy."""

    copy: str
    line: str
    expected: int
    code: int
    seconds: float
    problem: str = ""


@dataclass(frozen=True)
class Place:
    """Where commands run: a copy's folder, and the programs of the environment that its README makes."""

    name: str
    folder: Path
    programs: Path
    log: Path

    def run(self, command: Command) -> Ran:
        """Do the edit and run the command; its output goes to the copy's log."""
        if command.before:
            command.before(self.folder)
        environ = variables() | {"PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}"} | command.environ
        begun = time.monotonic()
        done = subprocess.run(
            shlex.split(command.line),
            cwd=self.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        seconds = time.monotonic() - begun
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ {command.line}\n{done.stdout}[{done.returncode}, {seconds:.1f} s]\n\n")
        problem = _problem(command, done.returncode, done.stdout)
        return Ran(self.name, command.line, command.code, done.returncode, seconds, problem)


def _problem(command: Command, code: int, output: str) -> str:
    end = "\n".join(output.splitlines()[-TAIL:])
    if code != command.code:
        return f"ended with {code}, not {command.code}:\n{end}"
    if command.says not in output:
        return f"did not say '{command.says}':\n{end}"
    return ""
