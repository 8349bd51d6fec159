"""A service for the engine's tests: the HTTP contract of the real one, with knobs that make it fail.

Knobs in knobs.json: latency (seconds an answer takes), error_every (every n-th answer is 500), crash (message: ends at
once), never_ready, ready_after (seconds), release (reports this digest), stubborn (ignores SIGTERM), log (writes a
prediction log).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
KNOBS: dict[str, Any] = json.loads((HERE / "knobs.json").read_text()) if (HERE / "knobs.json").exists() else {}
STARTED = time.monotonic()
BUCKETS = (0.001, 0.01, 0.1, 1.0, float("inf"))


class Tiny:
    """Answers requests, and counts them."""

    def __init__(self, digest: str) -> None:
        """Answer as the release of this digest."""
        self.digest = KNOBS.get("release", digest)
        self.count = {"2xx": 0, "5xx": 0}
        self.seconds: list[float] = []
        self.running = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        oldest = time.monotonic() + float(os.environ.get("GATELINE_CONNECTION_SECONDS") or "inf")
        try:
            while await self._one(reader, writer, oldest):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, oldest: float) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.running += 1
        try:
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            status, answer = await self._answer(head[0].split(" ")[1], body)
            close = headers.get("connection", "").lower() == "close" or time.monotonic() >= oldest
            lines = [f"HTTP/1.1 {status} X", f"content-length: {len(answer)}", f"x-gateline-release: {self.digest}"]
            writer.write("\r\n".join([*lines, *(["connection: close"] if close else []), "", ""]).encode() + answer)
            await writer.drain()
        finally:
            self.running -= 1
        return not close

    async def _answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        if path == "/predict":
            return await self._predict(body)
        if path == "/health/ready":
            ready = not KNOBS.get("never_ready") and time.monotonic() - STARTED >= KNOBS.get("ready_after", 0.0)
            about = {"release": self.digest, "pid": os.getpid(), "variables": dict(os.environ)}
            return (200 if ready else 503), json.dumps(about).encode()
        if path == "/drift":
            return 200, json.dumps({"rows": sum(self.count.values()), "release": self.digest}).encode()
        return 200, self.page().encode()

    async def _predict(self, body: bytes) -> tuple[int, bytes]:
        begun = time.monotonic()
        await asyncio.sleep(KNOBS.get("latency", 0.0))
        every = int(KNOBS.get("error_every", 0))
        failed = every > 0 and (sum(self.count.values()) + 1) % every == 0
        self.count["5xx" if failed else "2xx"] += 1
        self.seconds.append(time.monotonic() - begun)
        if KNOBS.get("log"):
            name = f"predictions-2026-01-02-{os.getpid()}-{STARTED}.jsonl"
            with (Path(os.environ["GATELINE_LOG_DIR"]) / name).open("a") as log:
                print(json.dumps({"release": self.digest}), file=log)
        return (500 if failed else 200), json.dumps({"prediction": 1, "bytes": len(body)}).encode()

    def page(self) -> str:
        """Return the Prometheus page."""
        lines = [f'gateline_release_info{{release="{self.digest}",version="1",artifact="a"}} 1']
        lines += [f'gateline_requests_total{{status="{status}"}} {count}' for status, count in self.count.items()]
        lines += [f'gateline_predictions_total{{label="1"}} {self.count["2xx"]}']
        counts = [(bound, sum(1 for value in self.seconds if value <= bound)) for bound in BUCKETS]
        names = [("+Inf" if bound == float("inf") else str(bound), count) for bound, count in counts]
        lines += [f'gateline_request_seconds_bucket{{le="{name}"}} {count}' for name, count in names]
        lines += [f"gateline_request_seconds_sum {sum(self.seconds)}"]
        return "\n".join(lines) + "\n"


async def serve(port: int) -> None:
    """Serve until SIGTERM, then let running requests end."""
    tiny = Tiny(json.loads(Path("release.json").read_text())["digest"])
    host = sys.argv[sys.argv.index("--host") + 1] if "--host" in sys.argv else "127.0.0.1"
    server = await asyncio.start_server(tiny.connected, host, port, reuse_address=True)
    stopped = asyncio.Event()
    ignored = asyncio.Event()
    told = ignored if KNOBS.get("stubborn") else stopped
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    print(f"listening on {port}", flush=True)
    await stopped.wait()
    server.close()
    while tiny.running:
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    if "crash" in KNOBS:
        sys.exit(KNOBS["crash"])
    asyncio.run(serve(int(sys.argv[sys.argv.index("--port") + 1])))
