"""Which column says when a row happened, so that the latest rows are the test: by name, range and order, with its reason."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from template.adopting.names import words_of

TEST_SHARE = 0.25
LEAST, MOST = 0.10, 0.40
"""Shares of the rows between which the test rows must be; a quarter is aimed at."""
FEW_GAPS = 0.01
"""Share of the rows that may have no moment in the column that is the time: they are left out of both parts, and counted."""
IN_ORDER = 0.95
"""Share of the neighbouring rows whose moments ascend (or all descend) in a file that was written as things happened."""
LIFETIMES = 40
"""Years that dates in no order span when they are dates of birth, and rarely otherwise."""
BIRTH = {"birth", "born", "birthday", "birthdate", "dob", "geburtsdatum", "geboren", "naissance", "nacimiento", "nascita"}
PLANNED = {"due", "expiry", "expires", "expiration", "expire", "valid", "until", "deadline", "planned", "scheduled", "eta"}
AFTERWARDS = {"closed", "end", "ended", "updated", "modified", "returned", "delivered", "paid", "payment", "last", "resolved"}
WHEN = {"seen", "date", "time", "timestamp", "created", "ordered", "order", "joined", "opened", "started", "start", "event"}
WHEN |= {"day", "month", "week", "at", "when", "signup", "registered", "recorded", "observed", "period", "ts", "datetime"}


GAPS, PARTS = "have no date in it", "parts"
"""What the reasons say that a column has gaps, or leaves no two parts."""


@dataclass(frozen=True)
class Moments:
    """A column of moments, row by row; None where a row has none."""

    name: str
    values: Sequence[datetime | None]

    @property
    def gaps(self) -> int:
        """How many rows have no moment."""
        return sum(value is None for value in self.values)

    @property
    def given(self) -> list[datetime]:
        """The moments that there are, in the order of the rows."""
        return [value for value in self.values if value is not None]


@dataclass(frozen=True)
class Choice:
    """The column that says when, '' for none, and why; `passed` says of each other column why it is not the time."""

    time: str
    reason: str
    passed: tuple[tuple[str, str], ...] = ()


def choose(columns: Sequence[Moments], now: datetime | None = None) -> Choice:
    """Return the column that says when a row happened: the likeliest of those that can part the rows, or none."""
    today = now or datetime.now(UTC)
    refused = {column.name: reason for column in columns if (reason := why_not(column, today))}
    left = [column for column in columns if column.name not in refused]
    if not left:
        return Choice("", "", tuple(refused.items()))
    best = max(left, key=lambda column: _likelihood(column, today))
    others = [(column.name, f"'{best.name}' is likelier") for column in left if column is not best]
    return Choice(best.name, _reason(best, len(columns)), (*refused.items(), *others))


def why_not(column: Moments, now: datetime) -> str:
    """Return why a column is not the time of a row; '' where it may be."""
    words, given = set(words_of(column.name)), column.given
    if column.gaps > FEW_GAPS * len(column.values):
        return f"{column.gaps:,} of {len(column.values):,} rows {GAPS}"
    if words & BIRTH:
        return "a date of birth is not when a row happened"
    if words & PLANNED:
        return "a planned date is not when a row happened"
    if (reason := parts_badly(given)) != "":
        return reason
    years = (max(given) - min(given)) / timedelta(days=365.25)
    if years > LIFETIMES and not in_order(given):
        return f"it spans {years:.0f} years in no order, as dates of birth do"
    if min(given) > now + timedelta(days=1):
        return f"it begins on {min(given):%Y-%m-%d}, after today"
    return ""


def parts_badly(given: Sequence[datetime]) -> str:
    """Return why moments do not part rows into earlier and later ones; '' where they do."""
    counts = Counter(given)
    if len(counts) == 1:
        return f"it is {_day(next(iter(counts)))} in every row, which {PARTS} nothing"
    if cut(given) is None:
        most, rows = counts.most_common(1)[0]
        return (
            f"it {PARTS} the rows badly: {rows:,} of {len(given):,} have {_day(most)}, "
            f"and no date leaves between {LEAST:.0%} and {MOST:.0%} of the rows after it"
        )
    return ""


def cut(given: Sequence[datetime], share: float = TEST_SHARE, fewest: int = 0) -> datetime | None:
    """Return the moment after which about a share of the rows come; None where no moment leaves between 10 and 40 %.

    At least `fewest` rows come after it, where a moment leaves so many. All rows of one moment are on one side: those of the
    returned one are training rows.
    """
    later, candidates = len(given), []
    for moment, rows in sorted(Counter(given).items()):
        later -= rows
        if LEAST <= later / len(given) <= MOST:
            candidates.append((later < fewest, abs(later / len(given) - share), moment))
    return min(candidates)[2] if candidates else None


def in_order(given: Sequence[datetime]) -> bool:
    """Say whether a file was written as things happened, or backwards."""
    steps = len(given) - 1
    up, down = sum(a <= b for a, b in pairwise(given)), sum(a >= b for a, b in pairwise(given))
    return max(up, down) >= IN_ORDER * steps


def never_before(other: Moments, time: Moments) -> bool:
    """Say whether a moment is later than the row's time in some rows, and before it in none: it was not known yet then."""
    pairs = [(a, b) for a, b in zip(other.values, time.values, strict=True) if a is not None and b is not None]
    return any(a > b for a, b in pairs) and not any(a < b for a, b in pairs)


def _likelihood(column: Moments, now: datetime) -> float:
    words, given = set(words_of(column.name)), column.given
    found = 2.0 * in_order(given) + bool(words & WHEN) - 2.0 * bool(words & AFTERWARDS)
    return found - 2.0 * (max(given) > now + timedelta(days=1))


def _reason(column: Moments, columns: int) -> str:
    if columns == 1:
        return "the only column of dates"
    if in_order(column.given):
        return "the rows are in its order"
    if set(words_of(column.name)) & WHEN:
        return "its name says when"
    return "the first column that says when"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}" if (moment.hour, moment.minute, moment.second) == (0, 0, 0) else f"{moment:%Y-%m-%d %H:%M:%S}"
