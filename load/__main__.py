"""Put load on a prediction service: `python -m load --url http://127.0.0.1:8100/predict --requests 1000 --max-latency 200`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import ValidationError

import gateline.settings as settings
from gateline.contracts import schema as schemas
from gateline.contracts.files import place
from gateline.contracts.reference import Reference
from gateline.contracts.shaping import roles_of
from gateline.settings import Settings
from gateline.settings.errors import ExitCode, UsageError
from gateline.settings.front_door import front_door
from gateline.settings.shown import tell
from load import figures

if TYPE_CHECKING:
    from load.run import Order

EXAMPLES = """examples:
  python -m load --url http://127.0.0.1:8100/predict --requests 1000 --max-latency 200
  python -m load --url http://127.0.0.1:8100/predict --requests 2000 --rate 0 --users 16     as fast as answers come
  python -m load --url http://127.0.0.1:8100/predict --rate 50 --seconds 240 --until-killed  traffic for a canary
  locust -f load/locustfile.py                                                               by hand, with locust's page

ends with 0 below --max-latency, 1 above it or with too many failures, 3 if too few were answered, 4 if nothing listens"""
HTML = Path("reports/benchmark/locust.html")
LONGEST = {"closed": 600.0, "until-killed": 3600.0}
"""Seconds after which a run without a schedule, or without a count, ends by itself."""


def parser() -> argparse.ArgumentParser:
    """Return the command's parser; what is not given comes from `[load]` of the settings."""
    made = argparse.ArgumentParser(
        prog="python -m load",
        description="Send predictions made from the schema to a service, and say how fast and how well it answers.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--url", required=True, help="where to POST, path included")
    made.add_argument("--requests", type=_count, help="requests to send after the warm-up")
    made.add_argument("--max-latency", type=_positive, metavar="MS", help="largest p95 in milliseconds")
    made.add_argument("--users", type=_count, help="concurrent users; on a schedule, more join if answers are slow")
    made.add_argument("--rate", type=_zero_or_more, help="requests per second in all; 0: as fast as answers arrive")
    made.add_argument("--seconds", type=_positive, help="longest time; ends the run in any case")
    until = "no count: send until SIGTERM or --seconds, then print JSON"
    made.add_argument("--until-killed", action="store_true", help=until)
    made.add_argument("--schema", help="schema file; that of the settings if not given")
    drawn = "an artifact's reference.json: draw rows as its training rows were"
    made.add_argument("--reference", type=Path, metavar="FILE", help=drawn)
    made.add_argument("--config", default=settings.DEFAULT_PATH, help="settings file (default: %(default)s)")
    kept = "write the sample here, for python -m validation.benchmark"
    made.add_argument("--json", type=Path, metavar="FILE", help=kept)
    made.add_argument("--html", type=Path, default=HTML, metavar="FILE", help="locust's own report (default: %(default)s)")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    chosen = parser().parse_args(arguments)
    config = settings.load(chosen.config)
    order = _order(chosen, config)
    from load.run import run

    if not chosen.until_killed:
        tell(figures.announce(order.url, order.requests or 0, order.rate, order.warmup), error=True)
    with figures.progress(None if chosen.until_killed else order.requests) as count:
        done = run(order, count)
    if chosen.until_killed:
        tell(figures.one_line(done.sample))
        return int(ExitCode.PASS if done.sample.answered else ExitCode.INCONCLUSIVE)
    tell(*figures.describe(done.sample).splitlines())
    if done.interrupted:
        tell("interrupted: nothing was judged or written", error=True)
        return 130
    if chosen.json:
        place({chosen.json: done.sample.model_dump_json(indent=1) + "\n"})
    # p95 and errors alone; the full verdict is made by `python -m validation.benchmark`
    limits = config.gates.benchmark
    enough = max(figures.FEWEST, min(limits.min_requests, order.requests or 0))
    said = figures.compare(done.sample, chosen.max_latency, limits.max_error_share, enough)
    tell(*said.lines)
    return int(said.code)


def _order(chosen: argparse.Namespace, config: Settings) -> Order:
    schema = schemas.load(chosen.schema or config.data.schema_path)
    if not schema.target:  # it is the project's, which knows no roles, and not an artifact's
        schema = schema.with_roles(**roles_of(config))
    parts = urlsplit(chosen.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"--url is {chosen.url!r}; allowed: an http or https URL", "for example http://127.0.0.1:8100/predict"
        )
    from load.run import Order

    profile = config.load
    requests = None if chosen.until_killed else chosen.requests or profile.requests
    rate = profile.rate if chosen.rate is None else chosen.rate
    if requests is None:
        longest = LONGEST["until-killed"]
    else:  # a service that cannot keep up is given three times the planned time, then what is missing counts as unanswered
        longest = 60 + 3 * requests / rate if rate else LONGEST["closed"]
    return Order(
        url=chosen.url,
        schema=schema,
        requests=requests,
        users=chosen.users or profile.users,
        rate=rate,
        warmup=0 if chosen.until_killed else profile.warmup_requests,
        seconds=chosen.seconds or longest,
        seed=profile.seed,
        reference=_reference(chosen.reference) if chosen.reference else None,
        html=None if chosen.until_killed else chosen.html,
    )


def _reference(path: Path) -> Reference:
    try:
        return Reference.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", "name an artifact's reference.json") from None
    except ValidationError as error:
        detail = error.errors()[0]
        raise UsageError(
            f"{path}: {'.'.join(map(str, detail['loc'])) or 'content'}: {detail['msg']}", "name an artifact's reference.json"
        ) from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: a whole number, 1 or more")
    return int(text)


def _positive(text: str) -> float:
    value = _zero_or_more(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: a number above 0")
    return value


def _zero_or_more(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: a number, 0 or more")
    return value


if __name__ == "__main__":
    sys.exit(front_door(main))
