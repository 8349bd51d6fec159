"""What was seen of a service under load: counts, latencies and rates."""

import math
from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

MOST_QUANTILES = 1000


class LoadSample(BaseModel):
    """One run of load. Latencies are in milliseconds, over every counted request; a failed one counts with the time it took.

    With an intended rate a latency runs from the intended start, so that a stall shows in every request it held up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    url: str
    requests: int = Field(ge=0)
    """Requests that were sent after the warm-up and have ended, well or not."""
    errors: int = Field(ge=0)
    """Of these, the ones without a prediction: refused, broken off, timed out, another status, another body."""
    failures: dict[str, int] = Field(default_factory=dict)
    """Errors by kind."""
    releases: dict[str, int] = Field(default_factory=dict)
    """Answers by the release digest that they name."""
    seconds: float = Field(ge=0.0)
    """From the first intended start to the last end."""
    intended_rate: float = Field(default=0.0, ge=0.0)
    """Requests a second of the schedule; 0 where the next request waited for an answer."""
    users: int = Field(default=1, ge=1)
    """The most requests that were on their way at once."""
    quantiles_ms: tuple[float, ...] = ()
    """Latencies at evenly spaced shares from 0 to 1, both included: all of them, or 1,001."""
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None

    @classmethod
    def of(
        cls,
        url: str,
        latencies_ms: Sequence[float],
        failures: Mapping[str, int],
        seconds: float,
        *,
        releases: Mapping[str, int] | None = None,
        intended_rate: float = 0.0,
        users: int = 1,
    ) -> Self:
        """Return the sample of these latencies, one a request."""
        ordered = sorted(latencies_ms)
        steps = min(len(ordered) - 1, MOST_QUANTILES)
        shares = [step / steps for step in range(steps + 1)] if steps > 0 else [0.0] * len(ordered)
        p50, p95, p99 = (percentile(ordered, share) if ordered else None for share in (0.5, 0.95, 0.99))
        return cls(
            url=url,
            requests=len(ordered),
            errors=sum(failures.values()),
            failures=dict(failures),
            releases=dict(releases or {}),
            seconds=seconds,
            intended_rate=intended_rate,
            users=users,
            quantiles_ms=tuple(percentile(ordered, share) for share in shares),
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
        )

    @property
    def answered(self) -> int:
        """Requests that got a prediction."""
        return self.requests - self.errors

    @property
    def error_share(self) -> float:
        """Share of requests without a prediction; 0 where there was none at all."""
        return self.errors / self.requests if self.requests else 0.0

    @property
    def rate(self) -> float:
        """Predictions a second."""
        return self.answered / self.seconds if self.seconds else 0.0


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the ordered values do not exceed (nearest rank)."""
    return ordered[max(math.ceil(share * len(ordered) - 1e-9), 1) - 1]
