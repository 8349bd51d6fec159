"""What the service writes to standard error: as text or as JSON, from a level on. No line holds a value of a row."""

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from gateline.contracts.headers import LOG_LEVEL_VARIABLE
from gateline.settings.errors import UsageError, did_you_mean
from gateline.settings.secrets import redacted_in
from gateline.settings.shown import in_json, lines_of

LEVELS = {name.lower(): getattr(logging, name) for name in ("DEBUG", "INFO", "WARNING", "ERROR")}
USUAL = "info"
ABOUT = "about"
"""The attribute of a record of an answer that holds what it is about, by name: nothing that a client wrote, but for an id
of safe characters."""
CLASSES = {2: logging.DEBUG, 4: logging.INFO, 5: logging.WARNING}
"""The level of an access line by its status: a line for every good answer costs more than the answer."""
REFUSED = 503
"""A service that is loading, or has too much to do, says so: nothing failed."""


class Lines(logging.Formatter):
    """What a request, a model or Redis says stands in the log as text: it steers no terminal, and begins no line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record; the lines of a traceback are indented."""
        text = super().format(record)
        about = getattr(record, ABOUT, None)
        if about:  # of ours alone: to look for secrets in every answer's line would take longer than the answer
            return " ".join((text, *(f"{name}={value}" for name, value in about.items())))
        return lines_of(text)


class JsonLines(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `message`, what an access line is about, and `trace` for errors."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line in which nothing steers a terminal."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told = {"time": moment, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        if about := getattr(record, ABOUT, None):
            return json.dumps(told | about)
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return in_json(json.dumps(redacted_in(told), ensure_ascii=False))


FORMATS: Mapping[str, type[logging.Formatter]] = {"text": Lines, "json": JsonLines}


def set_up(form: Literal["text", "json"], environ: Mapping[str, str]) -> None:
    """Write the log of this process to standard error. Raises UsageError for a level that is none."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FORMATS[form]())
    logging.basicConfig(level=level_of(environ), handlers=[handler])
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    for name in ("asyncio", "redis"):  # of no use to who reads of requests
        logging.getLogger(name).setLevel(max(logging.INFO, level_of(environ)))


def level_of(environ: Mapping[str, str]) -> int:
    """Return the least level that is written. Raises UsageError for one that is none."""
    given = environ.get(LOG_LEVEL_VARIABLE, "").lower() or USUAL
    if given not in LEVELS:
        raise UsageError(
            f"environment variable {LOG_LEVEL_VARIABLE} is {given!r}{did_you_mean(given, list(LEVELS))}; "
            f"allowed: {', '.join(LEVELS)}",
            "change or unset it",
        )
    return int(LEVELS[given])


class AccessLog:
    """A line for each answer that its level lets through: request id, status, milliseconds, release."""

    def __init__(self, release: str) -> None:
        """Keep the digest of the release, of which lines hold the beginning."""
        self._log = logging.getLogger("service.access")
        self._release = release[:12]
        self._levels = {status: level for status, level in CLASSES.items() if self._log.isEnabledFor(level)}

    def answered(self, path: str, request_id: str, status: int, seconds: float) -> None:
        """Write the line of one answer."""
        level = self._levels.get(status // 100)
        if level is None:
            return
        level = logging.INFO if status == REFUSED else level
        about = {"status": status, "ms": round(1000 * seconds, 3), "request_id": request_id, "release": self._release}
        self._log.log(level, "%s", path, extra={ABOUT: about})
