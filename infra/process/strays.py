"""Processes of an environment that no record names: left by a supervisor that died between a start and its record."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import psutil

from infra.process.child import Child
from infra.process.place import Place
from infra.process.record import Record


def end_strays(place: Place, record: Record) -> list[int]:
    """End them, and return their ids."""
    known = {seen.pid for seen in (*record.replicas.values(), *record.leaving.values(), record.proxy) if seen}
    found = [child for child in _of(place) if child.pid not in known]
    for child in found:
        child.send(signal.SIGKILL)
    return [child.pid for child in found]


def _of(place: Place) -> Iterator[Child]:
    """Yield the session leaders that were started for this environment."""
    for process in psutil.process_iter(["cmdline"]):
        if _is_proxy(process, place) or _is_service(process, place):
            yield Child(process)


def _is_proxy(process: psutil.Process, place: Place) -> bool:
    return (process.info["cmdline"] or [])[-2:] == ["-f", str(place.proxy_config)]


def _is_service(process: psutil.Process, place: Place) -> bool:
    if (process.info["cmdline"] or [])[1:3] != ["-m", "service"]:
        return False
    try:
        return process.environ().get("GATELINE_LOG_DIR") == str(place.predictions)
    except psutil.Error:
        return False
