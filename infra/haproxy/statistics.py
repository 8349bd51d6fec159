"""HAProxy's control socket: ask and tell."""

from __future__ import annotations

import csv
import io
import socket
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from gateline.settings.errors import OutsideError
from infra.haproxy.configuration import BACKEND

SECONDS = 2.0
PASSED_CHECKS = {"L4OK", "L6OK", "L7OK"}
TIMED_OUT = {"L4TOUT", "L6TOUT", "L7TOUT"}


@dataclass(frozen=True)
class Server:
    """One replica as the proxy sees it."""

    name: str
    up: bool
    """Whether it takes requests, if its weight lets it."""
    passed: bool
    """Whether its last health check passed; a server that was not checked yet has not."""
    weight: int
    current: int
    """Requests in flight."""
    requests: float
    errors: float
    """Answers with a 5xx status, failed connections and connections that ended without an answer."""
    last_check: str
    timed_out: bool = False
    """Whether its last check ended without an answer: it accepts and says nothing."""
    since: float = 0.0
    """For how many seconds it has been up, or down."""

    @property
    def hangs(self) -> bool:
        """Whether it is out because it answers nothing, though it lives."""
        return self.timed_out and not self.up


class StatsSocket:
    """Speaks to one running proxy. Raises OutsideError if it does not answer."""

    def __init__(self, path: Path) -> None:
        """Keep the path; each question opens its own connection."""
        self._path = path

    def ask(self, commands: Iterable[str]) -> str:
        """Run commands in one go, in order, and return all they say."""
        line = "; ".join(commands)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(SECONDS)
                connection.connect(str(self._path))
                connection.sendall(f"{line}\n".encode())
                return b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        except OSError as error:
            raise OutsideError(
                f"the proxy does not answer on {self._path}: {error}", "invoke up replaces one that hangs"
            ) from None

    def servers(self) -> dict[str, Server]:
        """Return the proxy's servers by name."""
        return parsed_servers(self.ask([f"show stat {BACKEND} 4 -1"]))

    def guards(self, table: Path) -> set[str]:
        """Return the servers that hang on the heartbeat, as the proxy has them."""
        return parsed_guards(self.ask([f"show map {table}"]))


def parsed_servers(text: str) -> dict[str, Server]:
    """Return the servers in what `show stat` says, by name."""
    return {row["svname"]: _server(row) for row in csv.DictReader(io.StringIO(text.lstrip("# ").strip()))}


def parsed_guards(text: str) -> set[str]:
    """Return the servers in what `show map` says of the guards."""
    rows = (line.split() for line in text.splitlines())
    return {row[1] for row in rows if len(row) == 3}


def share(names: Set[str], servers: Mapping[str, Server]) -> float:
    """Return the share of traffic that these servers get. One that is down gets nothing, whatever its weight says."""
    taking = {name: server.weight for name, server in servers.items() if server.up}
    total = sum(taking.values())
    return sum(weight for name, weight in taking.items() if name in names) / total if total else 0.0


def _server(row: dict[str, str]) -> Server:
    status = row["status"]
    return Server(
        name=row["svname"],
        up=status.startswith("UP"),
        passed=row["check_status"].removeprefix("* ") in PASSED_CHECKS,
        weight=int(row["weight"] or 0),
        current=int(row["scur"] or 0),
        requests=_number(row, "stot"),
        errors=_number(row, "hrsp_5xx") + _number(row, "econ") + _number(row, "eresp"),
        timed_out=row["check_status"].removeprefix("* ") in TIMED_OUT,
        since=_number(row, "lastchg"),
        last_check=" ".join(part for part in (row["check_status"], row.get("last_chk", "")) if part),
    )


def _number(row: dict[str, str], name: str) -> float:
    return float(row.get(name) or 0)
