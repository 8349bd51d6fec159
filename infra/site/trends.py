"""Plots over the releases, from recorded verdicts alone: the primary metric, latency under load, and canaries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gateline.contracts.release import Release
from gateline.contracts.verdict import Plot, Rule, Series, Verdict
from gateline.report.words import WORDS, plural
from infra.site.past import Registry

SHOWN = 40
"""Releases along an axis: more would not be read."""
CANARIES = 10


def trends(found: Registry, index: Mapping[tuple[str, str], list[Verdict]], metric: str) -> tuple[Plot, ...]:
    """Return the plots for which there is something to draw; releases stand from old to new, the newest 40."""
    shown = found.releases[-SHOWN:]
    model = [_newest(index, "validate_model", release.artifact) for release in shown]
    load = [_newest(index, "benchmark", release.digest) for release in shown]
    live = [_newest(index, "canary", release.digest) for release in shown]
    drawn = (
        _over(shown, f"{metric} on the test rows", metric, _metrics(model, metric), _limits(model, "limits", metric)),
        _over(shown, "Latency under load, p95", "ms", _observed(load, "p95"), _limits(load, "p95")),
        _over(
            shown, "Canary: time taken, against stable's", "ratio", _observed(live, "latency"), _limits(live, "latency")
        ),
        canaries(found),
    )
    return tuple(plot for plot in drawn if plot is not None)


def canaries(found: Registry) -> Plot | None:
    """Return the table of canaries, newest first: which release, what came of it, when, in what time, on how many requests."""
    verdicts = found.verdicts.get("canary", [])
    if not verdicts:
        return None
    older = len(verdicts) - CANARIES
    return Plot(
        title="Canaries, newest first",
        kind="table",
        columns=("release", "outcome", "judged", "seconds", "requests"),
        cells=tuple(_row(verdict) for verdict in verdicts[: -CANARIES - 1 : -1]),
        note=f"{plural(older, 'older one')} not shown; each stands on its release's page." if older > 0 else "",
    )


def _row(verdict: Verdict) -> tuple[float | str, ...]:
    digest = verdict.judged.get("release", "")
    return (
        digest[:8],
        WORDS[verdict.outcome],
        verdict.created[:16].replace("T", " "),
        round(verdict.metrics["seconds"]) if "seconds" in verdict.metrics else "–",
        verdict.metrics.get("canary_requests", "–"),
    )


def _newest(index: Mapping[tuple[str, str], list[Verdict]], stage: str, subject: str) -> Verdict | None:
    listed = index.get((stage, subject))
    return listed[-1] if listed else None


def _over(
    shown: Sequence[Release], title: str, unit: str, values: Iterable[float | None], limits: Iterable[float | None]
) -> Plot | None:
    """Releases without such a verdict have no place along the axis: a line across them would be a guess."""
    judged = [row for row in zip(shown, values, limits, strict=True) if row[1] is not None]
    if not judged:
        return None
    names = tuple(release.digest[:8] for release, _, _ in judged)
    series = [Series(name="release", x=names, y=tuple(value for _, value, _ in judged))]
    allowed = tuple(limit for _, _, limit in judged)
    if any(limit is not None for limit in allowed):
        series.append(Series(name="limit", x=names, y=allowed))
    left_out = len(shown) - len(judged)
    note = f"{left_out} of {len(shown)} releases have no such verdict and are left out." if left_out else ""
    return Plot(title=title, kind="line", x_label="release, old to new", y_label=unit, series=tuple(series), note=note)


def _metrics(verdicts: Iterable[Verdict | None], metric: str) -> list[float | None]:
    return [verdict.metrics.get(metric) if verdict else None for verdict in verdicts]


def _observed(verdicts: Iterable[Verdict | None], name: str) -> list[float | None]:
    return [_number(_rule(verdict, name), "observed") for verdict in verdicts]


def _limits(verdicts: Iterable[Verdict | None], name: str, subject: str = "") -> list[float | None]:
    return [_number(_rule(verdict, name, subject), "limit") for verdict in verdicts]


def _rule(verdict: Verdict | None, name: str, subject: str = "") -> Rule | None:
    rules = verdict.rules if verdict else ()
    return next((rule for rule in rules if rule.name == name and rule.subject == subject), None)


def _number(rule: Rule | None, field: str) -> float | None:
    value = getattr(rule, field) if rule else None
    return float(value) if isinstance(value, int | float) else None
