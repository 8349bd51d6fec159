"""The figures of a run for people: progress while it runs, percentiles and comparisons when it is done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gateline.contracts.load_sample import LoadSample
from gateline.settings.errors import ExitCode

FEWEST = 20
"""With fewer requests a 95th percentile is no more than the slowest of them."""


@dataclass(frozen=True)
class Comparison:
    """What the comparison with the limits says, and the exit code it comes to."""

    lines: tuple[str, ...]
    code: ExitCode


def announce(url: str, requests: int, rate: float, warmup: int) -> str:
    """Return what is about to be sent, and how long that takes where it is known."""
    pace = f"at {rate:g}/s, about {requests / rate:.0f} s" if rate else "as fast as answers come"
    return f"sending {requests:,} requests to {url} {pace} (after {warmup:,} to warm up)"


@contextmanager
def progress(requests: int | None) -> Iterator[Callable[[int], None]]:
    """Show count, time and time left on stderr; without an end, show nothing."""
    from rich import progress as bars

    from gateline.settings.terminal import Terminal

    console = Terminal(stderr=True)
    with bars.Progress(
        "{task.description}", bars.BarColumn(), bars.MofNCompleteColumn(), bars.TimeElapsedColumn(),
        "left", bars.TimeRemainingColumn(),
        console=console, auto_refresh=False, disable=requests is None or not console.is_terminal,
    ) as shown:  # fmt: skip
        task = shown.add_task("requests", total=requests)

        def tell(count: int) -> None:
            shown.update(task, completed=count, refresh=True)

        yield tell


def one_line(sample: LoadSample) -> str:
    """Return the counts as one line of JSON."""
    return sample.model_dump_json(exclude={"quantiles_ms"})


def describe(sample: LoadSample) -> str:
    """Return counts, rate, percentiles and kinds of failure in a few lines."""
    intended = f" of {sample.intended_rate:g}/s intended" if sample.intended_rate else " as fast as answers came"
    lines = [
        f"{sample.requests:,} requests in {sample.seconds:.1f} s, {sample.errors:,} failed",
        f"rate: {sample.rate:.1f} predictions/s{intended}, at most {sample.users} at once",
    ]
    if sample.p50_ms is not None:
        lines.append(
            f"latency: p50 {sample.p50_ms:.1f} ms, p95 {sample.p95_ms:.1f} ms, p99 {sample.p99_ms:.1f} ms, "
            f"slowest {sample.quantiles_ms[-1]:.1f} ms"
        )
    return "\n".join(lines + [f"failed: {count:,} × {kind}" for kind, count in sample.failures.items()])


def compare(sample: LoadSample, max_latency: float | None, max_errors: float, enough: int) -> Comparison:
    """Compare p95 and the share of errors with their limits; with too few answers say that, and judge nothing.

    `enough` requests must have ended. Without `max_latency` nothing is judged but that there was an answer at all.
    """
    asked, answered = (enough, min(enough, FEWEST)) if max_latency is not None else (1, 1)
    if sample.requests < asked or sample.answered < answered or sample.p95_ms is None:
        line = f"inconclusive: {sample.answered:,} of {sample.requests:,} requests were answered, needed are {asked:,}"
        return Comparison((line,), ExitCode.INCONCLUSIVE)
    if max_latency is None:
        return Comparison((), ExitCode.PASS)
    slow, broken = sample.p95_ms > max_latency, sample.error_share > max_errors
    judged = (
        (f"p95: {sample.p95_ms:.1f} ms", f"{max_latency:g} ms", slow),
        (f"errors: {sample.error_share:.2%}", f"{max_errors:.2%}", broken),
    )
    lines = (
        f"{said}, above the limit {limit}: failed" if beyond else f"{said}, allowed at most {limit}: passed"
        for said, limit, beyond in judged
    )
    return Comparison(tuple(lines), ExitCode.FAIL if slow or broken else ExitCode.PASS)
