"""The gate on data: schema and quality of train and test. Run it with `python -m validation.data.gate --help`.

pandas is imported only when rows are judged: a recorded verdict and a usage error come without it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gateline.contracts import schema as schemas
from gateline.contracts.digest import of_sources, of_value
from gateline.contracts.manifest import Objects
from gateline.contracts.schema import Schema
from gateline.contracts.verdict import Outcome, Verdict, asked_by
from gateline.rows.digests import data_digest
from gateline.rows.sources import pinned
from gateline.settings import DEFAULT_PATH, DataGate, Settings, load
from gateline.settings.errors import UsageError
from gateline.settings.front_door import front_door

if TYPE_CHECKING:
    from gateline.registry.verdicts import Verdicts
    from gateline.rows.reading import Raw

STAGE = "validate_data"
ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("validation/data", "validation/matrix.py", "validation/telling.py", "gateline/rows", "gateline/contracts")
EXAMPLES = """examples:
  python -m validation.data.gate                                   train and test of pipeline.toml
  python -m validation.data.gate --fresh                           judge again, though nothing changed
  python -m validation.data.gate --data-path data/train.csv --schema data/schema.json
  python -m validation.data.gate --data-path data/train.csv --test-data data/test.csv --schema data/schema.json

exit codes: 0 pass, 1 a rule failed, 2 bad settings or usage, 3 inconclusive"""


@dataclass(frozen=True)
class Task:
    """What one run judges."""

    urls: Mapping[str, str]
    """`train` and `test`, or `data` alone."""
    schema: Schema
    gate: DataGate
    verdicts: Verdicts | None
    """Where verdicts are recorded; None where no settings name a registry."""
    asked: Mapping[str, str] = field(default_factory=dict)
    """Says so where other settings than the project's judge: such a verdict lets no release in."""

    def judged(self, rows: Mapping[str, str | Objects]) -> dict[str, str]:
        """Return the digests of everything that the verdict on `rows` depends on, by name."""
        files = {role: data_digest(which) for role, which in rows.items()}
        urls = {f"{role}.url": of_value(url) for role, url in self.urls.items()}
        settings = of_value(self.gate.model_dump(mode="json"))
        sources = of_sources(ROOT, SOURCES)
        schema = of_value(self.schema.dump())
        return {**files, **urls, "schema": schema, "settings": settings, "sources": sources, **self.asked}


def judge(
    train: Raw,
    test: Raw | None,
    schema: Schema,
    gate: DataGate,
    *,
    judged: Mapping[str, str] | None = None,
    earlier_rows: Mapping[str, int] | None = None,
) -> Verdict:
    """Return what the gate's rules say of train and test, or of one data set alone.

    `earlier_rows` are the rows that stood under the same URL when it last passed, by role (`train`, `test`, `data`).
    """
    from validation.data.case import Case, Table
    from validation.data.plots import plots
    from validation.data.rules import RULES

    roles = {"data": train} if test is None else {"train": train, "test": test}
    tables = tuple(Table(role, raw, schema) for role, raw in roles.items())
    case = Case(tables, schema, gate, earlier_rows or {})
    rules = [entry for name in gate.rules for entry in RULES[name](case)]
    metrics = {f"rows.{table.role}": float(table.rows) for table in tables}
    return Verdict.of(STAGE, rules, judged=judged, metrics=metrics, plots=plots(case))


def run(task: Task, *, fresh: bool = False) -> Verdict:
    """Return the recorded verdict on exactly these files, schema, limits and rules, or judge and record a new one."""
    rows = {role: pinned(url) for role, url in task.urls.items()}
    judged = task.judged(rows)
    before = _before(task, judged)
    if before is not None:
        judged["before"] = of_value(before.judged)
    recorded = None if fresh or task.verdicts is None else task.verdicts.find(STAGE, judged)
    if recorded is not None:
        return recorded
    from gateline.rows.reading import read_raw

    first, *rest = [read_raw(which) for which in rows.values()]
    verdict = judge(
        first,
        rest[0] if rest else None,
        task.schema,
        task.gate,
        judged=judged,
        earlier_rows=_rows(before),
    )
    if task.verdicts is not None:
        task.verdicts.record(verdict)
    return verdict


def _before(task: Task, judged: Mapping[str, str]) -> Verdict | None:
    """Return the newest verdict that let other data pass under the same URLs."""
    earlier = task.verdicts.all(STAGE) if task.verdicts else []
    fitting = [
        verdict
        for verdict in earlier
        if verdict.outcome is Outcome.PASS
        and all(verdict.judged.get(f"{role}.url") == judged[f"{role}.url"] for role in task.urls)
        and any(verdict.judged.get(role) != judged[role] for role in task.urls)
    ]
    return fitting[-1] if fitting else None


def _rows(before: Verdict | None) -> dict[str, int]:
    metrics = before.metrics if before else {}
    return {name.removeprefix("rows."): int(count) for name, count in metrics.items() if name.startswith("rows.")}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m validation.data.gate",
        description="Judge train and test data by the schema and the limits of [gates.data].",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data-path", metavar="URL", help="a CSV or Parquet file, a folder of parts or an fsspec URL")
    parser.add_argument("--test-data", metavar="URL", help="test data to judge together with --data-path as train")
    parser.add_argument("--schema", metavar="FILE", help="the schema file (default: data.schema of the settings)")
    parser.add_argument(
        "--config", metavar="FILE", default=str(DEFAULT_PATH), help="the settings (default: %(default)s)"
    )
    parser.add_argument("--fresh", action="store_true", help="judge again, though a verdict is recorded")
    arguments = parser.parse_args()
    if arguments.test_data and not arguments.data_path:
        parser.error("--test-data needs --data-path")
    return arguments


def _task(arguments: argparse.Namespace) -> Task:
    complete = arguments.data_path and arguments.schema
    settings = None if complete and not Path(arguments.config).exists() else load(arguments.config)
    return Task(
        urls=_urls(arguments, settings),
        schema=_schema(arguments.schema, settings),
        gate=settings.gates.data if settings else DataGate(),
        verdicts=_verdicts(settings),
        asked=asked_by(arguments.config),
    )


def _urls(arguments: argparse.Namespace, settings: Settings | None) -> dict[str, str]:
    if arguments.test_data:
        return {"train": arguments.data_path, "test": arguments.test_data}
    if arguments.data_path:
        return {"data": arguments.data_path}
    if settings is None:
        raise UsageError("there is nothing to judge", "name a file with --data-path, or settings with --config")
    return {"train": settings.data.train, "test": settings.data.test}


def _schema(path: str | None, settings: Settings | None) -> Schema:
    """Return the schema with the roles that the settings give; another schema file takes those it declares."""
    if settings is None:
        return schemas.load(path or "")
    schema, data = schemas.load(path or settings.data.schema_path), settings.data
    roles = {"target": data.target, "time": data.time, "group": data.group}
    if path and Path(path).resolve() != Path(data.schema_path).resolve():
        names = {column.name for column in schema.columns}
        return schema.model_copy(update={role: name for role, name in roles.items() if name in names})
    return schema.with_roles(**roles)


def _verdicts(settings: Settings | None) -> Verdicts | None:
    if settings is None:
        return None
    from gateline.registry.verdicts import Verdicts

    return Verdicts.of(settings)


def main() -> int:
    """Judge, write the verdict and its page, and return the exit code."""
    from gateline.report import write

    arguments = _arguments()
    task = _task(arguments)
    verdict = run(task, fresh=arguments.fresh)
    write(verdict)
    if task.verdicts is not None:
        task.verdicts.reached(verdict)
    return verdict.exit_code


if __name__ == "__main__":
    raise SystemExit(front_door(main))
