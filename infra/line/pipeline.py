"""The whole line, from data to production, on this machine: the same commands as by hand, in order."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from gateline.contracts.git import say_where_refused
from gateline.contracts.slots import Slot
from gateline.settings import PRODUCTION, Settings, load
from gateline.settings.errors import UsageError, did_you_mean
from gateline.settings.front_door import front_door
from gateline.settings.passing import hide_keys
from gateline.settings.terminal import Terminal
from gateline.stages import PIPELINE
from infra.host.ending import interrupted_once
from infra.line.runs import Result, Run, Timings
from infra.line.summary import show
from infra.releases.signing import keys
from infra.rollout.target import Target


def refuse_remote(settings: Settings) -> None:
    """The line never touches an environment that is not local. Raises UsageError naming it."""
    for name in ("staging", PRODUCTION):
        if name not in settings.environments:
            raise UsageError(f"the line needs an environment '{name}'", f"add [environments.{name}] to pipeline.toml")
        if not settings.environments[name].local:
            raise UsageError(
                f"{name} is not local, and `nox -s pipeline` touches local environments alone",
                f"invoke deploy --env={name}, from CI",
            )


def skipped(names: str) -> frozenset[str]:
    """Return the stages that `--skip` names, dashed or underscored. Raises UsageError for a name that is no stage."""
    asked = {name.strip().replace("-", "_") for name in names.split(",")} - {""}
    known = [stage.words for stage in PIPELINE]
    for name in sorted(asked - set(known)):
        raise UsageError(
            f"--skip names '{name}', which is no stage{did_you_mean(name, known)}", f"one of: {', '.join(known)}"
        )
    return frozenset(asked)


def run(skip: frozenset[str], console: Console) -> int:
    """Run every stage until one does not pass; return its exit code, or 0."""
    settings = load()
    refuse_remote(settings)
    say_where_refused(Path("."))
    if settings.signing.keys and "sign" not in skip:
        keys.signer(keys.private_pem(), keys.public_keys(settings, Path(".")))  # before the half hour, not after it
    champion = Target.open(PRODUCTION).engine.status().release_in(Slot.STABLE)
    asked = [stage for stage in PIPELINE if settings.signing.keys or stage.name != "sign"]
    listed = [stage for stage in asked if stage.words not in skip]
    timings, results = Timings.read(), list[Result]()
    for number, stage in enumerate(listed, start=1):
        left = timings.expected([later.words for later in listed[number - 1 :]])
        argv = [sys.executable, "-m", *stage.command]
        result = Run(stage.words, argv, stage.command, console).go(f"{number}/{len(listed)}", left)
        results.append(result)
        timings.note(result)
        if result.code:
            break
    left_out = [stage.words for stage in asked if stage.words in skip]
    return show(results, left_out, console, before=champion)


def main() -> int:
    """Run the line."""
    hide_keys()
    parser = argparse.ArgumentParser(
        prog="nox -s pipeline --",
        description=__doc__,
        epilog="examples:\n  nox -s pipeline\n  nox -s pipeline -- --skip=test,typecheck",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--skip", default="", help="stages to leave out, separated by commas (the summary names them)")
    options = parser.parse_args()
    return run(skipped(options.skip), Terminal(markup=True))


if __name__ == "__main__":
    with interrupted_once():
        sys.exit(front_door(main))
