"""A text means a class by value; what means none, or two, means none."""

from __future__ import annotations

import pytest

from gateline.contracts.labels import Label, class_of


@pytest.mark.parametrize(
    ("classes", "same", "none"),
    [
        ((0, 1), {"1": 1, "1.0": 1, " 0 ": 0, "0.00": 0, "true": 1, "False": 0, "1e0": 1}, ("2", "yes", "", "nan")),
        ((False, True), {"true": True, "TRUE": True, "1": True, "0.0": False}, ("yes", "2")),
        ((0.0, 1.0), {"1": 1.0, "0": 0.0, "1.0": 1.0}, ("0.5",)),
        (("no", "yes"), {"yes": "yes", "Yes": "yes", " NO": "no"}, ("y", "1", "true")),
        (("1", "2", "10"), {"1.0": "1", "10": "10", "2.": "2"}, ("3", "01x")),
        (("01", "1"), {"01": "01", "1": "1"}, ("1.0",)),
        (("a", "A"), {"a": "a", "A": "A"}, ("b",)),
        ((1, 2, 3), {"3.0": 3}, ("0",)),
    ],
)
def test_a_text_means_the_class_of_its_value(
    classes: tuple[Label, ...], same: dict[str, Label], none: tuple[str, ...]
) -> None:
    for text, label in same.items():
        found = class_of(text, classes)
        assert (found, type(found)) == (label, type(label)), text
    assert [class_of(text, classes) for text in none] == [None] * len(none)
