"""The gate on data: schema and quality of train and test. Run it with `python -m validation.data --help`.

Arrow is imported only when rows are judged: a recorded verdict and a usage error come without it. pandas never is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gateline.contracts.digest import of_sources, of_value
from gateline.contracts.manifest import Objects
from gateline.contracts.schema import Schema
from gateline.contracts.verdict import Outcome, Verdict
from gateline.rows.sources import data_digest, pinned, still
from gateline.settings import DataGate

if TYPE_CHECKING:
    from gateline.registry.verdicts import Verdicts
    from gateline.rows.streaming import Stream

STAGE = "validate_data"
ROOT = Path(__file__).resolve().parents[2]
SHARED = ("validation/matrix.py", "validation/metrics.py", "validation/telling.py")
SOURCES = ("validation/data", *SHARED, "gateline/rows", "gateline/contracts")


@dataclass(frozen=True)
class DataTask:
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
    train: Stream,
    test: Stream | None,
    schema: Schema,
    gate: DataGate,
    *,
    judged: Mapping[str, str] | None = None,
    earlier_rows: Mapping[str, int] | None = None,
) -> Verdict:
    """Return what the gate's rules say of train and test, or of one data set alone.

    `earlier_rows` are the rows that stood under the same URL when it last passed, by role (`train`, `test`, `data`).
    """
    from validation.data.case import DataCase, Table
    from validation.data.plots import plots
    from validation.data.rules import RULES

    roles: dict[str, Stream] = {"data": train} if test is None else {"train": train, "test": test}
    tables = tuple(Table(role, rows, schema, gate, test is not None) for role, rows in roles.items())
    case = DataCase(tables, schema, gate, earlier_rows or {})
    rules = [entry for name in gate.rules for entry in RULES[name](case)]
    metrics = {f"rows.{table.role}": float(table.rows) for table in tables}
    return Verdict.of(STAGE, rules, judged=judged, metrics=metrics, plots=plots(case))


def run(task: DataTask, *, fresh: bool = False) -> Verdict:
    """Return the recorded verdict on exactly these files, schema, limits and rules, or judge and record a new one."""
    rows = {role: pinned(url) for role, url in task.urls.items()}
    judged = task.judged(rows)
    before = _before(task, judged)
    if before is not None:
        judged["before"] = of_value(before.judged)
    recorded = None if fresh or task.verdicts is None else task.verdicts.find(STAGE, judged)
    if recorded is not None:
        return recorded
    from gateline.rows.streaming import Stream

    first, *rest = [Stream(which) for which in rows.values()]
    metrics = before.metrics if before else {}
    earlier = {name.removeprefix("rows."): int(count) for name, count in metrics.items() if name.startswith("rows.")}
    test = rest[0] if rest else None
    verdict = judge(first, test, task.schema, task.gate, judged=judged, earlier_rows=earlier)
    for role, which in rows.items():
        still(which, judged[role])
    if task.verdicts is not None:
        task.verdicts.record(verdict)
    return verdict


def _before(task: DataTask, judged: Mapping[str, str]) -> Verdict | None:
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
