"""Run the whole pipeline, from data to production, on this machine: the same commands as by hand, some in parallel."""

import argparse
import os
import sys
import time
from pathlib import Path

from rich.console import Console

from gateline.contracts.git import say_where_refused
from gateline.contracts.slots import Slot
from gateline.report import refresh
from gateline.settings import PRODUCTION, Settings, load
from gateline.settings.errors import UsageError, did_you_mean
from gateline.settings.front_door import front_door
from gateline.settings.passing import hide_keys
from gateline.settings.terminal import Terminal
from gateline.stages import PIPELINE
from infra.host.processes import interrupted_once
from infra.line.run_records import REPORTS
from infra.line.runs import SideBySide
from infra.line.summary import show
from infra.releases.signing import keys
from infra.rollout.target import Target


def refuse_remote(settings: Settings) -> None:
    """The pipeline never touches an environment that is not local. Raises UsageError naming it."""
    for name in ("staging", PRODUCTION):
        if name not in settings.environments:
            raise UsageError(f"the pipeline needs an environment '{name}'", f"add [environments.{name}] to pipeline.toml")
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


def run(skip: frozenset[str], console: Console, places: int) -> int:
    """Run every stage once what it needs has passed; return the exit code of the first that did not pass, or 0."""
    settings, begun = load(), time.monotonic()
    refuse_remote(settings)
    say_where_refused(Path("."))
    if settings.signing.keys and "sign" not in skip:
        keys.signer(keys.private_pem(), keys.public_keys(settings, Path(".")))  # before the half hour, not after it
    champion = Target.open(PRODUCTION).engine.status().release_in(Slot.STABLE)
    asked = [stage for stage in PIPELINE if settings.signing.keys or stage.name != "sign"]
    stages = SideBySide([stage for stage in asked if stage.words not in skip], PIPELINE, console, places)
    stages.go()
    refresh(REPORTS)  # two that ended at the same time wrote the page without each other
    left_out = [stage.words for stage in asked if stage.words in skip]
    stopped = [stage.words for stage in stages.waiting]
    return show(stages.results, stopped, left_out, console, before=champion, seconds=time.monotonic() - begun)


def main() -> int:
    """Run the pipeline."""
    hide_keys()
    parser = argparse.ArgumentParser(
        prog="nox -s pipeline --",
        description=__doc__,
        epilog="examples:\n  nox -s pipeline\n  nox -s pipeline -- --skip=test,typecheck",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--skip", default="", help="stages to leave out, separated by commas (the summary names them)")
    options = parser.parse_args()
    return run(skipped(options.skip), Terminal(markup=True), os.cpu_count() or 1)


if __name__ == "__main__":
    with interrupted_once():
        sys.exit(front_door(main))
