"""Which class a text means: by value, not by spelling. `1`, `1.0` and `true` are one class, as are `yes` and `Yes`."""

from __future__ import annotations

import math
from collections.abc import Sequence

Label = str | int | float | bool
TRUTH = {"true": 1.0, "false": 0.0}


def class_of(text: str, classes: Sequence[Label]) -> Label | None:
    """Return the class that a text means, or None where it means none of them.

    Its spelling decides before its value, and its value before its letters' case: classes may differ in these alone.
    """
    text = text.strip()
    exact = [label for label in classes if str(label) == text]
    value = _value(text)
    equal = [label for label in classes if value is not None and _value(str(label)) == value]
    alike = [label for label in classes if str(label).casefold() == text.casefold()]
    return next((found[0] for found in (exact, equal, alike) if len(found) == 1), None)


def _value(text: str) -> float | None:
    """Return the number that a label stands for: a truth value is 1 or 0, as it is where it is counted."""
    if text.lower() in TRUTH:
        return TRUTH[text.lower()]
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
