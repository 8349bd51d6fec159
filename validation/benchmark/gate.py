"""The gate on speed: a release under load against the limits. Run it with `python -m validation.benchmark --help`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from gateline.contracts.digest import of_file, of_value, short
from gateline.contracts.load_sample import LoadSample
from gateline.contracts.verdict import Outcome, Rule, Verdict, at_least, at_most, unknown
from gateline.settings import BenchmarkGate, Settings
from validation.benchmark.plots import plots

STAGE = "benchmark"

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
    said, drawn = rules(sample, gate, release), plots(sample, gate)
    return Verdict.of(STAGE, said, judged=judged, metrics=metrics, plots=drawn, notes=(_how(sample), ROWS))


def rules(sample: LoadSample, gate: BenchmarkGate, release: str = "") -> tuple[Rule, ...]:
    """Return what each of the gate's rules says; `identity` is judged where the release that was meant is named."""
    said = (RULES[name](sample, gate, release) for name in gate.rules if name != "identity" or release)
    return tuple(rule.model_copy(update={"required": rule.name in gate.required}) for rule in said)


def inputs(settings: Settings) -> dict[str, str]:
    """Return the digests that the verdict depends on beside the release: limits, load profile, schema of the payloads."""
    values = {"gate": settings.gates.benchmark, "load": settings.load}
    digest = of_value({name: value.model_dump(mode="json") for name, value in values.items()})
    return {"settings": digest, "schema": of_file(Path(settings.data.schema_path))}


def _identity(sample: LoadSample, gate: BenchmarkGate, release: str) -> Rule:
    """Judge that every answer names the release that is judged: figures of another one say nothing about this one."""
    others = {name: count for name, count in sample.releases.items() if name != release}
    ours = sample.releases.get(release, 0)
    if others:
        return Rule(
            name="identity",
            outcome=Outcome.FAIL,
            reason=f"{sum(others.values()):,} answers came from release {short(max(others, key=lambda name: others[name]))}",
            observed=short(max(others, key=lambda name: others[name])),
            limit=short(release),
            sample=sample.requests,
            next_step="load the address of the release that is to be judged",
        )
    if not ours:
        return unknown("identity", "no answer names its release", sample=sample.requests)
    reason = f"{ours:,} answers name release {short(release)}, none another"
    return Rule(
        name="identity", outcome=Outcome.PASS, reason=reason, observed=short(release), limit=short(release), sample=ours
    )


def _latency(name: str) -> Callable[[LoadSample, BenchmarkGate, str], Rule]:
    def rule(sample: LoadSample, gate: BenchmarkGate, release: str) -> Rule:
        observed, limit = getattr(sample, f"{name}_ms"), getattr(gate, f"max_{name}_ms")
        if too_few := _too_few(name, sample, gate):
            return too_few
        if not sample.answered:
            return unknown(name, f"none of {sample.requests:,} requests was answered", sample=sample.requests)
        judged = at_most(name, observed, limit, unit="ms", sample=sample.requests)
        step = (
            "see that the machine does nothing else and run it again, profile the service, "
            f"or set gates.benchmark.max_{name}_ms to what you can promise"
        )
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
    """Judge the predictions a second: at least `min_rate_share` of `load.rate`, on at least `min_requests` requests."""
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


def _how(sample: LoadSample) -> str:
    users = f"at most {sample.users} at once"
    if sample.intended_rate:
        return f"Sent on a schedule of {sample.intended_rate:g} requests/s, {users}; timed from the intended start."
    return f"Sent as fast as answers came, {users}; a stall holds back the requests that would have shown it."
