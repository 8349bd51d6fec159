"""What a gate says: rules, their outcomes, and the one outcome they add up to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateline.contracts.digest import of_bytes, of_value
from gateline.settings import DEFAULT_PATH
from gateline.settings.errors import ExitCode
from gateline.settings.secrets import redacted
from gateline.settings.shown import one_line


class Outcome(StrEnum):
    """The three things a rule or a gate can say."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


ASKED = "asked"
"""Stands in `judged` where the command line put other limits, data, settings or another champion in place of the
project's own."""
EXIT_CODES = {Outcome.PASS: ExitCode.PASS, Outcome.FAIL: ExitCode.FAIL, Outcome.INCONCLUSIVE: ExitCode.INCONCLUSIVE}


def asked_by(config: str | Path) -> dict[str, str]:
    """Return what stands in `judged` for the settings file of a command line: nothing where it is the project's own."""
    return {} if Path(config).resolve() == DEFAULT_PATH.resolve() else {ASKED: of_value(["config", str(config)])}


Line = Annotated[str, AfterValidator(one_line)]
"""Text that may hold what came from data: it stays on one line, and steers no terminal."""


class Rule(BaseModel):
    """One named check. `observed` and `limit` carry the two numbers it compared, in `unit`; `sample` says on how many rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Line
    outcome: Outcome
    reason: Line
    required: bool = False
    subject: Line = ""
    observed: float | str | None = None
    limit: float | str | None = None
    unit: Line = ""
    sample: int | None = None
    next_step: Line = ""


class Verdict(BaseModel):
    """What one gate says of one subject. `judged` holds the digests of what it looked at, by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    stage: str
    outcome: Outcome
    rules: tuple[Rule, ...]
    judged: dict[str, str] = Field(default_factory=dict)
    metrics: dict[str, float] = Field(default_factory=dict)
    plots: tuple[Plot, ...] = ()
    notes: tuple[Line, ...] = ()
    created: str = ""
    found: str = ""
    """When it was last found again in place of judging again; empty for never. What was said last is what counts."""
    recorded: bool = False
    """Whether this verdict was reached earlier, on the same digests, and is reused."""
    rehearsal: bool = False

    @classmethod
    def of(
        cls,
        stage: str,
        rules: Iterable[Rule],
        *,
        judged: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        plots: Iterable[Plot] = (),
        notes: Iterable[str] = (),
    ) -> Self:
        """Add the rules up: one failure fails; a required rule that cannot know, or no rule that judged, is inconclusive."""
        listed = tuple(rule.model_copy(update={"reason": redacted(rule.reason)}) for rule in rules)
        return cls(
            stage=stage,
            outcome=add_up(listed),
            rules=listed,
            judged=dict(judged or {}),
            metrics=dict(metrics or {}),
            plots=tuple(plots),
            notes=tuple(map(redacted, notes)),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    @property
    def digest(self) -> str:
        """The SHA-256 of all it says, whether or not it was found again since."""
        return of_bytes(self.model_copy(update={"recorded": False, "found": ""}).model_dump_json().encode())

    @property
    def exit_code(self) -> int:
        """The exit code a command ends with for this outcome."""
        return int(EXIT_CODES[self.outcome])

    @property
    def not_judged(self) -> tuple[str, ...]:
        """Names of the rules that could not know, as `name` or `name(subject)`."""
        silent = (rule for rule in self.rules if rule.outcome is Outcome.INCONCLUSIVE)
        return tuple(f"{rule.name}({rule.subject})" if rule.subject else rule.name for rule in silent)

    @property
    def failed(self) -> tuple[Rule, ...]:
        """The rules that failed."""
        return tuple(rule for rule in self.rules if rule.outcome is Outcome.FAIL)


def add_up(rules: Iterable[Rule]) -> Outcome:
    """Return the one outcome of a set of rules."""
    found = {(rule.outcome, rule.required) for rule in rules}
    outcomes = {outcome for outcome, _ in found}
    if Outcome.FAIL in outcomes:
        return Outcome.FAIL
    knows = Outcome.PASS in outcomes and (Outcome.INCONCLUSIVE, True) not in found
    return Outcome.PASS if knows else Outcome.INCONCLUSIVE


def at_least(name: str, observed: float, limit: float, **more: object) -> Rule:
    """Judge `observed >= limit`."""
    return _compare(name, observed, limit, observed >= limit, "at least", "below", **more)


def at_most(name: str, observed: float, limit: float, **more: object) -> Rule:
    """Judge `observed <= limit`."""
    return _compare(name, observed, limit, observed <= limit, "at most", "above", **more)


def ruled(name: str, outcome: Outcome, reason: str, **more: object) -> Rule:
    """Return what a rule says; `more` are fields of `Rule`."""
    return Rule.model_validate({"name": name, "outcome": outcome, "reason": reason, **more})


def unknown(name: str, reason: str, **more: object) -> Rule:
    """Say that a rule could not judge, and why."""
    return ruled(name, Outcome.INCONCLUSIVE, reason, **more)


def _compare(name: str, observed: float, limit: float, good: bool, allowed: str, beyond: str, **more: object) -> Rule:
    """A NaN compares false with everything, so it can only fail."""
    about = f"{more.get('subject') or name}"
    unit = f" {more['unit']}" if more.get("unit") else ""
    if math.isnan(observed):
        reason = f"{about} is not a number, allowed {allowed} {limit:.6g}{unit}"
    else:
        limits = f"allowed {allowed} {limit:.6g}" if good else f"{beyond} the limit {limit:.6g}"
        reason = f"{about} is {observed:.6g}{unit}, {limits}"
    return ruled(name, Outcome.PASS if good else Outcome.FAIL, reason, observed=observed, limit=limit, **more)


class Series(BaseModel):
    """One named line or group of bars: `x` and `y` have one length."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    x: tuple[float | str, ...]
    y: tuple[float | None, ...]


class Plot(BaseModel):
    """One plot. `table` and `heat` read `cells` (rows × columns); the others read `series`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    kind: Literal["line", "bar", "heat", "table"]
    x_label: str = ""
    y_label: str = ""
    series: tuple[Series, ...] = ()
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    cells: tuple[tuple[float | str, ...], ...] = ()
    note: str = ""
