"""The command line of the gate on data."""

import argparse
from pathlib import Path

from gateline.contracts import schema as schemas
from gateline.contracts.schema import Schema
from gateline.contracts.verdict import asked_by
from gateline.registry.verdicts import Verdicts
from gateline.settings import DEFAULT_PATH, DataGate, Settings, load
from gateline.settings.front_door import front_door
from validation.data.gate import DataTask, run

EXAMPLES = """examples:
  python -m validation.data                                   train and test of pipeline.toml
  python -m validation.data --fresh                           judge again, even if nothing changed
  python -m validation.data --data-path data/train.csv --schema data/schema.json
  python -m validation.data --data-path data/train.csv --test-data data/test.csv --schema data/schema.json

exit codes: 0 pass, 1 a rule failed, 2 bad settings or usage, 3 inconclusive"""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m validation.data",
        description="Judge train and test data by the schema and the limits of [gates.data].",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data-path", metavar="URL", help="a CSV or Parquet file, a folder of parts or an fsspec URL")
    parser.add_argument("--test-data", metavar="URL", help="test data to judge together with --data-path as train")
    parser.add_argument("--schema", metavar="FILE", help="the schema file (default: data.schema of the settings)")
    config = "the settings (default: %(default)s)"
    parser.add_argument("--config", metavar="FILE", default=str(DEFAULT_PATH), help=config)
    parser.add_argument("--fresh", action="store_true", help="judge again, even if a verdict is recorded")
    arguments = parser.parse_args()
    if arguments.test_data and not arguments.data_path:
        parser.error("--test-data needs --data-path")
    return arguments


def _task(arguments: argparse.Namespace) -> DataTask:
    complete = arguments.data_path and arguments.schema
    settings = None if complete and not Path(arguments.config).exists() else load(arguments.config)
    urls = {"data": arguments.data_path}
    if arguments.test_data:
        urls = {"train": arguments.data_path, "test": arguments.test_data}
    elif settings is not None and not arguments.data_path:
        urls = {"train": settings.data.train, "test": settings.data.test}
    return DataTask(
        urls=urls,
        schema=_schema(arguments.schema, settings),
        gate=settings.gates.data if settings else DataGate(),
        verdicts=Verdicts.of(settings) if settings else None,
        asked=asked_by(arguments.config),
    )


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


def main() -> int:
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
