"""A Grafana dashboard of one project: what clients get, its slots, its changes and its drift."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateline.settings import Settings
from infra.monitoring.rules import objectives, selected

COLUMNS, WIDTH, HEIGHT = 24, 8, 8
SCHEMA_VERSION = 38
"""Of the dashboard's format: Grafana 10; later ones read it."""
SOURCE = {"type": "prometheus", "uid": "${source}"}
WINDOW = "$__rate_interval"
CHOSEN = "$environment"
SHARE = "percentunit"


@dataclass(frozen=True)
class Panel:
    """One panel: its title, the unit (a name of Grafana's), and its expressions, each with its legend."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: str = "timeseries"
    limit: float | None = None
    """Values above it are red; drawn as a line."""


def dashboard(settings: Settings) -> dict[str, Any]:
    """Return the dashboard, to be written as JSON and imported. Raises UsageError as `objectives` does."""
    stable = f'gateline_slot_share{{{selected(settings, CHOSEN)},slot="stable"}}'
    came = f"{stable} unless on (project, environment, release) {stable} offset 1m"
    names = {"query": f"label_values(gateline_environment_up{{{selected(settings)}}}, environment)", "refId": "names"}
    return {
        "uid": f"gateline-{settings.project.name}",
        "title": f"Gateline: {settings.project.name}",
        "tags": ["gateline"],
        "schemaVersion": SCHEMA_VERSION,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
                {"name": "environment", "type": "query", "datasource": SOURCE, "refresh": 2, "query": names},
            ]
        },
        "annotations": {
            "list": [
                {
                    "name": "New release", "datasource": SOURCE, "enable": True, "iconColor": "blue",
                    "expr": came, "step": "60s", "titleFormat": "{{version}}",
                }
            ]
        },
        "panels": [*_placed(_panels(settings))],
    }  # fmt: skip


def _panels(settings: Settings) -> Mapping[str, tuple[Panel, ...]]:
    """Return the panels by the title of the row that they stand in."""
    mine = selected(settings, CHOSEN)
    return {
        "What clients get": _clients(settings, mine),
        "Slots": _slots(mine),
        "What runs": (
            Panel(
                "Replicas that answer", "none",
                ((f"sum by (slot) (gateline_replica_up{{{mine}}})", "{{slot}}"), (f"gateline_proxy_up{{{mine}}}", "proxy")),
            ),
            Panel("Restarts", "none", ((f"sum by (slot) (gateline_replica_restarts_total{{{mine}}})", "{{slot}}"),)),
            Panel(
                "Change under way, or held, since", "dtdurations",
                ((f"time() - gateline_rollout_started_timestamp_seconds{{{mine}}}", "{{kind}} {{state}} in {{phase}}"),),
                "stat",
            ),
        ),
        "Drift, as it was judged last": (
            Panel(
                "Population stability index", "none", ((f"gateline_drift_psi{{{mine}}}", "{{column}}"),),
                "bargauge", settings.gates.drift.max_psi,
            ),
            Panel(
                "Judged so long ago", "dtdurations",
                ((f"time() - gateline_drift_judged_timestamp_seconds{{{mine}}}", "{{outcome}}"),), "stat",
            ),
            Panel("Rows of the window", "none", ((f"gateline_drift_rows{{{mine}}}", "rows"),), "stat"),
        ),
    }  # fmt: skip


def _clients(settings: Settings, mine: str) -> tuple[Panel, ...]:
    buckets = f"sum by (le) (rate(gateline_request_seconds_bucket{{{mine}}}[{WINDOW}]))"
    quantiles = tuple((f"histogram_quantile({part}, {buckets})", f"p{part * 100:g}") for part in (0.5, 0.95, 0.99))
    answers = f"sum by (status) (rate(gateline_proxy_answers_total{{{mine}}}[{WINDOW}]))"
    firing = f'ALERTS{{{mine},alertstate="firing"}}'
    return (
        Panel("Answers", "reqps", ((answers, "{{status}}"),)),
        Panel("Latency", "s", quantiles, limit=settings.gates.benchmark.max_p95_ms / 1000),
        Panel("Alerts", "none", ((firing, "{{alertname}} {{objective}}"),)),
        *(
            Panel(f"Not: {each.promise}", SHARE, ((each.share(WINDOW), "share"),), limit=each.budget)
            for each in objectives(settings, mine)
        ),
    )


def _slots(mine: str) -> tuple[Panel, ...]:
    def by(labels: str, metric: str, only: str = "") -> str:
        return f"sum by ({labels}) (rate({metric}{{{mine}{only}}}[{WINDOW}]))"

    requests, seconds, predictions = "gateline_requests_total", "gateline_request_seconds", "gateline_predictions_total"
    failed = by("slot", requests, ',status="5xx"') + " + " + by("slot", "gateline_empty_answers_total")
    slowest = f"histogram_quantile(0.95, {by('le, slot', seconds + '_bucket')})"
    mean = f"{by('slot', seconds + '_sum')} / {by('slot', seconds + '_count')}"
    labels = f"{by('slot, label', predictions)} / on (slot) group_left () {by('slot', predictions)}"
    return (
        Panel("Share of traffic", SHARE, ((f"gateline_slot_share{{{mine}}}", "{{slot}} {{version}}"),)),
        Panel("Requests", "reqps", ((by("slot", requests), "{{slot}}"),)),
        Panel("Errors", SHARE, ((f"({failed}) / {by('slot', requests)}", "{{slot}}"),)),
        Panel("Refused (4xx)", "reqps", ((by("slot", requests, ',status="4xx"'), "{{slot}}"),)),
        Panel("Latency, 95 %", "s", ((slowest, "{{slot}}"),)),
        Panel("Latency, mean", "s", ((mean, "{{slot}}"),)),
        Panel("Predictions", SHARE, ((labels, "{{slot}} {{label}}"),)),
        Panel("Rows", "cps", ((by("slot", "gateline_rows_total"), "{{slot}}"),)),
        Panel("Memory of a process", "bytes", ((f"process_resident_memory_bytes{{{mine}}}", "{{slot}} {{replica}}"),)),
    )


def _placed(rows: Mapping[str, tuple[Panel, ...]]) -> Iterator[dict[str, Any]]:
    """Yield each row's title and its panels, three next to each other."""
    top, number = 0, 1
    for title, panels in rows.items():
        at = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
        yield {"id": number, "type": "row", "title": title, "gridPos": at, "collapsed": False, "panels": []}
        for place, panel in enumerate(panels):
            below, beside = divmod(place, COLUMNS // WIDTH)
            at = {"x": beside * WIDTH, "y": top + 1 + below * HEIGHT, "w": WIDTH, "h": HEIGHT}
            yield {"id": number + 1 + place, "gridPos": at, **_drawn(panel)}
        top, number = at["y"] + HEIGHT, number + 1 + len(panels)


def _drawn(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    steps += [] if panel.limit is None else [{"color": "red", "value": panel.limit}]
    custom = {"thresholdsStyle": {"mode": "off" if panel.limit is None else "line"}} if panel.kind == "timeseries" else {}
    defaults = {"unit": panel.unit, "min": 0, "custom": custom, "thresholds": {"mode": "absolute", "steps": steps}}
    instant = panel.kind != "timeseries"
    return {
        "type": panel.kind,
        "title": panel.title,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + place), "datasource": SOURCE, "expr": expr, "legendFormat": legend,
                "instant": instant, "range": not instant,
            }
            for place, (expr, legend) in enumerate(panel.queries)
        ],
    }  # fmt: skip
