"""What is proposed for a file of rows, before anything is made: its two parts, its schema, its settings, and what to know."""

import hashlib
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateline.contracts.schema import Column, Schema, parse
from gateline.rows.infer import SAYS_WHEN, Note, marks_from
from gateline.rows.importing import Taken, take
from gateline.rows.text import MARKS, TRUE, is_integer
from gateline.settings.errors import UsageError, did_you_mean
from gateline.settings.shown import shown
from infra.commands.answers import NO_TIME, READ, Answers
from template.adopting import keys, labels
from template.adopting.limits import model_settings
from template.adopting.moments import GAPS, PARTS, Choice, Moments, choose, never_before
from template.adopting.splitting import TEST, TRAIN, Labelled, Split, by_time, stratified

MOST_WAYS = 1e18
KEY = "is taken for the row's key ({}): no feature, no range, no request has it"
LATER = (
    "is never before '{}', so it is taken to be known too late, and is not a feature; "
    'if it is known in advance, as a planned date is, remove "feature": false'
)
REPEATS = (
    "is named like a key and repeats: if the rows of one must not be in both parts, name it under data.group; "
    'if a model should learn nothing of it, declare "feature": false'
)


@dataclass(frozen=True)
class Proposal:
    """Everything that a project consists of, except the template's files and a first model."""

    train: Taken
    test: Taken
    schema: Schema
    kind: str
    """What is predicted: `binary`, `rare`, `many` or `number`."""
    settings: dict[str, Any]
    """By dotted key; None removes what was the example's."""
    said: tuple[str, ...]
    """What to tell, a line each."""

    @property
    def names(self) -> tuple[str, str]:
        """The names of the two files under `data/`."""
        return Path(self.settings["data.train"]).name, Path(self.settings["data.test"]).name


@dataclass(frozen=True)
class Target:
    """The column to predict, and the rows that have a value of it."""

    column: Column
    texts: tuple[str, ...]
    """Its values in one form, row by row; '' where there is none."""

    @property
    def places(self) -> list[int]:
        """The places of the rows that have a value."""
        return [place for place, text in enumerate(self.texts) if text]

    @property
    def counts(self) -> Counter[str]:
        """How often each value occurs."""
        return Counter(text for text in self.texts if text)


def propose(source: Path, answers: Answers) -> Proposal:
    """Read, convert and part the rows of a file, and look at what that makes.

    Raises UsageError where no project can be made of it, with the cause and what to do.
    """
    taken = take(source, marks_from(answers.missing) if answers.missing is not None else MARKS, answers.encoding)
    if answers.task == "classification":
        taken = taken.spelled_alike(answers.target)
    drafted, first_notes = taken.schema(answers.target)
    target = _target(taken, drafted.column(answers.target))
    labels.refuse_labels(answers.target, target.counts, answers.task, answers.task_given)
    positive = _positive(target, answers)
    dated = [each.name for each in drafted.columns if each.dtype == "datetime" and each.name != answers.target]
    moments = {name: Moments(name, taken.times(name)) for name in dated}
    choice = _choice(moments, target, answers)
    split = _split(taken, target, choice, moments, answers, positive)
    train, test = (taken.select(_ordered(split, part, choice, moments)) for part in (TRAIN, TEST))
    later = [name for name in dated if choice.time and never_before(moments[name], moments[choice.time])]
    kept = taken.select(sorted(split.rows(TRAIN) + split.rows(TEST)))
    schema, notes = schema_of(kept, answers.target, choice.time, later)
    kind = labels.kind_of(target.counts, answers.task, positive.label)
    said = (
        *(f"{READ}{conversion}" for conversion in taken.conversions),
        *_unlabelled(target, taken.rows, [note for note in first_notes if note.column == answers.target]),
        *_parts(split, choice),
        *([f"the positive class is '{shown(positive.label)}': {positive.reason}"] if positive.label else []),
        *(f"note: {note}" for note in (*split.notes, *_passed(choice), *notes)),
    )
    suffix = "csv" if train.kind == "csv" else "parquet"
    settings = {
        "project.task": answers.task,
        "data.train": f"data/train.{suffix}",
        "data.test": f"data/test.{suffix}",
        "data.schema": "data/schema.json",
        "data.target": target.column.name,
        "data.time": choice.time or None,
        "metrics.positive": _typed(positive.label, target.column.dtype) if positive.label else None,
    } | model_settings(kind, answers.task)
    return Proposal(train, test, schema, kind, settings, said)


def schema_of(rows: Taken, target: str, time: str, later: list[str]) -> tuple[Schema, list[str]]:
    """Return the schema of rows, and notes: keys have no range and are not features, and neither is what is known too late."""
    inferred, found = rows.schema(target, time)
    told: dict[str, str] = dict.fromkeys(later, LATER.format(time))
    columns = []
    for column, body in zip(inferred.columns, inferred.dump()["columns"], strict=True):
        values = rows.texts(column.name) if column.name not in (target, time) else []
        reason = keys.key_reason(column, values)
        if reason:
            body, told[column.name] = keys.without_range(body) | {"key": True}, KEY.format(reason)
        elif keys.names_others(column, values):
            body, told[column.name] = keys.without_range(body), REPEATS
        elif column.name in later:
            body = body | {"feature": False}
        columns.append(body)
    notes = [str(note) for note in found if note.column not in told and note.text != SAYS_WHEN]
    notes += [f"'{shown(name)}': {text}" for name, text in told.items()]
    return parse(inferred.dump() | {"columns": columns, "time": time}, rows.source), notes


def _target(taken: Taken, column: Column) -> Target:
    """Write each label in one form: an integer written as `1.0` is 1, a boolean is true or false."""
    marks = set(column.missing)
    texts = ["" if text in marks else text for text in taken.texts(column.name)]
    return Target(column, tuple(_plain(text, column.dtype) for text in texts))


def _plain(text: str, dtype: str) -> str:
    if not text:
        return ""
    if dtype in ("integer", "number") and is_integer(text):
        return str(int(text.partition(".")[0]))
    if dtype == "boolean":
        return "true" if text in TRUE else "false"
    return text


def _positive(target: Target, answers: Answers) -> labels.Positive:
    if answers.task == "regression" or len(target.counts) != 2:
        if answers.positive:
            what = "a number" if answers.task == "regression" else f"one of {len(target.counts)} classes"
            raise UsageError(f"--positive is '{answers.positive}', but {what} is predicted", "leave --positive out")
        return labels.Positive("", "")
    return labels.positive_of(target.counts, _plain(answers.positive, target.column.dtype))


def _choice(moments: Mapping[str, Moments], target: Target, answers: Answers) -> Choice:
    """The time that was asked for, or the most likely one of the rows that have a label."""
    if answers.time == NO_TIME:
        return Choice("", "")
    if answers.time:
        if answers.time not in moments:
            raise UsageError(
                f"--time is '{answers.time}', which is not a date column{did_you_mean(answers.time, moments)}",
                f"one of: {', '.join([*moments, NO_TIME])}" if moments else "leave --time out: no column holds dates",
            )
        return Choice(answers.time, "as --time says")
    return choose([Moments(each.name, [each.values[place] for place in target.places]) for each in moments.values()])


def _split(
    taken: Taken, target: Target, choice: Choice, moments: Mapping[str, Moments], answers: Answers, positive: labels.Positive
) -> Split:
    classes = answers.task != "regression"
    texts = [target.texts[place] for place in target.places]
    numbers = taken.part.numbers
    if choice.time:
        rows = Labelled(target.column.name, target.places, texts, (), numbers, classes, positive.label)
        return by_time(rows, moments[choice.time])
    digests, ways = _digests(taken, target.places)
    rows = Labelled(target.column.name, target.places, texts, digests, numbers, classes, positive.label, ways)
    return stratified(rows, taken.rows)


def _digests(taken: Taken, places: list[int]) -> tuple[list[bytes], float]:
    """Return a digest of each row, and in how many ways a row can differ from others."""
    columns = [taken.texts(name) for name in taken.columns]
    ways = math.prod(min(float(len(set(texts))), MOST_WAYS) for texts in columns)
    joined = ("\x1f".join(texts[place] for texts in columns) for place in places)
    return [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in joined], ways


def _ordered(split: Split, part: str, choice: Choice, moments: Mapping[str, Moments]) -> list[int]:
    """The rows of a part, in the order they happened if that is known."""
    places = split.rows(part)
    if not choice.time:
        return places
    values = moments[choice.time].values
    return sorted(places, key=lambda place: (values[place] is not None, values[place]))


def _unlabelled(target: Target, rows: int, notes: list[Note]) -> list[str]:
    """Count the rows without a label, and say which texts are not labels, if there are any."""
    missing = rows - len(target.places)
    if not missing:
        return []
    strays = [f"note: {note}" for note in notes] if target.column.missing else []
    return [*strays, f"{missing:,} rows have no {shown(target.column.name)}: they are left out"]


def _parts(split: Split, choice: Choice) -> list[str]:
    reason = f" ({choice.reason})" if choice.time else ""
    train, test = len(split.rows(TRAIN)), len(split.rows(TEST))
    return [f"{train:,} rows to train on, {test:,} to test on: {split.how}{reason}"]


def _passed(choice: Choice) -> list[str]:
    """For each date column that could be the time, say why it is not used and how to use it, if that is possible."""
    told = []
    for name, reason in choice.passed:
        how = "" if PARTS in reason else f" (--time={shown(name)} takes it all the same)"
        if reason.endswith(GAPS):
            how = f" (--time={shown(name)} splits by it and leaves these rows out)"
        if not choice.time or not reason.endswith(GAPS):
            told.append(f"'{shown(name)}' is not taken for the time: {reason}{how}")
    return told


def _typed(label: str, dtype: str) -> str | int | bool:
    """Return a label as TOML writes it; classes that are numbers are integers."""
    if dtype == "boolean":
        return label == "true"
    return int(float(label)) if dtype in ("integer", "number") else label
