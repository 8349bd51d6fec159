"""What scores must be: probabilities of each class, or one number. Over lists: the service judges them without numpy."""

import math
from collections.abc import Sequence
from typing import Any

ROUNDING = 1e-6
"""How far a probability may be outside 0 to 1, by single precision; a row may add up to ten times as far from 1."""


class Flawed(Exception):
    """What a model answered are no scores; the message says in which way."""


def misshapen(shape: tuple[int, ...], rows: int, classes: Sequence[Any]) -> str:
    """Return in which way scores of this shape are none of so many rows; nothing where they are."""
    wanted = (rows, max(len(classes), 1))
    if shape == wanted:
        return ""
    columns = f": one column per class, in the order {', '.join(map(str, classes[:5]))}" if classes else ""
    return f"{_asked(classes)} gave scores of shape {shape} for {rows:,} rows, expected {wanted}{columns}"


def is_sound(row: Sequence[float]) -> bool:
    """Say whether the probabilities of one row are some: what is no number makes the sum none, which equals nothing."""
    off = abs(sum(row) - 1)
    return min(row) >= -ROUNDING and max(row) <= 1 + ROUNDING and (off <= 10 * ROUNDING or off <= len(row) * ROUNDING)


def flaw(scores: Sequence[Sequence[float]], classes: Sequence[Any]) -> str:
    """Return in which way scores, one list a row, are no probabilities (or no numbers); nothing where they are."""
    if classes and all(map(is_sound, scores)):
        return ""
    said, few = _asked(classes), f"of {len(scores):,} rows"
    if broken := sum(not all(map(math.isfinite, row)) for row in scores):
        return f"{said} gave {broken:,} {few} no finite {'probability' if classes else 'number'}"
    if not classes:
        return ""
    outside = [row for row in scores if min(row) < -ROUNDING or max(row) > 1 + ROUNDING]
    if outside:
        worst = max((score for row in outside for score in row), key=lambda score: abs(score - 0.5))
        return f"{said} gave {len(outside):,} {few} a probability outside 0 to 1, such as {worst:.6g}"
    off = [total for row in scores if abs((total := sum(row)) - 1) > ROUNDING * max(10, len(classes))]
    return f"{said} gave {len(off):,} {few} probabilities that add up to {off[0]:.6g}, not to 1"


def _asked(classes: Sequence[Any]) -> str:
    return "predict_proba" if classes else "predict"
