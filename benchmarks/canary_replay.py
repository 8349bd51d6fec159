"""Replay canaries and print what their judge does with them: false alarms, detection, time to decide, with sample sizes.

Run it with `python -m benchmarks.canary_replay` (the full 1,000 replays take about half an hour on two cores).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, inf

from benchmarks.replays import CANARY, STABLE, Event, Traffic, replay
from gateline.contracts.verdict import Outcome
from gateline.settings import CanaryGate
from validation.canary.gate import Look, detectable, judge
from validation.canary.blocks import BLOCK_SECONDS

GATE = CanaryGate()
INTENDED_SHARE = 0.1
PLAIN = Traffic()
RARE = Traffic(rate=40.0, positives=(0.005, 0.005))
FAST = Traffic(rate=250.0, median=0.00003)
"""A model that is scored in some microseconds, and a stall of 50 ms now and then all the same."""
BENIGN = {
    "equal slots, 50/s, 30 % positives": PLAIN,
    "equal slots, 40/s, 0.5 % positives": RARE,
    "equal slots, levels wander by 15 %": replace(PLAIN, wander=0.15),
    "5xx burst in both slots, 50 %, 10 s": replace(PLAIN, burst=Event(20, 30, 0.5)),
    "slow machine, both slots x 3, 60 s": replace(PLAIN, slow_machine=Event(30, 90, 3.0)),
    "cold start, 20 requests x 10": replace(PLAIN, cold_requests=20),
    "5 % slower": replace(PLAIN, slowdown=1.05),
    "30 us, equal slots, 250/s": FAST,
    "30 us, levels wander by 15 %, 250/s": replace(FAST, wander=0.15),
    "30 us, 5 % slower, 250/s": replace(FAST, slowdown=1.05),
    "0.3 % errors, stable 0.05 %": replace(PLAIN, errors=(0.003, 0.0005)),
    "positives .30 -> .32": replace(PLAIN, positives=(0.32, 0.30)),
    "20 % of both slots' answers are 4xx": replace(PLAIN, refused=(0.2, 0.2)),
    "a quarter more memory": replace(PLAIN, memory=1.25),
}
FAULTS = {
    "38 canary gets 0 %": replace(PLAIN, share=0.0),
    "38 canary gets 30 %": replace(PLAIN, share=0.3),
    "42 5 % of answers are 5xx": replace(PLAIN, errors=(0.05, 0.0005)),
    "42 ... after a burst in both slots": replace(PLAIN, errors=(0.05, 0.0005), burst=Event(0, 10, 0.5)),
    "5 % of answers are 4xx, stable's none": replace(PLAIN, refused=(0.05, 0.0)),
    "30 % of answers are 4xx, stable's 20 %": replace(PLAIN, refused=(0.3, 0.2)),
    "10 % of answers take 0.5 s more": replace(PLAIN, slow=0.1),
    "a leak of 100 kB a request": replace(PLAIN, leak=100_000.0),
    "twice the memory": replace(PLAIN, memory=2.0),
    "43 1.5 x slower": replace(PLAIN, slowdown=1.5),
    "43 ... levels wander by 15 %": replace(PLAIN, slowdown=1.5, wander=0.15),
    "43 30 us, 1.5 x slower, 250/s": replace(FAST, slowdown=1.5),
    "43 30 us ... levels wander by 15 %": replace(FAST, slowdown=1.5, wander=0.15),
    "44 positives .30 -> .40": replace(PLAIN, positives=(0.40, 0.30)),
    "classes exchanged": replace(PLAIN, positives=(0.70, 0.30)),
    "45 a slice of 10 % fails": replace(PLAIN, errors=(0.10, 0.0005)),
    "40/s, 0.5 %: 5 % of answers are 5xx": replace(RARE, errors=(0.05, 0.0005)),
    "40/s, 0.5 %: 1.5 x slower": replace(RARE, slowdown=1.5),
    "40/s, 0.5 %: positives -> 10.5 %": replace(RARE, positives=(0.105, 0.005)),
    "40/s, 0.5 %: positives -> 5 %": replace(RARE, positives=(0.05, 0.005)),
    "40/s, 0.5 %: positives -> 2 %": replace(RARE, positives=(0.02, 0.005)),
    "40/s, 0.5 %: classes exchanged": replace(RARE, positives=(0.995, 0.005)),
}


@dataclass(frozen=True)
class Played:
    """When one replay would first have been stopped, and when promoted, in seconds; infinite for never."""

    stopped: float
    promoted: float


def play(traffic: Traffic, whole: bool, seed: int) -> Played:
    """Judge a replay at the end of each block; between blocks the tests cannot change.

    `whole` goes on to the end after a promotion, so that every chance of a false alarm is counted.
    """
    history: list[Look] = []
    promoted = inf
    for look in replay(traffic, seed):
        history.append(look)
        if look.seconds % BLOCK_SECONDS or not look.seconds:
            continue
        verdict = judge(history, gate=GATE, share=INTENDED_SHARE, release=CANARY, stable_release=STABLE)
        if verdict.outcome is Outcome.FAIL:
            return Played(look.seconds, promoted)
        if verdict.outcome is Outcome.PASS:
            promoted = min(promoted, look.seconds)
            if not whole:
                break
    return Played(inf, promoted)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def row(name: str, played: Sequence[Played], benign: bool) -> str:
    """Return one line of the table; a fault counts as stopped only if it was not promoted before."""
    stopped = [one.stopped if benign or one.stopped < one.promoted else inf for one in played]
    promoted = [one.promoted if one.promoted < one.stopped else inf for one in played]
    cells = [f"{name:<36}", f"{len(played):>6}"]
    for times in (stopped, promoted):
        share = sum(time < inf for time in times) / len(times)
        cells += [f"{share:>8.1%}", *(_seconds(quantile(times, level)) for level in (0.5, 0.95))]
    return " ".join(cells)


def table(replays: int, processes: int, only: str) -> Iterator[str]:
    """Play every case and yield the table line by line."""
    heads = ("stopped", "median s", "p95 s", "promoted", "median s", "p95 s")
    yield f"{'case':<36} {'sample':>6} " + " ".join(f"{head:>8}" for head in heads)
    with ProcessPoolExecutor(processes) as pool:
        for kind, cases in (("benign: to be promoted, never stopped", BENIGN), ("faults: to be stopped", FAULTS)):
            yield kind
            for name, traffic in cases.items():
                if only in name:
                    run = partial(play, traffic, cases is BENIGN)
                    yield row(name, list(pool.map(run, range(replays), chunksize=8)), cases is BENIGN)


def main() -> None:
    """Print what the traffic can tell, then the table."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  python -m benchmarks.canary_replay --replays 50\n"
        "  python -m benchmarks.canary_replay --only '1.5 x slower'",
    )
    parser.add_argument("--replays", type=int, default=1000, help="replays of each case")
    parser.add_argument("--processes", type=int, default=2, help="replays that run at the same time")
    parser.add_argument("--only", default="", metavar="WORDS", help="only the cases whose name holds these words")
    chosen = parser.parse_args()
    for traffic in (PLAIN, RARE):
        seen = detectable(
            GATE, INTENDED_SHARE, traffic.rate, traffic.seconds, positive_share=traffic.positives[1], baseline=0.2
        )
        print(f"{traffic.rate:.0f}/s, {traffic.positives[1]:.1%} positives, {traffic.seconds} s: {seen.sentence(GATE)}")
    for line in table(chosen.replays, chosen.processes, chosen.only):
        print(line, flush=True)


def _seconds(value: float) -> str:
    return f"{value:>8.0f}" if value < inf else f"{'-':>8}"


if __name__ == "__main__":
    main()
