"""From what an estimator adds up to probabilities, as scipy and scikit-learn compute them; and sums, as numpy adds."""

from __future__ import annotations

from collections.abc import Sequence

from infra.releases.fast_path.writer import Writer

EXPIT = '''\
def _expit(x):
    return 1.0 / (1.0 + math.exp(-x)) if x > -709.0 else math.exp(x)'''
"""Below -709 the power overflows; there, one more or less says nothing."""
LANES, BLOCK = 8, 128


def expit(writer: Writer, raw: str) -> str:
    """Write scipy's expit; return a variable."""
    writer.helper(EXPIT)
    return writer.let(f"_expit({raw})")


def two_classes(writer: Writer, raw: str) -> list[str]:
    """Write the probabilities of two classes, of which the second has these log-odds."""
    share = expit(writer, raw)
    return [f"1.0 - {share}", share]


def softmax(writer: Writer, raw: Sequence[str]) -> list[str]:
    """Write the probabilities of classes with these log-odds."""
    most = writer.let(f"max({', '.join(raw)})")
    powers = [writer.let(f"math.exp({each} - {most})") for each in raw]
    total = writer.let(pairwise(powers))
    return [f"{power} / {total}" for power in powers]


def normalized_logs(writer: Writer, logs: Sequence[str]) -> list[str]:
    """Write the probabilities of classes with these logarithms of likelihoods, less the logarithm of their sum."""
    logs = [writer.let(each) for each in logs]
    most = writer.let(f"max({', '.join(logs)})")
    total = writer.let(f"math.log({pairwise([f'math.exp({each} - {most})' for each in logs])}) + {most}")
    return [f"math.exp({each} - {total})" for each in logs]


def pairwise(terms: Sequence[str]) -> str:
    """Return the sum of terms, added in the order in which numpy adds a row: eight lanes up to 128 terms, halves above."""
    if len(terms) < LANES:
        return " + ".join(terms) if terms else "0.0"
    if len(terms) <= BLOCK:
        whole = len(terms) - len(terms) % LANES
        lanes = [f"({' + '.join(terms[lane:whole:LANES])})" for lane in range(LANES)]
        a, b, c, d = (f"({lanes[at]} + {lanes[at + 1]})" for at in range(0, LANES, 2))
        return " + ".join([f"(({a} + {b}) + ({c} + {d}))", *terms[whole:]])
    half = len(terms) // 2
    half -= half % LANES
    return f"({pairwise(terms[:half])}) + ({pairwise(terms[half:])})"
