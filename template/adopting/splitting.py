"""Split rows into train and test, and check the result before anything is trained. Pure."""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateline.settings import DataGate, ModelGate
from gateline.settings.errors import UsageError
from gateline.settings.shown import shown
from template.adopting.limits import FEWEST
from template.adopting.moments import LEAST, MOST, TEST_SHARE, Moments, cut

FEW = 0.01
"""A class that cannot be learned is left out up to this share of the rows; if it has more, a person has to decide."""
BY_NATURE = 10
"""Rows repeat naturally if their columns can differ in fewer ways than this many times the number of rows."""
CHANCE = 1e-4
"""If the chance of so many latest rows without a positive is below this, the user is asked whether labels are final."""
TRAIN, TEST, NEITHER = "train", "test", ""


@dataclass(frozen=True)
class Split:
    """Where each row goes (`train`, `test`, or '' for neither), how that was decided, and what to know about it."""

    parts: tuple[str, ...]
    how: str
    notes: tuple[str, ...] = ()

    def rows(self, part: str) -> list[int]:
        """The places of the rows of a part."""
        return [place for place, found in enumerate(self.parts) if found == part]


@dataclass(frozen=True)
class Labelled:
    """The rows that have a label: their places among all rows, their labels, and a digest of each."""

    target: str
    places: Sequence[int]
    labels: Sequence[str]
    digests: Sequence[bytes]
    """Empty if rows are split by time."""
    numbers: Sequence[int]
    """The number that each of all rows has in the file."""
    classes: bool = True
    """Whether labels are classes; numbers otherwise."""
    positive: str = ""
    ways: float = field(default=float("inf"))
    """In how many ways a row can differ from others: the product of the number of values of each column."""

    def __len__(self) -> int:
        return len(self.labels)


def test_share(rows: int) -> float:
    """Return the share of the rows to test on: a quarter, and up to two fifths if a gate requires more test rows.

    With a few dozen test rows, one wrong answer would decide the verdict on a model.
    """
    return min(MOST, max(TEST_SHARE, fewest_test_rows() / max(rows, 1)))


def fewest_test_rows() -> int:
    """Return how many test rows the gates require."""
    return max(ModelGate().min_rows, DataGate().min_rows)


def by_time(rows: Labelled, time: Moments) -> Split:
    """Use the latest rows as test rows. Raises UsageError if that leaves nothing to learn or to judge."""
    moments = [moment for place in rows.places if (moment := time.values[place]) is not None]
    share = test_share(len(moments))
    last = cut(moments, share, fewest_test_rows() if TEST_SHARE < share < MOST else 0)
    if last is None:
        raise UsageError(
            f"no date in '{time.name}' leaves between {LEAST:.0%} and {MOST:.0%} of the rows after it",
            "give another column (--time=COLUMN), or --time=none to split without one",
        )
    parts = {}
    for place in rows.places:
        moment = time.values[place]
        if moment is not None:
            parts[place] = TEST if moment > last else TRAIN
    _refuse_one_sided(rows, parts, f"{last:%Y-%m-%d}", time.name)
    without = len(rows) - len(moments)
    undated = [f"{without:,} rows have no date in '{time.name}': they are left out"] if without else []
    notes = [*undated, *_unfinished(rows, time), *_leave_out(rows, parts, timed=True), *few_rows(parts)]
    return _split(len(time.values), parts, f"the latest by {time.name}", notes)


def stratified(rows: Labelled, total: int) -> Split:
    """Each class gives the same share of its rows to the test, chosen by a digest of each row.

    Rows that occur more than once go to the same part, so that none leaks; if rows repeat naturally, as in a table of counts
    that is written out, each is a case of its own.
    """
    counts = Counter(rows.digests)
    natural = len(counts) <= len(rows) / 2 and rows.ways <= BY_NATURE * len(rows)
    keys = _apart(rows.digests) if natural else list(rows.digests)
    share = test_share(len(rows))
    parts = dict.fromkeys(rows.places, TRAIN)
    strata: dict[str, dict[bytes, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, label, key in zip(rows.places, rows.labels, keys, strict=True):
        strata[label if rows.classes else ""][key].append(place)
    for groups in strata.values():
        for place in _picked(groups, share):
            parts[place] = TEST
    notes = _repeated(len(rows), counts, natural) + _leave_out(rows, parts, timed=False)
    _refuse_one_class(rows, parts)
    how = "each class by the same share" if rows.classes else "by a digest of each row"
    return _split(total, parts, how, [*notes, *few_rows(parts)])


def few_rows(parts: Mapping[int, str]) -> list[str]:
    """Say if a part has fewer rows than the gates require, and what follows from that."""
    counts = Counter(parts.values())
    lacking = [
        f"gates.{gate}.min_rows asks for {least} to {use}, and there are {counts[part]}"
        for gate, part, least, use in (
            ("data", TRAIN, DataGate().min_rows, "train on"),
            ("data", TEST, DataGate().min_rows, "test on"),
            ("model", TEST, ModelGate().min_rows, "judge a model on"),
        )
        if counts[part] < least
    ]
    if not lacking:
        return []
    needed = max(math.ceil(fewest_test_rows() / MOST), DataGate().min_rows * 2)
    follows = (
        "It is lowered in pipeline.toml to fit, so what these rows show is uncertain"
        if counts[TEST] >= FEWEST
        else f"The pipeline stops there, since fewer than {FEWEST} test rows show nothing"
    )
    return [
        f"{counts[TRAIN] + counts[TEST]} rows are few: {'; '.join(lacking)}. {follows}: add rows "
        f"({needed} in all are enough)"
    ]


def _split(total: int, parts: Mapping[int, str], how: str, notes: Sequence[str]) -> Split:
    return Split(tuple(parts.get(place, NEITHER) for place in range(total)), how, tuple(notes))


def _apart(digests: Sequence[bytes]) -> list[bytes]:
    """Return a key of its own for each row, the same for the same file."""
    seen: Counter[bytes] = Counter()
    keys = []
    for digest in digests:
        seen[digest] += 1
        keys.append(hashlib.sha256(digest + str(seen[digest]).encode()).digest())
    return keys


def _picked(groups: Mapping[bytes, Sequence[int]], share: float) -> list[int]:
    """Return the rows of a stratum that are the test: whole groups, in the order of their keys, up to the share."""
    total = sum(map(len, groups.values()))
    wanted = max(1, math.ceil(share * total)) if len(groups) > 1 else 0
    picked: list[int] = []
    for key in sorted(groups):
        over = len(picked) + len(groups[key]) - wanted
        if len(picked) < wanted and over <= max(0.25 * wanted, 0):
            picked += groups[key]
    return picked


def _repeated(rows: int, counts: Counter[bytes], natural: bool) -> list[str]:
    again = sum(count for count in counts.values() if count > 1)
    if natural:
        return [f"rows repeat: {len(counts):,} of {rows:,} are different, as in a table of counts; each counts for itself"]
    if again > FEW * rows:
        return [f"{again:,} of {rows:,} rows stand more than once: equal rows are in one part, so that none leaks"]
    return []


def _refuse_one_sided(rows: Labelled, parts: Mapping[int, str], since: str, time: str) -> None:
    """Two classes must be on both sides of the time that splits the rows."""
    if not rows.classes:
        return
    train, test = _counts(rows, parts)
    for part, held, where in ((test, train, f"the latest {sum(test.values()):,} rows (after {since} by '{time}')"),
                              (train, test, f"the {sum(train.values()):,} rows up to {since} by '{time}'")):  # fmt: skip
        if len(part) == 1 and len(held) > 1:
            lacking = sorted(set(held) - set(part))
            known = f"no row is '{shown(lacking[0])}'" if len(lacking) == 1 else f"none is {_listed(lacking)}"
            final = "; are their labels final?" if part is test else ""
            raise UsageError(
                f"{where} hold one class alone: all are '{shown(next(iter(part)))}', {known}{final}",
                f"leave out the rows whose labels are not final yet (those after {since}), or split without time: --time=none"
                if part is test
                else "split without time (--time=none), or by another column (--time=COLUMN)",
            )


def _refuse_one_class(rows: Labelled, parts: Mapping[int, str]) -> None:
    if not rows.classes:
        return
    for part, found in zip((TRAIN, TEST), _counts(rows, parts), strict=True):
        if len(found) < 2:
            every = Counter(rows.labels)
            few = min(every, key=lambda label: every[label])
            raise UsageError(
                f"'{shown(few)}' stands in {every[few]} of {len(rows):,} rows, too few for both parts: {part} holds one class",
                "add rows of that class, or name another target",
            )


def _leave_out(rows: Labelled, parts: dict[int, str], *, timed: bool) -> list[str]:
    """Remove rows of classes that cannot be learned from both parts, if they are few; say which, and which rows these are.

    Raises UsageError if they are more than a few.
    """
    if not rows.classes:
        return []
    train, test = _counts(rows, parts)
    notes = []
    for label, count in sorted((train + test).items()):
        if train[label] >= 2:
            if not test[label]:
                untested = "how well it is predicted is not tested"
                notes.append(f"'{shown(label)}' is in the training rows alone ({count:,} rows): {untested}")
            continue
        named = zip(rows.places, rows.labels, strict=True)
        places = [place for place, found in named if found == label and place in parts]
        alone = "one row cannot be both learned and tested"
        why = alone if count == 1 else "it is in the test rows alone, so nothing learns it"
        where = _rows([rows.numbers[place] for place in places])
        said = f"'{shown(label)}' stands in {count:,} of {len(rows):,} rows ({where}): {why}"
        if count > max(1, FEW * len(rows)) or len(train + test) <= 2:
            otherwise = ", or split without time: --time=none" if timed and count > 1 else ""
            two = len(train + test) <= 2
            advice = "or name another target" if two else f"leave these out, or give them another label{otherwise}"
            raise UsageError(said, f"add rows of it, {advice}")
        for place in places:
            del parts[place]
        notes.append(f"{said}; left out")
    return notes


def _unfinished(rows: Labelled, time: Moments) -> list[str]:
    """Say if the latest rows have no positive and chance does not explain that: their labels may not be final."""
    dated = sorted(
        ((moment, label) for place, label in zip(rows.places, rows.labels, strict=True) if (moment := time.values[place])),
        key=lambda each: each[0],
    )
    hits = [moment for moment, label in dated if label == rows.positive]
    if not rows.positive or not hits:
        return []
    after = sum(moment > hits[-1] for moment, _ in dated)
    share = len(hits) / max(len(dated) - after, 1)
    if after and share < 1 and after * math.log1p(-share) < math.log(CHANCE):
        return [
            f"no row is '{shown(rows.positive)}' among the latest {after:,}, after {hits[-1]:%Y-%m-%d} by '{time.name}': are "
            "their labels final? Leave them out where they are not, or set data.label_delay_hours"
        ]
    return []


def _counts(rows: Labelled, parts: Mapping[int, str]) -> tuple[Counter[str], Counter[str]]:
    found = {TRAIN: Counter[str](), TEST: Counter[str]()}
    for place, label in zip(rows.places, rows.labels, strict=True):
        if place in parts:
            found[parts[place]][label] += 1
    return found[TRAIN], found[TEST]


def _rows(numbers: Sequence[int]) -> str:
    first = ", ".join(map(str, numbers[:5]))
    return f"row{'s' if len(numbers) > 1 else ''} {first}{', …' if len(numbers) > 5 else ''}"


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(f"'{shown(label)}'" for label in labels[:5]) + (", …" if len(labels) > 5 else "")
