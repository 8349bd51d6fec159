"""The port that an environment listens on: ours, free, or somebody else's."""

from __future__ import annotations

from infra.engines.readiness import wait_until
from infra.engines.state import State
from infra.process import ports
from infra.process.place import Place
from infra.process.record import Record
from infra.process.strays import end_strays
from settings import Environment
from settings.errors import OutsideError

SECONDS = 2.0


def free_the_port(place: Place, where: Environment, state: State, record: Record) -> None:
    """Return when the environment may listen; what it left there itself without a record is ended.

    Raises OutsideError naming who else listens.
    """
    ours = record.proxied and (state.host, state.port) == (where.host, where.port)
    if ours or ports.is_free(where.host, where.port):
        return
    if end_strays(place, record) and wait_until(lambda: ports.is_free(where.host, where.port), SECONDS):
        return
    variable = f"GATELINE_PORT_{place.environment.upper().replace('-', '_')}"
    raise OutsideError(
        f"port {where.port} of {place.environment} is taken by {ports.holder(where.port)}",
        f"end that, or use another port: environments.{place.environment}.port, or {variable}",
    )
