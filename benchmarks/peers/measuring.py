"""Start a server, load it with wrk or hey, and read what they and the system say."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.peers.contenders import Contender, Row
from infra.host.processes import wait_until

START_SECONDS = 90.0
LUA = """
local bodies, at = {}, 0
for line in io.lines(os.getenv("BODIES")) do bodies[#bodies + 1] = line end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  at = at % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[at])
end
"""
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Load:
    """What wrk saw: answers a second, milliseconds at the 50th and 99th percentile."""

    rate: float
    p50: float
    p99: float


@dataclass
class Server:
    """A contender that answers."""

    contender: Contender
    port: int
    process: subprocess.Popen[bytes]
    bodies: Path
    """One request body a line."""
    first: float
    """Seconds from its start to its first answer."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.contender.path}"

    def memory(self) -> float:
        """Return the proportional set size of the process and its children, in MB."""
        first = psutil.Process(self.process.pid)
        return sum(one.memory_full_info().pss for one in [first, *first.children(recursive=True)]) / 1e6

    def load(self, connections: int, seconds: int, port: int = 0) -> Load:
        """Send one request after the other on so many kept connections, from one thread; `port` is a proxy's."""
        url = self.url.replace(f":{self.port}", f":{port}") if port else self.url
        script = self.bodies.with_suffix(".lua")
        script.write_text(LUA)
        argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout=30s", "-s", str(script), url]
        env = os.environ | {"BODIES": str(self.bodies)}
        said = subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout
        rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
        if rate is None or "Non-2xx" in said:
            raise SystemExit(f"wrk said of {self.contender.name}:\n{said}")
        return Load(float(rate[1]), _percentile(said, 50), _percentile(said, 99))

    def paced(self, rate: float, seconds: int, port: int = 0, users: int = 20) -> tuple[float, float]:
        """Send at a rate with hey; return the achieved rate and the milliseconds of the 99th percentile."""
        url = self.url.replace(f":{self.port}", f":{port}") if port else self.url
        body = self.bodies.read_text().splitlines()[0]
        pace = [f"-z={seconds}s", f"-c={users}", f"-q={rate / users:g}"]
        argv = ["hey", *pace, "-m=POST", "-T=application/json", "-d", body, url]
        said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        achieved, slowest = re.search(r"Requests/sec:\s+([\d.]+)", said), re.search(r"99% in ([\d.]+) secs", said)
        if not achieved or not slowest or "[200]" not in said:
            raise SystemExit(f"hey said of {self.contender.name}:\n{said}")
        return float(achieved[1]), 1000 * float(slowest[1])


def _percentile(said: str, which: int) -> float:
    found = re.search(rf"^\s+{which}%\s+([\d.]+)(us|ms|s)$", said, re.MULTILINE)
    return float(found[1]) * MILLISECONDS[found[2]] if found else float("nan")


@contextmanager
def started(contender: Contender, rows: Iterable[Row], scratch: Path) -> Iterator[Server]:
    """Start a server on a free port, wait for its first answer, and end it with all that it started."""
    port = free_port()
    name = re.sub(r"\W+", "-", contender.name)
    bodies, log = scratch / f"{name}.jsonl", scratch / f"{name}.log"
    written = [json.dumps(contender.body(row)) for row in rows]
    bodies.write_text("\n".join(written) + "\n")
    argv, begun = contender.argv(port), time.perf_counter()
    with log.open("wb") as out, ExitStack() as stack:
        env = os.environ | contender.env
        process = subprocess.Popen(argv, cwd=contender.folder, env=env, stdout=out, stderr=out, start_new_session=True)
        stack.callback(_end, process)
        url = f"http://127.0.0.1:{port}{contender.path}"
        if not wait_until(lambda: process.poll() is not None or answers(url, written[0]), START_SECONDS) or process.poll():
            raise SystemExit(f"{contender.name} does not answer:\n{log.read_text(errors='replace')[-2000:]}")
        yield Server(contender, port, process, bodies, time.perf_counter() - begun)


def answers(url: str, body: str) -> bool:
    """Say whether a request gets a 200."""
    asked = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:  # nosec B310: a URL of loopback, written above
            return bool(answer.status == 200)
    except OSError:
        return False


def free_port() -> int:
    """Return a port of loopback that is free, with two behind it that are free, too."""
    while True:
        with closing(socket.create_server(("127.0.0.1", 0))) as first:
            port = int(first.getsockname()[1])
            try:
                for behind in (1, 2):
                    socket.create_server(("127.0.0.1", port + behind)).close()
                return port
            except OSError:
                continue


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server and its children, which have a process group of their own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
