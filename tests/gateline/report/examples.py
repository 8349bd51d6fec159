"""Verdicts to write: one of each outcome, with hostile text where text can stand."""

from __future__ import annotations

from gateline.contracts.verdict import Plot, Rule, Series, Verdict, at_least, at_most, unknown

HOSTILE = '<script>alert("1")</script> & | `x` [y](http://evil.example)'


def passing(stage: str = "benchmark") -> Verdict:
    """Return a verdict with one rule that passed."""
    return Verdict.of(stage, [at_most("p95", 12.5, 200.0, unit="ms", sample=2000)], judged={"release": "ab" * 32})


def failing() -> Verdict:
    """Return a verdict with two failures and one silent rule, plots of every kind, and hostile text everywhere."""
    rules = [
        at_least("range", 1.0, 1.0, subject="dep_delay"),
        at_most("p95", 262.5, 200.0, unit="ms", sample=2000, next_step="profile the service"),
        unknown("rate", "no intended rate", required=True, next_step="set load.rate"),
        Rule(name="columns", outcome="fail", reason=HOSTILE, subject=HOSTILE, observed=HOSTILE, next_step=HOSTILE),
    ]
    return Verdict.of(
        "benchmark",
        rules,
        judged={HOSTILE: HOSTILE},
        metrics={HOSTILE: 1234567.0},
        plots=plots(),
        notes=(HOSTILE,),
    )


def plots() -> tuple[Plot, ...]:
    """Return a plot of each kind."""
    return (
        Plot(
            title=HOSTILE, kind="line", x_label=HOSTILE, series=(_series(HOSTILE, (1, 2, 3)), _series("b", (1, 2, 3)))
        ),
        Plot(title="Bars", kind="bar", series=(_series(HOSTILE, (HOSTILE, "q", "r")),)),
        Plot(
            title="Heat",
            kind="heat",
            rows=("no", "yes"),
            columns=("no", HOSTILE),
            cells=((90, 10), (0, "–")),
            note=HOSTILE,
        ),
        Plot(title="Table", kind="table", columns=(HOSTILE,), cells=((HOSTILE,), (0.25,))),
    )


def _series(name: str, x: tuple[float | str, ...]) -> Series:
    return Series(name=name, x=x, y=(0.5, None, 2.5))
