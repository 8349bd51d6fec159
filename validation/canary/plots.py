"""A canary against stable over time, as the data of plots."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateline.contracts.verdict import Plot, Series
from validation.canary.observation import Block, Increment

Read = Callable[[Increment], float | None]


def plots(blocks: Sequence[Block], label: str) -> tuple[Plot, ...]:
    """Return error share, mean latency and the share of one label over time; nothing where there is no block yet."""
    if not blocks:
        return ()
    drawn = [
        _plot(
            blocks, "Share of errors, canary against stable", "share", lambda part: _share(part.errors, part.requests)
        ),
        _plot(blocks, "Mean latency, canary against stable", "milliseconds", _milliseconds),
    ]
    if label:
        title = f"Share of predictions '{label}', canary against stable"
        drawn.append(_plot(blocks, title, "share", lambda part: _label_share(part, label)))
    return tuple(drawn)


def _plot(blocks: Sequence[Block], title: str, y_label: str, read: Read) -> Plot:
    seconds = tuple(round(block.end - blocks[0].start, 1) for block in blocks)
    series = (
        Series(name="canary", x=seconds, y=tuple(read(block.canary) for block in blocks)),
        Series(name="stable", x=seconds, y=tuple(read(block.stable) for block in blocks)),
    )
    return Plot(title=title, kind="line", x_label="seconds", y_label=y_label, series=series)


def _milliseconds(part: Increment) -> float | None:
    return None if part.mean_seconds is None else 1000 * part.mean_seconds


def _label_share(part: Increment, label: str) -> float | None:
    return _share(part.predictions.get(label, 0.0), sum(part.predictions.values()))


def _share(count: float, rows: float) -> float | None:
    return count / rows if rows else None
