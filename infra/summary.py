"""The end of the line: what runs, where to look, what to type next."""

from __future__ import annotations

from rich.console import Console

from contracts.release import Release
from contracts.slots import Slot
from infra.rollout.target import Target
from infra.runs import Result
from settings import PRODUCTION, Settings
from settings.errors import ExitCode


def show(results: list[Result], settings: Settings, console: Console, before: Release | None) -> int:
    """Print the summary of a run and return its exit code."""
    total = sum(result.seconds for result in results)
    failed = next((result for result in results if result.code), None)
    console.rule()
    if failed is not None:
        console.print(f"[red]the line stopped at {failed.name}[/red] after {total:.0f} s (exit {failed.code})")
        console.print(f"  output   {failed.log}")
        console.print("  reports  reports/index.html")
        console.print(f"  again    {failed.command}")
        return failed.code
    _passed(settings, console, before, total)
    return int(ExitCode.PASS)


def _passed(settings: Settings, console: Console, before: Release | None, total: float) -> None:
    target = Target.open(PRODUCTION)
    running = target.engine.status()
    stable = running.release_in(Slot.STABLE)
    assert stable is not None, "the line ended with a release in production"
    console.print(f"[green]the line passed[/green] in {total:.0f} s")
    if before is not None and before.digest == stable.digest:
        console.print(f"  nothing changed: {stable.name} was in production before and is still")
    elif before is None:
        console.print("  first release: there was no champion to compare with; it is recorded as such")
    console.print(f"  serving  {stable.name} at {running.url}")
    console.print(f"  try it   {example(settings, running.url)}", soft_wrap=True)
    console.print("  reports  reports/index.html")
    console.print("  next     invoke status · invoke audit · invoke rollback --env=production · nox -s tour")


def example(settings: Settings, url: str) -> str:
    """Return a curl command that predicts one row made from the schema."""
    import json

    from contracts import schema as schemas
    from contracts.samples import rows

    roles = {"target": settings.data.target, "time": settings.data.time, "group": settings.data.group}
    schema = schemas.load(settings.data.schema_path).with_roles(**roles)
    row = dict(zip((column.name for column in schema.features), rows(schema, 8, seed=1)[-1], strict=True))
    return f"curl -s {url}/predict -H 'content-type: application/json' -d '{json.dumps({'features': row})}'"
