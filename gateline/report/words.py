"""How outcomes and numbers are said to people, the same on the page, in Markdown and on the terminal."""

from collections.abc import Iterable
from datetime import UTC, datetime

from gateline.contracts.verdict import Outcome, Rule, Verdict

ICONS: dict[str, str] = {"pass": "✓", "fail": "✗", "inconclusive": "?", "error": "!"}
WORDS: dict[str, str] = {"pass": "passed", "fail": "failed", "inconclusive": "inconclusive", "error": "broke off"}
"""Of a verdict's outcome and of a run's end; a run may also end before it could judge."""
MOST_NAMED = 3
"""Most subjects that are named where the same is said of many."""


def number(value: float | str | None) -> str:
    """Return a number with thousands separated and at most six significant digits; words as they are; '–' for nothing."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:.6g}"


def title(stage: str) -> str:
    """Return a stage's name for people: `validate_data` is 'Validate data'."""
    return stage.replace("_", " ").replace("-", " ").capitalize()


def plural(count: int, noun: str) -> str:
    """Return `1 rule`, `2 rules`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def telling(verdict: Verdict) -> tuple[Rule, ...]:
    """Return the rules someone must read: the failed ones, then those that could not judge, required ones first."""
    silent = [rule for rule in verdict.rules if rule.outcome is Outcome.INCONCLUSIVE]
    return verdict.failed + tuple(sorted(silent, key=lambda rule: not rule.required))


def alike(rules: Iterable[Rule]) -> list[tuple[Rule, str]]:
    """Put together what is said in the same words of several subjects: return one of them, and `a, b, c and 2 more`."""
    found: dict[Rule, list[str]] = {}
    for rule in rules:
        found.setdefault(rule.model_copy(update={"subject": ""}), []).extend(filter(None, [rule.subject]))
    return [
        (rule, ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if names[MOST_NAMED:] else ""))
        for rule, names in found.items()
    ]


def headline(verdict: Verdict) -> str:
    """Return the one-line reason for an outcome."""
    judged = sum(rule.outcome is Outcome.PASS for rule in verdict.rules)
    if verdict.outcome is not Outcome.PASS:
        first, *others = telling(verdict) or (None,)
        if first is None:
            return "no rule judged anything"
        lead = "" if first.reason.startswith(first.name) else f"{first.name}: "
        more = sum(rule.outcome is first.outcome for rule in others)
        return f"{lead}{first.reason}" + (f" (and {more} more {WORDS[first.outcome]})" if more else "")
    silent = verdict.not_judged
    return f"{plural(judged, 'rule')} passed" + (f"; not judged: {', '.join(silent)}" if silent else "")


def marks(verdict: Verdict) -> tuple[str, ...]:
    """Return the words that qualify a verdict: 'rehearsal', 'recorded'."""
    return tuple(word for word, holds in (("rehearsal", verdict.rehearsal), ("recorded", verdict.recorded)) if holds)


def moment(time: str) -> str:
    """Return an ISO 8601 time in UTC to the second, as `2013-06-01 10:00:00 UTC`; what is no time stays as it is."""
    try:
        parsed = datetime.fromisoformat(time)
    except ValueError:
        return time
    return f"{parsed.astimezone(UTC) if parsed.tzinfo else parsed:%Y-%m-%d %H:%M:%S} UTC"


def duration(seconds: float | None) -> str:
    """Return `0.4 s`, `42 s`, `3 min 20 s`, `2 h 5 min`; '–' for nothing."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


def commit(name: str) -> str:
    """Return the first seven characters of a commit, and whether files differed from it; '–' for nothing."""
    return name[:7] + (" with changes" if name.endswith("-dirty") else "") if name else "–"
