"""Ports on loopback: free ones for replicas, and who holds one that is taken."""

import contextlib
import errno
import random
import socket
from collections.abc import Collection

import psutil

from gateline.settings.errors import OutsideError

FIRST, LAST = 20_000, 29_999
"""Below the ports that Linux (32768) and macOS (49152) hand out for outgoing connections."""


def is_free(host: str, port: int) -> bool:
    """Say whether nobody listens on the port now. Raises OutsideError if nobody ever could: wrong address, no permission."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("" if host == "*" else host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise OutsideError(
                f"nothing can listen on {host}:{port}: {error.strerror}",
                "set host and port to what this machine allows",
            ) from None
    return True


def free_ports(count: int, taken: Collection[int], host: str = "127.0.0.1") -> list[int]:
    """Return ports that nobody listens on and that are not in `taken`. Raises OutsideError if there are too few.

    The search starts anywhere, so that two projects on one host hardly ever try the same port at the same time.
    """
    start = random.SystemRandom().randrange(FIRST, LAST + 1)
    found: list[int] = []
    for port in (*range(start, LAST + 1), *range(FIRST, start)):
        if len(found) == count:
            break
        if port not in taken and is_free(host, port):
            found.append(port)
    if len(found) < count:
        raise OutsideError(
            f"only {len(found)} of {count} free ports found in {FIRST} to {LAST}",
            "stop something that holds ports there",
        )
    return found


def listener(port: int) -> psutil.Process | None:
    """Return who listens on a port, or None where this account may not know."""
    try:
        connections = psutil.net_connections(kind="tcp")
        pids = [
            c.pid for c in connections if c.laddr and c.laddr.port == port and c.status == psutil.CONN_LISTEN and c.pid
        ]
        return psutil.Process(pids[0])
    except (psutil.Error, IndexError, OSError):
        return None


def holder(port: int) -> str:
    """Say who listens on a port, as far as this account may know."""
    found = listener(port)
    with contextlib.suppress(psutil.Error):
        if found is not None:
            return f"process {found.pid} ({found.name()})"
    return "another program (of another account, as it seems)"
