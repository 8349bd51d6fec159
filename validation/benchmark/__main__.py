"""The command line of the gate on speed."""

import argparse
from pathlib import Path

from pydantic import ValidationError

from gateline.contracts.load_sample import LoadSample
from gateline.contracts.verdict import asked_by
from gateline.settings import DEFAULT_PATH, load
from gateline.settings.errors import UsageError
from gateline.settings.front_door import front_door
from validation.benchmark.gate import inputs, judge

EXAMPLES = """examples:
  python -m load --url http://127.0.0.1:8101/predict --json sample.json
  python -m validation.benchmark --sample sample.json --release 4f0c2ab91d3e

exit codes: 0 pass, 1 a rule failed, 2 bad settings or usage, 3 inconclusive"""


def _read(path: Path) -> LoadSample:
    try:
        return LoadSample.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise UsageError(f"{path}: no such sample", f"make one: python -m load --url … --json {path}") from None
    except ValidationError as error:
        detail = error.errors()[0]
        where = ".".join(map(str, detail["loc"]))
        raise UsageError(
            f"{path}: is no sample: {where} {detail['msg']}", "make it again with python -m load"
        ) from None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m validation.benchmark",
        description="Judge a sample of load by the limits of [gates.benchmark], record the verdict and write its page.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sample", required=True, type=Path, metavar="FILE", help="what python -m load --json wrote")
    release = "the full digest of the release that was loaded"
    parser.add_argument("--release", required=True, metavar="DIGEST", help=release)
    parser.add_argument("--config", default=DEFAULT_PATH, metavar="FILE", help="the settings (default: %(default)s)")
    return parser.parse_args()


def main() -> int:
    """Judge, record, report, and return the exit code."""
    from gateline.registry.store import Store
    from gateline.registry.verdicts import Verdicts
    from gateline.report import write

    arguments = _arguments()
    settings = load(arguments.config)
    sample = _read(arguments.sample)
    found = inputs(settings, schema=Path(settings.data.schema_path))
    judged = {"release": arguments.release} | found | asked_by(arguments.config)
    verdict = judge(sample, settings.gates.benchmark, arguments.release, judged)
    Verdicts(Store.of(settings)).record(verdict)
    write(verdict)
    return verdict.exit_code


if __name__ == "__main__":
    raise SystemExit(front_door(main))
