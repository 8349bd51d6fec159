"""The health check of both images: it asks what runs in its container and ends what hangs; the daemon starts that again.

The daemon by itself starts again only what has ended. It runs with the standard library of the image alone:
`python3 health.py WHERE MOST`, every few seconds, by the daemon.
"""

import http.client
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

SECONDS = 2.0
COUNT = Path("/tmp/unanswered")  # nosec B108: a mount of the container's own, empty each time the container is started


def answers(where: str) -> bool:
    """Ask `where`, an URL or the proxy's control socket; return whether it answers well.

    Raises TimeoutError, or BlockingIOError where nobody takes connections any more, if it says nothing; OSError or
    HTTPException if it is not there.
    """
    if where.startswith("/"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
            asked.settimeout(SECONDS)
            asked.connect(where)
            asked.sendall(b"show info\n")
            return bool(asked.recv(1))
    url = urlsplit(where)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=SECONDS)
    try:
        connection.request("GET", url.path)
        return connection.getresponse().status == http.HTTPStatus.OK
    finally:
        connection.close()


def check(where: str, most: int, end: Callable[[], None], count: Path = COUNT) -> bool:
    """Return whether all is well; call `end` where `most` questions in a row were left without a word.

    One that never answered is left alone: it may take long to load, and what started it waits for it.
    """
    try:
        well = answers(where)
    except (TimeoutError, BlockingIOError):
        if count.exists():
            unanswered = int(count.read_bytes() or 0) + 1
            count.write_bytes(b"%d" % unanswered)
            if unanswered >= most:
                end()
        return False
    except (OSError, http.client.HTTPException):
        return False
    with suppress(OSError):  # where nothing can be written, what hangs is told unhealthy, and ended by what watches that
        count.write_bytes(b"0")
    return well


def end_all() -> None:
    """End every process of this container but this one; the first one sees it, and ends with them.

    Outside of a container that would be every process of an account, so it is done only where the daemon started this one:
    then its parent is out of sight.
    """
    if os.getppid() == 0:
        with suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        os.kill(1, signal.SIGCONT)  # it may have been suspended with the others, and no signal from inside ends it


if __name__ == "__main__":
    sys.exit(0 if check(sys.argv[1], int(sys.argv[2]), end_all) else 1)
