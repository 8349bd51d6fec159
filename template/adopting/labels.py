"""What is predicted: classes or a number, how many, and which of two is the positive one."""

from collections.abc import Mapping
from typing import NamedTuple

from gateline.rows.text import alike, is_integer, is_number
from gateline.settings.errors import UsageError, did_you_mean
from gateline.settings.shown import shown

RARE = 0.10
"""With fewer positives accuracy says nothing: always answering 'no' would be right nine times out of ten."""
MOST_CLASSES = 30
"""Up to so many different numbers can be classes; more are quantities."""
FEWEST_ROWS = 20
MOST_NAMED = 3
"""How many values a message names."""
SAYS_YES = (
    ("yes", "no"), ("y", "n"), ("1", "0"), ("1.0", "0.0"), ("1", "-1"), ("true", "false"), ("t", "f"), ("on", "off"),
    ("positive", "negative"), ("pos", "neg"), ("ja", "nein"), ("oui", "non"), ("si", "no"), ("sí", "no"),
    ("j", "n"), ("o", "n"), ("s", "n"), ("sì", "no"), ("sim", "não"), ("tak", "nie"), ("да", "нет"), ("evet", "hayır"),
    ("wahr", "falsch"), ("vrai", "faux"), ("verdadero", "falso"), ("vero", "falso"), ("是", "否"),
)  # fmt: skip
NEGATION = ("not", "non", "no", "un", "without")


class Positive(NamedTuple):
    """The positive class of two, and the reason."""

    label: str
    reason: str


def refuse_labels(name: str, counts: Mapping[str, int], task: str, asked: bool) -> None:
    """Raise UsageError if a target cannot be predicted as `task` says; `asked` is true if the user gave that task.

    `counts` says how often each label occurs, missing ones left out.
    """
    rows = sum(counts.values())
    if rows < FEWEST_ROWS:
        raise UsageError(
            f"rows that have a value of '{name}': {rows}; at least {FEWEST_ROWS} are needed to train and test on",
            "add rows, or name another target",
        )
    if len(counts) == 1:
        raise UsageError(f"all {rows:,} rows have one value of '{name}'", "add rows of another class, or name another target")
    others = [label for label in counts if not is_number(label)]
    if task == "regression":
        _refuse_words(name, counts, others)
    elif not others:
        _refuse_numbers(name, counts, asked)
    elif len(counts) > max(MOST_CLASSES, rows // 5):
        raise UsageError(
            f"'{name}' has {len(counts):,} different values in {rows:,} rows: no classes to learn", "name another target"
        )


def _refuse_words(name: str, counts: Mapping[str, int], others: list[str]) -> None:
    if others:
        found = ", ".join(f"'{shown(label)}'" for label in others[:MOST_NAMED]) + ", …" * (len(others) > MOST_NAMED)
        few = sum(counts[label] for label in others) <= sum(counts.values()) / 2 and len(others) <= MOST_NAMED
        marks = f"where {found} stands for a missing value, list it with --missing; " if few else ""
        raise UsageError(
            f"'{name}' has {sum(counts[label] for label in others):,} values that are not numbers ({found}), but the task is "
            "regression",
            f"{marks}give --task=classification, or name another target",
        )


def _refuse_numbers(name: str, counts: Mapping[str, int], asked: bool) -> None:
    rows, distinct = sum(counts.values()), len(counts)
    fraction = next((label for label in counts if not is_integer(label)), "")
    if fraction:
        raise UsageError(
            f"'{name}' holds {distinct:,} different numbers that are not all whole: a number is predicted by regression",
            "give --task=regression, or name another target",
        )
    if distinct > (max(MOST_CLASSES, rows // 10) if asked else MOST_CLASSES):
        low, high = min(counts, key=float), max(counts, key=float)
        raise UsageError(
            f"'{name}' holds {distinct:,} different whole numbers from {low} to {high} in {rows:,} rows: not classes",
            "give --task=regression; or, where they do stand for classes, --task=classification",
        )


def positive_of(counts: Mapping[str, int], asked: str = "") -> Positive:
    """Return the positive class of two: the one asked for, the one whose word says yes, or the rarer one.

    Raises UsageError if what was asked for is not one of the classes.
    """
    if asked:
        same = (label for label in counts if is_number(label) and is_number(asked) and float(label) == float(asked))
        asked = asked if asked in counts else next(same, next((each for each in counts if alike(each) == alike(asked)), asked))
        if asked not in counts:
            classes = ", ".join(map(shown, sorted(counts)))
            raise UsageError(f"--positive is '{asked}'{did_you_mean(asked, counts)}", f"choose one of: {classes}")
        return Positive(asked, "as --positive says")
    said = _by_word(sorted(counts))
    if said:
        return Positive(said, "by its word")
    rarer, other = sorted(sorted(counts, reverse=True), key=lambda label: counts[label])
    reason = "the rarer of the two" if counts[rarer] < counts[other] else "as frequent as the other, and after it in order"
    return Positive(rarer, reason)


def _by_word(labels: list[str]) -> str:
    """Return the label that means yes if the other means no, or '' if the words do not decide."""
    plain = {label.strip().lower(): label for label in labels}
    for yes, no in SAYS_YES:
        if plain.keys() == {yes, no}:
            return plain[yes]
    for word, label in plain.items():
        for other in plain.keys() - {word}:
            if any(other in (f"{mark}{word}", f"{mark} {word}", f"{mark}-{word}", f"{mark}_{word}") for mark in NEGATION):
                return label
    return ""


def kind_of(counts: Mapping[str, int], task: str, positive: str = "") -> str:
    """Return what is predicted: `binary`, `rare` (of two classes, few are positive), `many`, or a `number`."""
    if task == "regression":
        return "number"
    if len(counts) != 2:
        return "many"
    return "rare" if counts[positive] / sum(counts.values()) < RARE else "binary"
