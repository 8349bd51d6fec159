"""What requests for predictions and their answers have in every protocol: an id, and an end that is counted and logged."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hmac import compare_digest

from starlette.requests import ClientDisconnect

from gateline.contracts.headers import SYNTHETIC, TRAFFIC
from gateline.contracts.release import Release
from gateline.settings.errors import explain, place_in_model
from service.limits import Limits
from service.logs import AccessLog
from service.metrics import Metrics
from service.refusals import Refusal

log = logging.getLogger(__name__)

WELL_FORMED = re.compile(r"[A-Za-z0-9._:-]{1,128}")
QUIET_SECONDS = 1.0
"""At most one stack trace is logged in this time: a failing hook must not fill the disk."""


@dataclass(frozen=True)
class Failure:
    """Why a request gets no prediction, in words that its sender may read."""

    status: int
    message: str
    headers: dict[str, str] = field(default_factory=dict)


class Exchange:
    """Names requests, knows made-up ones, limits and ends them."""

    def __init__(self, release: Release, metrics: Metrics, token: str) -> None:
        """`token` is as in `service.app.Options`."""
        self._metrics, self._token = metrics, token.encode()
        self._access = AccessLog(release.digest)
        self.limits = Limits(release.service)
        self._ids = _made_ids()
        self._logged = -QUIET_SECONDS

    def named(self, given: str | None) -> str:
        """Return the id of a request: the one that it gives, where that is well-formed, or a new one."""
        return given if given and WELL_FORMED.fullmatch(given) else next(self._ids)

    def made_up(self, marked: str | None, token: str) -> bool:
        """Rows count as made up where the sender knows the environment's secret: nobody else may hide what they ask."""
        return marked == SYNTHETIC[TRAFFIC] and bool(self._token) and compare_digest(token.encode(), self._token)

    def finished(self, path: str, request_id: str, status: int, seconds: float) -> None:
        """Count and log an answer."""
        self._metrics.answered(status, seconds)
        self._access.answered(path, request_id, status, seconds)

    def failed(self, error: Exception, request_id: str) -> Failure:
        """Return what a request is answered that ended with an error; one that nobody foresaw is logged."""
        if isinstance(error, Refusal):
            return Failure(error.status, error.message, error.headers)
        if isinstance(error, ClientDisconnect):
            return Failure(400, "the client went away")
        # an error in `model/` is told by its file and line; of any other, the stack trace is wanted
        if time.monotonic() - self._logged >= QUIET_SECONDS:
            self._logged = time.monotonic()
            log.error("request %s failed: %s", request_id, explain(error), exc_info=None if place_in_model(error) else error)
        return Failure(500, "the prediction failed; the service's log says why")


def _made_ids() -> Iterator[str]:
    """Yield request ids of 32 hexadecimal digits; the system is asked for many at once."""
    while True:
        made = os.urandom(16 * 256).hex()
        yield from (made[start : start + 32] for start in range(0, len(made), 32))
