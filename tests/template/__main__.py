"""Copy the template as users do, and run every command of the copies, to production and back; all stand on one host.

Examples: nox -s template · nox -s template -- --only "own rows" · nox -s template -- --keep
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from gateline.contracts.verdict import Outcome, Rule, Verdict
from gateline.report.writing import write
from gateline.settings.errors import UsageError, did_you_mean
from gateline.settings.front_door import front_door
from infra.host.processes import interrupted_once
from infra.host.python_env import python_for
from template.scratch import remove
from tests.template import menu, plans
from tests.template.command import Command, Place, Ran
from tests.template.copies import COPIES, Copy
from tests.template.workflows import Workflows

ROOT = Path(__file__).resolve().parents[2]
MINUTES = 6
"""What a copy takes, on the average, on two cores."""


class Trial:
    """One run of all copies; what ran is told as it ends."""

    def __init__(self, scratch: Path, copies: Sequence[Copy], console: Console) -> None:
        """Prepare; nothing is copied yet."""
        self._scratch, self._copies, self._console = scratch, copies, console
        self._count = 0
        self._programs = python_for(ROOT / "requirements/dev.txt", ROOT).parent
        self._total = sum(len(copy.plan) + 1 + len(plans.STANDING) for copy in copies)

    def run(self) -> list[Rule]:
        """Run everything; return one rule a command, and one on the menus. Everything is stopped at the end."""
        try:
            found = [rule for copy in self._copies for rule in self._whole(copy)]
            for copy in self._copies:
                found += self._each(self._place(copy), plans.STANDING)
            return found
        finally:
            for copy in self._copies:
                for command in plans.LEAVING:
                    if copy.folder(self._scratch).is_dir():
                        self._place(copy).run(command)

    def _whole(self, copy: Copy) -> list[Rule]:
        place = self._place(copy)
        lock = "template" if copy.plainly else "dev"
        maker = Place(copy.name, ROOT, python_for(ROOT / f"requirements/{lock}.txt", ROOT).parent, place.log)
        found = self._each(maker, copy.make(place.folder))
        if _good(found):
            found += self._each(place, copy.plan)
        if copy.workflow and _good(found):
            self._console.print(f"         {copy.name:<12} its workflow, four times: about 14 minutes")
            found += Workflows(place, ROOT, self._step).rules()
        return [*found, _menus(place, copy)] if copy.plainly and _good(found) else found

    def _each(self, place: Place, commands: Sequence[Command]) -> list[Rule]:
        """What follows a command that ended otherwise than it should is not run: it would say nothing of its own."""
        found: list[Rule] = []
        for command in commands:
            found.append(self._told(place.run(command)))
            if found[-1].outcome is Outcome.FAIL:
                break
        return found

    def _told(self, ran: Ran) -> Rule:
        self._count += 1
        mark = "[red]WRONG[/red]" if ran.problem else "ok   "
        count = f"{self._count:>3}/{self._total}"
        self._console.print(f"{count}  {ran.copy:<12} {mark} exit {ran.code} {ran.seconds:7.1f} s  {escape(ran.line)}")
        return Rule(
            name=ran.line,
            subject=ran.copy,
            outcome=Outcome.FAIL if ran.problem else Outcome.PASS,
            reason=ran.problem or f"exit {ran.code}, as it must, after {ran.seconds:.1f} s",
            observed=float(ran.code),
            limit=float(ran.expected),
            unit="exit code",
        )

    def _step(self, line: str) -> None:
        self._console.print(f"         {escape(line)}")

    def _place(self, copy: Copy) -> Place:
        folder = copy.folder(self._scratch)
        programs = folder / ".venv/bin" if copy.plainly else self._programs
        return Place(copy.name, folder, programs, self._scratch / f"{copy.name}.log")


def _good(rules: Sequence[Rule]) -> bool:
    return bool(rules) and all(rule.outcome is Outcome.PASS for rule in rules)


def _menus(place: Place, copy: Copy) -> Rule:
    missing = menu.never_run(menu.listed(place), copy.plan)
    return Rule(
        name="every session and task",
        subject=copy.name,
        outcome=Outcome.FAIL if missing else Outcome.PASS,
        reason=f"never run: {', '.join(missing)}" if missing else "all that nox -l and invoke -l list were run",
        next_step="add it to tests/template/plans.py" if missing else "",
    )


def chosen(names: Sequence[str]) -> list[Copy]:
    """Return the copies of these names, all for none. Raises UsageError."""
    known = {copy.name: copy for copy in COPIES}
    for name in names:
        if name not in known:
            raise UsageError(f"no copy is called '{name}'{did_you_mean(name, known)}", f"one of: {', '.join(known)}")
    return [known[name] for name in names] or list(COPIES)


def main() -> int:
    """Run what is asked for; 0 when every command of every copy ended as it must."""
    parser = argparse.ArgumentParser(
        prog="nox -s template", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", default=[], metavar="COPY", help="this copy alone; may be repeated")
    parser.add_argument("--keep", action="store_true", help="leave the copies and their logs where they are")
    options = parser.parse_args()
    copies = chosen(options.only)
    scratch = Path(tempfile.mkdtemp(prefix="gateline copies "))
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"copies in {scratch}: {len(copies)}; about {MINUTES * len(copies)} minutes")
    with interrupted_once():
        rules = Trial(scratch, copies, console).run()
    write(Verdict.of("template", rules))
    if not options.keep and _good(rules):
        for copy in copies:
            remove(copy.folder(scratch))
    else:
        console.print(f"copies and logs: {scratch}")
    return Verdict.of("template", rules).exit_code


if __name__ == "__main__":
    sys.exit(front_door(main))
