"""Judge a canary against stable from what both slots counted: rules, both numbers, and what is still open.

`judge` is pure and may be called as often as one likes: the tests behind it are anytime-valid (docs/canary.md).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, inf, log

from gateline.contracts.verdict import Outcome, Plot, Rule, Series, Verdict, ruled, unknown
from gateline.settings import CanaryGate
from validation.canary.blocks import Block, Increment, Look, blocks, thinned, total
from validation.canary.detectable import Detectable, detectable, prediction_shift_seen
from validation.canary.latency import FEWEST_BLOCKS, LatencyRatio, latency_ratio
from validation.canary.memory import FEWEST_BLOCKS as FEWEST_MEMORY_BLOCKS
from validation.canary.memory import MemoryShift, memory_shift
from validation.canary.predictions import PredictionShift, prediction_shift
from validation.canary.sequential import ALPHAS, PASS_ALPHA, reached
from validation.canary.shares import Shift, Tail, error_shift, log_e_split, refusal_shift, split_band, tail_shift

__all__ = ["Detectable", "Look", "detectable", "judge", "thinned"]

RELEVANT = 0.75
"""A shift of predictions below this part of the limit is no reason to stop; see docs/canary.md for why it is not 1."""
FEWEST_EXPECTED = 20.0
"""The split is not judged good before the canary should have had this many requests."""


@dataclass(frozen=True)
class CanaryCase:
    """What the rules look at."""

    history: Sequence[Look]
    gate: CanaryGate
    share: float | None
    release: str
    stable_release: str
    made_up: bool = False
    """Whether the rows that were asked are synthetic."""

    @cached_property
    def blocks(self) -> list[Block]:
        return blocks(self.history)

    @cached_property
    def total(self) -> Block:
        return total(self.history)

    @cached_property
    def errors(self) -> Shift:
        return error_shift(self.blocks, self.gate.max_error_increase)

    @cached_property
    def refusals(self) -> Shift | None:
        return refusal_shift(self.blocks, self.gate.max_error_increase)

    @cached_property
    def latency(self) -> LatencyRatio:
        return latency_ratio(self.blocks, self.gate.max_latency_ratio, self.gate.warmup_requests)

    @cached_property
    def tail(self) -> Tail:
        gate = self.gate
        return tail_shift(self.blocks, gate.max_tail_increase, gate.max_latency_ratio, gate.warmup_requests)

    @cached_property
    def memory(self) -> MemoryShift:
        return memory_shift(self.blocks, self.gate.warmup_requests)

    @cached_property
    def predictions(self) -> PredictionShift:
        return prediction_shift(self.blocks, self.gate.max_prediction_shift, self.gate.max_prediction_ratio)

    def alpha(self, rule: str) -> float:
        return self.gate.alpha * ALPHAS[rule]


def judge(
    history: Sequence[Look], *, gate: CanaryGate, share: float | None, release: str, stable_release: str, made_up: bool = False
) -> Verdict:
    """Say whether the canary is to be rolled back (fail), may be promoted (pass), or is to be watched on (inconclusive).

    `history` begins when the canary got its `share` of traffic (None: no proxy was asked for one, so that it is not judged
    whether it was given, and need not be); `release` and `stable_release` are the digests in the slots.
    `made_up`: the rows are synthetic, so that other predictions on them are no reason to roll a release back.
    """
    case = CanaryCase(history, gate, share, release, stable_release, made_up)
    must = [name for name in gate.required if share is not None or name != "split"]
    rules = [RULES[name](case).model_copy(update={"required": name in must}) for name in gate.rules]
    return Verdict.of(
        "canary",
        rules,
        judged={"release": release, "stable": stable_release},
        metrics=_metrics(case),
        plots=_plots(case.blocks, case.predictions.label),
    )


def traffic(case: CanaryCase) -> Rule:
    """Judge whether the canary has answered `min_requests`."""
    answered, needed = case.total.canary.answered, case.gate.min_requests
    facts = {"observed": answered, "limit": float(needed), "unit": "requests", "sample": int(answered)}
    if not answered:
        return unknown("traffic", f"the canary has answered no request, {needed} are needed", next_step=SEND, **facts)
    if answered < needed:
        return unknown("traffic", f"the canary has answered {answered:.0f} of {needed} requests", **facts)
    why = f"the canary has answered {answered:.0f} requests, at least {needed}"
    return ruled("traffic", Outcome.PASS, why, **facts)


def identity(case: CanaryCase) -> Rule:
    """Judge whether each slot's figures come from the release that should run in it."""
    ours = frozenset().union(*(look.canary.releases for look in case.history))
    theirs = frozenset().union(*(look.stable.releases for look in case.history))
    facts = {"observed": _names(ours), "limit": _names({case.release})}
    why = ""
    if case.stable_release in ours or case.release == case.stable_release:
        why = "the canary's figures come from stable"
    elif ours - {case.release}:
        why = f"the canary's figures come from {_names(ours)}, not from {_names({case.release})} alone"
    elif theirs - {case.stable_release}:
        why = f"stable's figures come from {_names(theirs)}, not from {_names({case.stable_release})} alone"
        facts = {"observed": _names(theirs), "limit": _names({case.stable_release})}
    if why:
        return ruled("identity", Outcome.FAIL, why, next_step=ROUTES, **facts)
    if not ours or not theirs:
        return unknown("identity", f"{'stable' if ours else 'the canary'} has not named its release yet", **facts)
    return ruled("identity", Outcome.PASS, f"canary is {_names(ours)}, stable is {_names(theirs)}", **facts)


def split(case: CanaryCase) -> Rule:
    """Judge whether the proxy gave the canary its `environments.<name>.canary_share`, to a false alarm of `alpha`."""
    if case.share is None:
        return unknown("split", "the number of ready replicas shares the traffic: no share was asked of a proxy")
    ours, theirs = case.total.canary.proxied, case.total.stable.proxied
    seen, (low, high) = ours / (ours + theirs) if ours + theirs else 0.0, split_band(case.share)
    facts = {"observed": seen, "limit": case.share, "unit": "share", "sample": int(ours + theirs)}
    what = f"the proxy sent {ours:.0f} of {ours + theirs:.0f} requests to the canary ({seen:.1%})"
    if reached(log_e_split(ours, theirs, case.share), case.alpha("split")):
        return ruled("split", Outcome.FAIL, f"{what}, intended {case.share:.1%}", next_step=WEIGHTS, **facts)
    if (ours + theirs) * case.share >= FEWEST_EXPECTED and low <= seen <= high:
        return ruled("split", Outcome.PASS, f"{what}, intended {case.share:.1%}", **facts)
    return unknown("split", f"{what}: too few, or too uneven, to say that it is {case.share:.1%}", **facts)


def restarts(case: CanaryCase) -> Rule:
    """Judge whether the canary crashed more often than `max_restarts`, and than stable: there the cause may be the machine."""
    ours, theirs, limit = case.total.canary.restarts, case.total.stable.restarts, case.gate.max_restarts
    facts = {"observed": ours, "limit": float(limit), "unit": "restarts", "sample": int(case.total.canary.requests)}
    what = f"the canary crashed {ours:.0f} times, stable {theirs:.0f} times"
    if ours > max(limit, theirs):
        return ruled("restarts", Outcome.FAIL, f"{what}; {limit} allowed", next_step=LOGS, **facts)
    if ours or not case.history:
        return unknown("restarts", f"{what}: too few to stop it, too many to promote it", next_step=LOGS, **facts)
    return ruled("restarts", Outcome.PASS, what, **facts)


def errors(case: CanaryCase) -> Rule:
    """Judge whether the canary fails more often than stable by more than `max_error_increase`, to a false alarm of `alpha`:
    by its errors, and by errors and 4xx answers together."""
    limit, requests = case.gate.max_error_increase, sum(block.canary.requests for block in case.blocks)
    streams = {"fails": case.errors} | ({"fails or refuses": case.refusals} if case.refusals else {})
    alpha = case.alpha("errors") / len(streams)
    outcomes = {how: seen.outcome(alpha) for how, seen in streams.items()}
    broken = [how for how, outcome in outcomes.items() if outcome is Outcome.FAIL]
    how = max(broken or streams, key=lambda name: streams[name].excess)
    seen = streams[how]
    facts = {"observed": seen.excess, "limit": limit, "unit": "share", "sample": int(requests)}
    what = f"the canary {how} {seen.canary:.2%} of requests, stable {seen.stable:.2%}"
    if broken:
        return ruled("errors", Outcome.FAIL, f"{what}: more than {limit:.2%} above", next_step=LOGS, **facts)
    if requests and set(outcomes.values()) == {Outcome.PASS}:
        return ruled("errors", Outcome.PASS, f"{what}: not {limit:.2%} above", **facts)
    why = f"{what}: {requests:.0f} requests cannot yet tell whether that is {limit:.2%} above"
    return unknown("errors", why, **facts)


def latency(case: CanaryCase) -> Rule:
    """Judge whether the canary, without its first `warmup_requests`, takes more than `max_latency_ratio` times as
    long as stable, to a false alarm of `alpha`."""
    seen, limit = case.latency, case.gate.max_latency_ratio
    facts = {"observed": seen.ratio, "limit": limit, "unit": "ratio", "sample": seen.blocks}
    if not seen.blocks:
        why = f"no block of seconds with answers of both after the canary's first {case.gate.warmup_requests}"
        return unknown("latency", why, **facts | {"observed": None})
    what = f"the canary takes {seen.ratio:.2f} times as long as stable (± {exp(seen.level.error) - 1:.0%})"
    slower = seen.level.estimate - seen.level.error > log(limit) and seen.last > log(limit)
    if seen.blocks >= FEWEST_BLOCKS and slower and reached(seen.not_above, case.alpha("latency")):
        return ruled("latency", Outcome.FAIL, f"{what}, allowed {limit:.2f}", next_step=SLOW, **facts)
    if seen.blocks >= FEWEST_BLOCKS and reached(seen.harmful, PASS_ALPHA):
        return ruled("latency", Outcome.PASS, f"{what}, allowed {limit:.2f}", **facts)
    return unknown("latency", f"{what}: cannot yet tell whether that is within {limit:.2f}", **facts)


def tail(case: CanaryCase) -> Rule:
    """Judge whether the canary's share of answers above stable's p99 times `max_latency_ratio` is larger than stable's by more
    than `max_tail_increase`, to a false alarm of `alpha`."""
    found, limit = case.tail, case.gate.max_tail_increase
    seen = found.shift
    facts = {"observed": seen.excess, "limit": limit, "unit": "share", "sample": int(found.answers)}
    if not found.answers:
        why = "stable has not yet answered enough to know its 99th percentile"
        return unknown("tail", why, **facts | {"observed": None})
    what = (
        f"{seen.canary:.2%} of the canary's answers take more than {1000 * found.cutoff:g} ms, {seen.stable:.2%} of stable's"
    )
    outcome = seen.outcome(case.alpha("tail"))
    if outcome is Outcome.FAIL:
        return ruled("tail", outcome, f"{what}: more than {limit:.2%} above", next_step=SLOW, **facts)
    if outcome is Outcome.PASS:
        return ruled("tail", outcome, f"{what}: not {limit:.2%} above", **facts)
    return unknown("tail", f"{what}: cannot yet tell whether that is {limit:.2%} above", **facts)


def memory(case: CanaryCase) -> Rule:
    """Judge whether a process of the canary takes more than `max_memory_ratio` times the memory of a new one of stable, or
    has grown by more than `max_memory_growth` beyond what that has."""
    seen, limit = case.memory, case.gate.max_memory_ratio
    facts = {"observed": seen.ratio, "limit": limit, "unit": "ratio", "sample": seen.blocks}
    if not seen.blocks:
        return unknown("memory", "no figures of the memory of both slots", **facts | {"observed": None})
    if seen.blocks < FEWEST_MEMORY_BLOCKS:
        return unknown("memory", f"{seen.blocks} of {FEWEST_MEMORY_BLOCKS} blocks of seconds", **facts | {"observed": None})
    what = f"a process of the canary takes {seen.canary / 2**20:.0f} MiB, one of stable {seen.stable / 2**20:.0f} MiB"
    if seen.larger(limit):
        return ruled("memory", Outcome.FAIL, f"{what}; {limit:g} times as much is allowed", next_step=MEMORY, **facts)
    if seen.growing(case.gate.max_memory_growth):
        grown = {"observed": seen.growth, "limit": case.gate.max_memory_growth, "unit": "share"}
        why = f"{what}; it grew by {seen.growth:.0%} more than stable's, {case.gate.max_memory_growth:.0%} is allowed"
        return ruled("memory", Outcome.FAIL, why, next_step=MEMORY, **facts | grown)
    return ruled("memory", Outcome.PASS, f"{what}, and grew by {seen.growth:.0%} more than stable's", **facts)


def predictions(case: CanaryCase) -> Rule:
    """Judge whether the canary's predictions are distributed differently from stable's: by `max_prediction_shift`, or for
    one label by `max_prediction_ratio`, to a false alarm of `alpha`."""
    seen, limit = case.predictions, case.gate.max_prediction_shift
    facts = {"observed": seen.distance, "limit": limit, "unit": "share", "sample": int(seen.canary_rows)}
    if not seen.canary_rows or not seen.stable_rows:
        return unknown("predictions", "no predictions of both slots to compare", **facts | {"observed": None})
    name = seen.label
    what = (
        f"'{name}' is {seen.canary[name]:.2%} of the canary's predictions, {seen.stable[name]:.2%} of stable's; "
        f"distributions {seen.distance:.3f} apart (allowed {limit:.3f})"
    )
    relevant = seen.distance >= RELEVANT * limit or seen.factor >= case.gate.max_prediction_ratio
    found = relevant and reached(seen.equal, case.alpha("predictions"))
    if found and case.made_up:
        return unknown("predictions", f"{what}, on made-up rows, which may never occur", next_step=REAL, **facts)
    if found:
        return ruled("predictions", Outcome.FAIL, what, next_step=COMPARE, **facts)
    share = max(seen.stable.values(), key=lambda value: value * (1 - value), default=0.0)
    share = 1e-4 if len(seen.stable) == 1 else min(max(share, 1e-4), 1 - 1e-4)
    finest = prediction_shift_seen(seen.canary_rows, seen.stable_rows, share, len(seen.stable), case.gate)
    if not relevant and finest <= limit:
        return ruled("predictions", Outcome.PASS, f"{what}; a shift of {limit:.3f} would have been seen", **facts)
    return unknown("predictions", f"{what}; so far a shift of {finest:.3f} would be seen", **facts)


RULES: dict[str, Callable[[CanaryCase], Rule]] = {
    "traffic": traffic,
    "identity": identity,
    "split": split,
    "restarts": restarts,
    "errors": errors,
    "latency": latency,
    "tail": tail,
    "memory": memory,
    "predictions": predictions,
}
SEND = "send traffic to the environment, or use --traffic=synthetic; then: invoke canary --resume"
ROUTES = "look at what runs where: invoke status"
WEIGHTS = "look at the proxy's weights: invoke status"
LOGS = "read the canary's log in the release folder"
MEMORY = "look for what each request leaves behind; a larger model needs a larger gates.canary.max_memory_ratio"
SLOW = "compare the two releases under load: nox -s benchmark"
REAL = "let real traffic tell: invoke canary --resume --traffic=real; or promote by hand: invoke promote"
COMPARE = "compare the two models on the same rows: nox -s validate_model"


def _names(digests: frozenset[str] | set[str]) -> str:
    return " and ".join(sorted(digest[:12] for digest in digests)) or "no release"


def _metrics(case: CanaryCase) -> dict[str, float]:
    ours, theirs = case.total.canary, case.total.stable
    figures = {
        "seconds": case.history[-1].seconds - case.history[0].seconds if case.history else 0.0,
        "canary_requests": ours.answered,
        "stable_requests": theirs.answered,
        "canary_error_share": ours.error_share,
        "stable_error_share": theirs.error_share,
        "canary_mean_ms": 1000 * (ours.mean_seconds or 0.0),
        "stable_mean_ms": 1000 * (theirs.mean_seconds or 0.0),
        "latency_ratio": case.latency.ratio if case.latency.blocks else inf,
        "canary_slow_share": case.tail.shift.canary,
        "stable_slow_share": case.tail.shift.stable,
        "memory_ratio": case.memory.ratio if case.memory.canary else inf,
        "prediction_shift": case.predictions.distance,
    }
    return {name: value for name, value in figures.items() if value != inf}


def _plots(blocks: Sequence[Block], label: str) -> list[Plot]:
    """Error share, mean latency and the share of one label over time; nothing where there is no block yet."""
    reads: dict[tuple[str, str], Callable[[Increment], float | None]] = {
        ("Share of errors", "share"): lambda part: part.errors / part.requests if part.requests else None,
        ("Mean latency", "milliseconds"): lambda part: None if part.mean_seconds is None else 1000 * part.mean_seconds,
    }
    if label:
        reads[f"Share of predictions '{label}'", "share"] = lambda part: (
            part.predictions.get(label, 0.0) / rows if (rows := sum(part.predictions.values())) else None
        )
    seconds = tuple(round(block.end - blocks[0].start, 1) for block in blocks)
    drawn = []
    for (title, y_label), read in reads.items() if blocks else ():
        canary = Series(name="canary", x=seconds, y=tuple(read(block.canary) for block in blocks))
        stable = Series(name="stable", x=seconds, y=tuple(read(block.stable) for block in blocks))
        facts = {"x_label": "seconds", "y_label": y_label}
        drawn.append(Plot(title=f"{title}, canary against stable", kind="line", series=(canary, stable), **facts))
    return drawn
