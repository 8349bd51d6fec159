"""Prometheus's rules: how fast error budgets are spent, and what should not stay as it is. Limits are the settings'."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client.utils import floatToGoString

from gateline.contracts.latency import BUCKETS
from gateline.settings import PRODUCTION, Settings
from gateline.settings.errors import UsageError

WINDOW = "WINDOW"
BY, ON = "by (project, environment)", "on (project, environment)"
SECONDS = {"5m": 300, "30m": 1800, "1h": 3600, "6h": 21_600, "3d": 259_200}
BURNS = (
    ("page", (("1h", "5m", 14.4), ("6h", "30m", 6.0))),
    ("ticket", (("3d", "6h", 1.0),)),
)
"""Multiwindow, multi-burn-rate alerts for a budget of 30 days: the long window says that it matters (2 %, 5 % or 10 % of the
budget), the short one that it goes on. The Site Reliability Workbook, chapter 5, table 5-8:
https://sre.google/workbook/alerting-on-slos/
"""
LEAST_BAD = 10
"""Answers that must have broken an objective in the long window: where few ask, one is a large share (same chapter)."""
DAY_SECONDS, HOUR_SECONDS = 86_400, 3600
PAGE, TICKET = {"severity": "page"}, {"severity": "ticket"}
DOCS = "docs/monitoring.md"


@dataclass(frozen=True)
class Objective:
    """What of all requests may break a promise, and how both are counted a second, over a `WINDOW`."""

    name: str
    mine: str
    """The labels that select what it holds."""
    budget: float
    """Share of requests that may break it."""
    promise: str
    bad: str
    all: str

    def recorded(self, window: str) -> str:
        """Return the name that the share of requests that broke it is recorded under."""
        return f"gateline:{self.name}:ratio_rate{window}"

    def burns(self, times: float, long: str, short: str) -> str:
        """Return the condition that its budget is spent so many times as fast as it may be, for long, and still."""
        limit = f"{times * self.budget:.6g}"
        both = (f"{self.recorded(window)}{{{self.mine}}} > {limit}" for window in (long, short))
        enough = f"{self.bad} * {SECONDS[long]} >= {LEAST_BAD}".replace(WINDOW, long)
        return f"({' and '.join([*both, enough])})"

    def share(self, window: str) -> str:
        """Return the share of requests that broke it."""
        return f"{self.bad} / {self.all}".replace(WINDOW, window)


def selected(settings: Settings, environment: str = "") -> str:
    """Return the labels that select what is measured of this project, or of one of its environments."""
    return f'project="{settings.project.name}"' + (f',environment="{environment}"' if environment else "")


def objectives(settings: Settings, mine: str) -> tuple[Objective, ...]:
    """Return what environments are held to, counted on what `mine` selects.

    Answers are counted where clients get them: by the proxy, or by the replicas where no proxy of ours counts. Raises
    UsageError for a limit that the histogram does not reach.
    """
    asked, failed = (
        f"rate(gateline_proxy_answers_total{{{mine}{only}}}[{WINDOW}])"
        f" or {ON} rate(gateline_requests_total{{{mine}{only}}}[{WINDOW}])"
        for only in ("", ',status="5xx"')
    )
    empty = f"rate(gateline_empty_answers_total{{{mine}}}[{WINDOW}])"
    counted = f"sum {BY} (rate(gateline_request_seconds_count{{{mine}}}[{WINDOW}]))"
    gate, least = settings.gates.benchmark, settings.monitoring.min_answered
    found = [
        Objective(
            "errors", mine, round(1 - least, 9), f"{least:.2%} of requests answered without an error",
            bad=f"sum {BY} (({failed}) or {empty})", all=f"sum {BY} ({asked})",
        ),
    ]  # fmt: skip
    for name, share, limit in (("slow_p95", 0.95, gate.max_p95_ms), ("slow_p99", 0.99, gate.max_p99_ms)):
        bound = _bucket(name.removeprefix("slow_"), limit)
        [written] = map(floatToGoString, [bound])
        within = f'sum {BY} (rate(gateline_request_seconds_bucket{{{mine},le="{written}"}}[{WINDOW}]))'
        promise = f"{share:.0%} of requests answered within {bound * 1000:g} ms"
        found.append(Objective(name, mine, round(1 - share, 9), promise, bad=f"({counted} - {within})", all=counted))
    return tuple(found)


def _bucket(name: str, limit_ms: float) -> float:
    """Return the smallest bound of the histogram that is not below a limit, in seconds."""
    bound = next((bound for bound in BUCKETS if bound * 1000 >= limit_ms), None)
    if bound is None:
        raise UsageError(
            f"gates.benchmark.max_{name}_ms is {limit_ms:g}: the service's histogram ends at {BUCKETS[-1] * 1000:g} ms, "
            "so no alert could tell",
            f"set gates.benchmark.max_{name}_ms to at most {BUCKETS[-1] * 1000:g}",
        )
    return bound


def rules(settings: Settings) -> dict[str, Any]:
    """Return the rule file, to be written as YAML. Raises UsageError as `objectives` does."""
    name, held_to = settings.project.name, objectives(settings, selected(settings))
    recorded = [
        {"record": each.recorded(window), "expr": each.share(window)}
        for each in held_to
        for window in SECONDS
    ]
    burning = [_burning(each, severity, pairs) for each in held_to for severity, pairs in BURNS]
    standing = [*_serving(settings), *_changing(settings), *_drifting(settings)]
    return {
        "groups": [
            {"name": f"gateline-{name}-objectives", "rules": [*recorded, *burning]},
            {"name": f"gateline-{name}-environments", "rules": standing},
        ]
    }


def _burning(objective: Objective, severity: str, pairs: tuple[tuple[str, str, float], ...]) -> dict[str, Any]:
    expr = " or ".join(objective.burns(times, long, short) for long, short, times in pairs)
    labels = {"severity": severity, "objective": objective.name}
    spent = f"{{{{ $value | humanizePercentage }}}} of requests break the objective: {objective.promise}."
    then = "invoke status --env=ENV; if a new release is to blame: invoke rollback --env=ENV"
    return _alert("GatelineBudgetBurns", expr, "", labels, spent, then)


def _serving(settings: Settings) -> Iterator[dict[str, Any]]:
    mine, here = selected(settings), selected(settings, PRODUCTION)
    up = f"gateline_environment_up{{{here}}}"
    if PRODUCTION in settings.environments:
        yield _alert(
            "GatelineNoChampion", f'{up} == 1 unless {ON} gateline_slot_share{{{here},slot="stable"}} > 0', "1m", PAGE,
            "No champion serves: no replica of stable gets traffic.", "invoke up --env=ENV",
        )  # fmt: skip
        yield _alert(
            "GatelineUnwatched", f"absent({up})", "5m", PAGE,
            "Nothing is known of the environment: `invoke monitor` does not run, or Prometheus does not reach it.",
            "start invoke monitor",
        )  # fmt: skip
    yield _alert(
        "GatelineEnvironmentUnreachable", f"gateline_environment_up{{{mine}}} == 0", "5m", PAGE,
        "The engine cannot be asked what runs.", "invoke status --env=ENV",
    )  # fmt: skip
    yield _alert(
        "GatelineReplicaDown", f"gateline_replica_up{{{mine}}} == 0", "5m", TICKET,
        "Replica {{ $labels.replica }} of slot {{ $labels.slot }} does not answer.", "invoke status --env=ENV --logs",
    )  # fmt: skip
    yield _alert(
        "GatelineReplicaRestarts", f"increase(gateline_replica_restarts_total{{{mine}}}[1h]) >= 3", "", TICKET,
        "Replica {{ $labels.replica }} of slot {{ $labels.slot }} ended {{ $value | humanize }} times in an hour.",
        "invoke status --env=ENV --logs",
    )  # fmt: skip
    yield _alert(
        "GatelineNotSupervised",
        f"gateline_supervisor_up{{{mine}}} == 0 and {ON} gateline_proxy_up{{{mine}}} == 1", "5m", TICKET,
        "What starts proxy and replicas again does not run: what ends stays away.", "invoke up --env=ENV",
    )  # fmt: skip
    yield _alert(
        "GatelineLogLosesLines", f"increase(gateline_log_failures_total{{{mine}}}[1h]) > 0", "", TICKET,
        "Replica {{ $labels.replica }} lost {{ $value | humanize }} lines of its prediction log in an hour.",
        "free disk space where the environment keeps its logs: invoke status --env=ENV says where",
    )  # fmt: skip


def _changing(settings: Settings) -> Iterator[dict[str, Any]]:
    begun = f"gateline_rollout_started_timestamp_seconds{{{selected(settings)},state="
    held = settings.monitoring.max_held_hours * HOUR_SECONDS
    longest = max(environment.canary_seconds for environment in settings.environments.values()) + HOUR_SECONDS
    yield _alert(
        "GatelineCanaryHeld", f'time() - {begun}"held"}} > {held:g}', "", TICKET,
        "A canary that was begun {{ $value | humanizeDuration }} ago is held, and waits for somebody to decide.",
        "invoke canary --env=ENV --resume, or promote, or rollback, with the same --env",
    )  # fmt: skip
    yield _alert(
        "GatelineChangeLeft", f'{begun}"abandoned"}} > 0', "2m", PAGE,
        "The {{ $labels.kind }} was left in phase {{ $labels.phase }}: its command has ended.", "invoke up --env=ENV",
    )  # fmt: skip
    yield _alert(
        "GatelineChangeLasts", f'time() - {begun}"running"}} > {longest:g}', "", TICKET,
        "The {{ $labels.kind }} was begun {{ $value | humanizeDuration }} ago and is in phase {{ $labels.phase }}.",
        "invoke status --env=ENV says which command is at it; if that has ended: invoke up --env=ENV",
    )  # fmt: skip


def _drifting(settings: Settings) -> Iterator[dict[str, Any]]:
    judged, days = "gateline_drift_judged_timestamp_seconds", settings.monitoring.max_drift_days
    yield _alert(
        "GatelineDrift", f'{judged}{{{selected(settings)},outcome="fail"}} > 0', "", TICKET,
        "Live rows differ from those the model was trained on, or it answers worse than it did.",
        "look at the page of the last invoke drift, then train on newer rows: nox -s train",
    )  # fmt: skip
    if PRODUCTION in settings.environments:
        here = selected(settings, PRODUCTION)
        stable = f'gateline_slot_share{{{here},slot="stable"}} > 0'
        lately = f"time() - {judged}{{{here}}} < {days * DAY_SECONDS:g}"
        yield _alert(
            "GatelineDriftNotJudged", f"{stable} unless {ON} {lately}", "6h", TICKET,
            f"Drift of what serves was not judged for {days:g} days.", "invoke drift --env=ENV",
        )  # fmt: skip


def _alert(name: str, expr: str, lasting: str, labels: dict[str, str], said: str, then: str) -> dict[str, Any]:
    """Return one alert; `ENV` in what to do next stands for the environment."""
    about = {
        "summary": "{{ $labels.project }} {{ $labels.environment }}: " + said,
        "next": then.replace("ENV", "{{ $labels.environment }}"),
        "docs": DOCS,
    }
    waits = {"for": lasting} if lasting else {}
    return {"alert": name, "expr": expr, **waits, "labels": dict(labels), "annotations": about}
