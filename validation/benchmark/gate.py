"""The gate on speed: a release under load against the limits. Run it with `python -m validation.benchmark --help`."""

from collections.abc import Callable, Mapping
from pathlib import Path

from gateline.contracts.digest import of_file, of_sources, of_value, short
from gateline.contracts.load_sample import LoadSample, percentile
from gateline.contracts.verdict import Outcome, Plot, Rule, Series, Verdict, at_least, at_most, ruled, unknown
from gateline.settings import BenchmarkGate, Settings

STAGE = "benchmark"
ROOT = Path(__file__).resolve().parents[2]
SOURCES = (
    "load",
    "validation/benchmark/gate.py",
    "gateline/contracts/load_sample.py",
    "gateline/contracts/samples.py",
    "requirements/load.txt",
)
SHOWN = 0.995
"""Share of requests that the distribution shows; the slowest few would flatten the rest."""
ROWS = "Its rows are drawn evenly from the ranges of the schema: they cost what yours cost, but need not occur."


def judge(
    sample: LoadSample, gate: BenchmarkGate, release: str = "", judged: Mapping[str, str] | None = None
) -> Verdict:
    """Return the verdict on a sample, with its figures and plots; `judged` names what it was taken of.

    With fewer than `min_requests` requests no rule passes; what has failed for good fails all the same.
    """
    figures = {"p50_ms": sample.p50_ms, "p95_ms": sample.p95_ms, "p99_ms": sample.p99_ms}
    metrics = {name: value for name, value in figures.items() if value is not None}
    metrics |= {"requests": sample.requests, "errors": sample.errors, "rate": sample.rate, "seconds": sample.seconds}
    users = f"at most {sample.users} at once"
    how = f"Sent as fast as answers came, {users}; a stall holds back the requests that would have shown it."
    if sample.intended_rate:
        how = f"Sent on a schedule of {sample.intended_rate:g} requests/s, {users}; timed from the intended start."
    said = rules(sample, gate, release)
    return Verdict.of(STAGE, said, judged=judged, metrics=metrics, plots=plots(sample, gate), notes=(how, ROWS))


def rules(sample: LoadSample, gate: BenchmarkGate, release: str = "") -> tuple[Rule, ...]:
    """Return what each of the gate's rules says; `identity` is judged where the release that was meant is named."""
    said = (RULES[name](sample, gate, release) for name in gate.rules if name != "identity" or release)
    return tuple(rule.model_copy(update={"required": rule.name in gate.required}) for rule in said)


def inputs(settings: Settings, root: Path = ROOT, schema: Path | None = None) -> dict[str, str]:
    """Return the digests of what the verdict depends on, apart from the release: load profile, limits, what sends and judges,
    and the schema of the payloads where that is not the release's own."""
    return {
        "profile": of_value(settings.load.model_dump(mode="json")),
        "limits": of_value(settings.gates.benchmark.model_dump(mode="json")),
        "sources": of_sources(root, SOURCES),
    } | ({"schema": of_file(schema)} if schema else {})


def _identity(sample: LoadSample, gate: BenchmarkGate, release: str) -> Rule:
    """Judge that every answer names the release that is judged: figures of another one say nothing about this one."""
    others = {name: count for name, count in sample.releases.items() if name != release}
    ours = sample.releases.get(release, 0)
    if others:
        other = short(max(others, key=lambda name: others[name]))
        reason = f"{sum(others.values()):,} answers came from release {other}"
        facts = {"observed": other, "limit": short(release), "sample": sample.requests}
        step = "load the address of the release that is to be judged"
        return ruled("identity", Outcome.FAIL, reason, next_step=step, **facts)
    if not ours:
        return unknown("identity", "no answer names its release", sample=sample.requests)
    reason = f"{ours:,} answers name release {short(release)}, none another"
    return ruled("identity", Outcome.PASS, reason, observed=short(release), limit=short(release), sample=ours)


def _latency(name: str) -> Callable[[LoadSample, BenchmarkGate, str], Rule]:
    def rule(sample: LoadSample, gate: BenchmarkGate, release: str) -> Rule:
        observed, limit = getattr(sample, f"{name}_ms"), getattr(gate, f"max_{name}_ms")
        if too_few := _too_few(name, sample, gate):
            return too_few
        if not sample.answered:
            return unknown(name, f"none of {sample.requests:,} requests was answered", sample=sample.requests)
        judged = at_most(name, observed, limit, unit="ms", sample=sample.requests)
        step = "see that the machine does nothing else and run it again, profile the service, "
        step += f"or set gates.benchmark.max_{name}_ms to what you can promise"
        return judged.model_copy(update={"next_step": step}) if judged.outcome is Outcome.FAIL else judged

    rule.__doc__ = (
        f"Judge the {name[1:]}th percentile of latency: at most `max_{name}_ms`, on at least `min_requests` requests."
    )
    return rule


def _errors(sample: LoadSample, gate: BenchmarkGate, release: str) -> Rule:
    """Judge the share of failed requests: at most `max_error_share`, on at least `min_requests` requests.

    More errors than so many requests may hold have failed already, however many good answers were still to come.
    """
    beyond_repair = sample.errors > gate.max_error_share * max(sample.requests, gate.min_requests)
    if not beyond_repair and (too_few := _too_few("errors", sample, gate)):
        return too_few
    judged = at_most(
        "errors", sample.error_share, gate.max_error_share, sample=sample.requests, subject="share of failed requests"
    )
    kinds = ", ".join(f"{count:,} × {kind}" for kind, count in sample.failures.items())
    step = f"read the service's log; what failed: {kinds}" if judged.outcome is Outcome.FAIL else ""
    return judged.model_copy(update={"next_step": step, "subject": ""})


def _rate(sample: LoadSample, gate: BenchmarkGate, release: str) -> Rule:
    """Judge the predictions per second: at least `min_rate_share` of `load.rate`, on at least `min_requests` requests."""
    if not sample.intended_rate:
        return unknown("rate", "the load had no intended rate", next_step="set load.rate to judge it")
    if too_few := _too_few("rate", sample, gate):
        return too_few
    limit = gate.min_rate_share * sample.intended_rate
    judged = at_least("rate", sample.rate, limit, unit="predictions/s", sample=sample.requests)
    step = "lower load.rate, speed the service up, or try on a machine with less else to do"
    return judged.model_copy(update={"next_step": step}) if judged.outcome is Outcome.FAIL else judged


def _too_few(name: str, sample: LoadSample, gate: BenchmarkGate) -> Rule | None:
    if sample.requests >= gate.min_requests:
        return None
    reason = f"{sample.requests:,} requests, needed are {gate.min_requests:,}"
    step = "raise load.requests, or find out why the service answered so few"
    return unknown(name, reason, sample=sample.requests, next_step=step)


RULES: dict[str, Callable[[LoadSample, BenchmarkGate, str], Rule]] = {
    "identity": _identity,
    "p50": _latency("p50"),
    "p95": _latency("p95"),
    "p99": _latency("p99"),
    "errors": _errors,
    "rate": _rate,
}


def plots(sample: LoadSample, gate: BenchmarkGate) -> tuple[Plot, ...]:
    drawn = [_distribution(sample), _percentiles(sample, gate)] if sample.quantiles_ms else []
    if sample.failures:
        cells = tuple((kind, count, f"{count / sample.requests:.2%}") for kind, count in sample.failures.items())
        drawn.append(Plot(title="Failed requests", kind="table", columns=("kind", "requests", "share"), cells=cells))
    return tuple(drawn)


def _distribution(sample: LoadSample) -> Plot:
    """Show which share of requests took at most how long (the empirical distribution function)."""
    values = sample.quantiles_ms
    most, last = percentile(values, SHOWN), max(len(values) - 1, 1)
    points = [(0.0 if len(values) == 1 else index / last, value) for index, value in enumerate(values) if value <= most]
    kept = points[:: max(len(points) // 200, 1)]
    ecdf = Series(name="requests", x=tuple(value for _, value in kept), y=tuple(share for share, _ in kept))
    return Plot(
        title="Latency: share of requests done within",
        kind="line",
        x_label="milliseconds",
        y_label="share of requests",
        series=(ecdf,),
        note=f"{sample.requests:,} requests; the slowest took {values[-1]:,.1f} ms",
    )


def _percentiles(sample: LoadSample, gate: BenchmarkGate) -> Plot:
    names = ("p50", "p95", "p99")
    observed = Series(name="observed", x=names, y=(sample.p50_ms, sample.p95_ms, sample.p99_ms))
    limit = Series(name="limit", x=names, y=(gate.max_p50_ms, gate.max_p95_ms, gate.max_p99_ms))
    title = "Latency percentiles and limits"
    return Plot(title=title, kind="bar", y_label="milliseconds", series=(observed, limit))
