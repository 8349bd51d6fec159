"""The window that drift is judged on: what replicas counted since the last judgement."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from gateline.contracts.reference import ColumnCounts, LiveCounts
from gateline.contracts.verdict import Verdict
from infra.host.notes import Notes

NOTE = "drift-window"
LABELS = "drift-labels"
VERDICT = "drift-verdict"
Counts = tuple[int, ...]
TOKEN = 8
"""Characters that a prediction is known by: two of 10 million share them once in 6."""


@dataclass(frozen=True)
class Judged:
    """Predictions whose label has been judged; none twice, however late a label comes."""

    until: str = ""
    """When the last of them was made; empty where there is none."""
    tokens: frozenset[str] = frozenset()


class Window:
    """Remembers, per replica of one release, what was counted when the last window was closed."""

    def __init__(self, notes: Notes, release: str) -> None:
        """Keep the memory with the environment, where every machine that judges it reads it; another release begins again."""
        self._notes, self._release = notes, release

    def since_last(self, seen: Mapping[str, LiveCounts]) -> LiveCounts:
        """Return the sum over replicas of what was counted since the last window; all of it for a replica started since."""
        closed = self._read()
        parts = [
            _less(now, closed[name]) if _same_process(closed.get(name), now) else now for name, now in seen.items()
        ]
        begins = [
            closed[name].until if _same_process(closed.get(name), now) else now.since for name, now in seen.items()
        ]
        total = _sum(parts)
        return total.model_copy(update={"since": min(begins, default=""), "release": self._release})

    def close(self, seen: Mapping[str, LiveCounts]) -> None:
        """Let the next window begin here."""
        counts = {name: counted.model_dump(mode="json") for name, counted in seen.items()}
        self._notes.write(NOTE, json.dumps({"release": self._release, "replicas": counts}))

    def tell(self, verdict: Verdict) -> None:
        """Keep the outcome and figures of the last verdict with the environment, for those who watch it."""
        self._notes.write(VERDICT, verdict.model_copy(update={"rules": (), "plots": (), "notes": ()}).model_dump_json())

    def last_verdict(self) -> Verdict | None:
        """Return what `tell` kept of the last verdict on this release, or None; a damaged note is none."""
        text = self._notes.read(VERDICT)
        try:
            verdict = None if text is None else Verdict.model_validate_json(text)
        except ValidationError:
            return None
        return verdict if verdict is not None and verdict.judged.get("release") == self._release else None

    def labelled(self) -> Judged:
        """Return the predictions whose label has been judged."""
        text = self._notes.read(LABELS)
        body = json.loads(text) if text is not None else {}
        if body.get("release") != self._release:
            return Judged()
        joined = str(body.get("tokens", ""))
        return Judged(str(body["until"]), frozenset(joined[at : at + TOKEN] for at in range(0, len(joined), TOKEN)))

    def close_labels(self, judged: Judged) -> None:
        """Let the next window of labels begin without these predictions."""
        body = {"release": self._release, "until": judged.until, "tokens": "".join(sorted(judged.tokens))}
        self._notes.write(LABELS, json.dumps(body))

    def _read(self) -> dict[str, LiveCounts]:
        text = self._notes.read(NOTE)
        if text is None:
            return {}
        body = json.loads(text)
        if body["release"] != self._release:
            return {}
        return {name: LiveCounts.model_validate_json(json.dumps(counts)) for name, counts in body["replicas"].items()}


def _same_process(before: LiveCounts | None, now: LiveCounts) -> bool:
    """A restarted replica counts from zero again."""
    return before is not None and before.since == now.since and before.rows <= now.rows


def _sum(parts: Iterable[LiveCounts]) -> LiveCounts:
    total = LiveCounts(rows=0)
    for part in parts:
        total = _combine(total, part, 1).model_copy(
            update={"artifact": part.artifact, "until": max(total.until, part.until)}
        )
    return total


def _less(now: LiveCounts, before: LiveCounts) -> LiveCounts:
    return _combine(now, before, -1)


def _combine(one: LiveCounts, other: LiveCounts, sign: int) -> LiveCounts:
    columns = {name: _columns(one.columns.get(name), counted, sign) for name, counted in other.columns.items()}
    names = {*one.labels, *other.labels}
    return one.model_copy(
        update={
            "rows": one.rows + sign * other.rows,
            "columns": columns,
            "scores": _counts(one.scores, other.scores, sign),
            "labels": {name: one.labels.get(name, 0) + sign * other.labels.get(name, 0) for name in sorted(names)},
        }
    )


def _columns(one: ColumnCounts | None, other: ColumnCounts, sign: int) -> ColumnCounts:
    counts, missing = (one.counts, one.missing) if one else ((), 0)
    return ColumnCounts(counts=_counts(counts, other.counts, sign), missing=missing + sign * other.missing)


def _counts(one: Counts, other: Counts, sign: int) -> Counts:
    return tuple(a + sign * b for a, b in zip(one or (0,) * len(other), other, strict=True))
