"""The end of the pipeline: what runs, where to look, what to type next."""

import json
import shlex
from collections.abc import Collection
from pathlib import Path

from rich.console import Console

from gateline.contracts.headers import KEYS_VARIABLE
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from gateline.settings import PRODUCTION
from gateline.settings.errors import ExitCode
from infra.line.runs import Result
from infra.rollout.smoke import Expected
from infra.rollout.target import Target

EXAMPLE = Path("template/flights.py")
"""What the tour shows is there where this is."""


def show(
    results: list[Result],
    stopped: Collection[str],
    skipped: Collection[str],
    console: Console,
    *,
    before: Release | None,
    seconds: float,
) -> int:
    """Print the summary of a run, in which `before` was in production at its start, and return its exit code.

    `stopped` did not run since what they need failed, `skipped` since they were left out.
    """
    failed = [result for result in results if result.code]
    console.rule()
    if failed:
        names = ", ".join(result.name for result in failed)
        codes = ", ".join(str(result.code) for result in failed)
        console.print(f"[red]the pipeline stopped at {names}[/red] after {seconds:.0f} s (exit {codes})")
        if stopped:
            console.print(f"  not run  {', '.join(stopped)}: what they need has not passed", soft_wrap=True)
        for result in failed:
            console.print(f"  output   {result.log}")
            console.print(f"  again    {result.command}")
        console.print("  reports  reports/index.html")
        return failed[0].code
    _passed(console, before, seconds)
    if skipped:
        console.print(f"  [yellow]left out[/yellow] {', '.join(skipped)}: nothing is said of these")
    return int(ExitCode.PASS)


def _passed(console: Console, before: Release | None, total: float) -> None:
    target = Target.open(PRODUCTION)
    running = target.engine.status()
    stable = running.release_in(Slot.STABLE)
    rehearsal = " [yellow](rehearsal: this environment serves nobody)[/yellow]" if target.rehearsal else ""
    console.print(f"[green]the pipeline passed[/green] in {total:.0f} s{rehearsal}")
    if stable is None:
        console.print("  nothing runs in production. next: invoke canary --env=production --traffic=synthetic")
        return
    if before is not None and before.digest == stable.digest:
        console.print(f"  nothing changed: {stable.name} was in production before and is still", soft_wrap=True)
    elif before is None:
        console.print("  first release: there was no champion to compare with; it is recorded as such", soft_wrap=True)
    console.print(f"  serving  {stable.name} at {running.url}")
    asked = example(target.bundle(stable), stable, running.url, KEYS_VARIABLE in target.engine.secrets)
    console.print(f"  try it   {asked}", soft_wrap=True, markup=False)
    console.print("  reports  reports/index.html")
    back = " · invoke rollback --env=production" if before is not None else ""
    tour = " · nox -s tour" if EXAMPLE.exists() else ""
    console.print(f"  next     invoke status · invoke audit{back}{tour}", soft_wrap=True)


def example(bundle: Path, release: Release, url: str, keyed: bool = False) -> str:
    """Return a curl command that asks for a golden row: made from the schema, and sure to be answered.

    It is the last of those that lack least: the first ones stand at the borders of what the schema allows. Where the service
    is `keyed`, the shell puts the key in.
    """
    expected = Expected.of(bundle, release)
    row = min(reversed(expected.rows), key=lambda values: list(values).count(None))
    body = json.dumps({"features": expected.named(row)})
    key = f' -H "authorization: Bearer ${KEYS_VARIABLE}"' if keyed else ""
    return f"curl -s {url}/predict{key} -H 'content-type: application/json' -d {shlex.quote(body)}"
