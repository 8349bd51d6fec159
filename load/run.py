"""One run of load, start to end: locust and its users in this process, stopped by count, time or signal."""

import logging
import math
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import gevent
from locust import FastHttpUser, task  # first: it makes the standard library cooperative
from locust.env import Environment
from locust.exception import StopUser
from locust.html import get_html_report
from locust.stats import stats_history

from gateline.contracts.files import place
from gateline.contracts.headers import sent
from gateline.contracts.load_sample import LoadSample
from gateline.contracts.reference import Reference
from gateline.contracts.schema import Schema
from gateline.settings.errors import OutsideError
from load.traffic import Payloads, Recorder, Schedule, Ticket, Traffic

MOST_USERS = 1000
STALL_SECONDS = 2.0
"""A service may stall this long before a schedule runs out of users to send with."""
GRACE_SECONDS = 5.0
"""How long requests on their way are waited for once no more are sent."""
TICK_SECONDS = 0.1
PAUSE_SECONDS = 0.05
"""After a failed connection without a schedule: a dead service must not make the users spin."""


@dataclass(frozen=True)
class Order:
    """What to send: `requests` None has no end, `rate` 0 has no schedule; `seconds` ends it in any case.

    On a schedule `users` is the least: more join while answers are slow, up to `MOST_USERS`.
    """

    url: str
    schema: Schema
    requests: int | None
    users: int
    rate: float
    warmup: int
    seconds: float
    seed: int = 0
    reference: Reference | None = None
    html: Path | None = None


@dataclass(frozen=True)
class Run:
    """What came of an order; `interrupted` says that a signal ended it."""

    sample: LoadSample
    interrupted: bool


class Caller(FastHttpUser):
    """Sends the next payload when its ticket is due; a run makes a subclass with its traffic, host and path."""

    abstract = True
    network_timeout = 30.0
    connection_timeout = 5.0
    default_headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        **sent(os.environ),
    }
    traffic: Traffic
    path: str

    def on_start(self) -> None:
        """Warm the service up together with the other users."""
        with self.traffic.warmers:
            while self.traffic.wants_warmup():
                self._send(Ticket(None))
        self.traffic.arrive()

    @task
    def predict(self) -> None:
        """Send one request when it is due; leave when there is none left."""
        ticket = self.traffic.schedule.take()
        if ticket is None:
            raise StopUser
        self._send(ticket)

    def _send(self, ticket: Ticket) -> None:
        body = next(self.traffic.payloads)
        with self.traffic.flight(ticket) as since:
            with self.client.post(self.path, data=body, catch_response=True, allow_redirects=False) as response:
                response.request_meta["response_time"] = 1000 * (time.perf_counter() - since)
                if response.status_code == 200 and b'"prediction' not in (response.content or b""):
                    response.failure("no prediction in the answer")
                elif response.status_code not in (0, 200):
                    response.failure(f"HTTP {response.status_code}")
        if response.status_code == 0 and ticket.due is None:
            gevent.sleep(PAUSE_SECONDS)


def run(order: Order, progress: Callable[[int], None] = lambda count: None) -> Run:
    """Send what was ordered and return what was seen; `progress` is told the count ten times a second.

    Raises OutsideError where nothing listens at the URL.
    """
    reach(order.url)
    recorder = Recorder()
    schedule = Schedule(order.rate, order.requests)
    payloads = Payloads(order.schema, order.seed, order.reference)
    traffic = Traffic(payloads, schedule, recorder, users=crew(order), warmup=order.warmup, warmers=order.users)
    environment = _environment(order, traffic)
    signals, broken = _what_stops_it(environment, schedule)
    _send_all(order, traffic, environment, progress, lambda: bool(signals or broken))
    if broken:
        raise broken[0]
    if order.html:
        place({order.html: get_html_report(environment, show_download_link=False)})  # type: ignore[no-untyped-call]
    return Run(recorder.sample(order.url, order.rate, max(traffic.most_flying, 1)), bool(signals))


def crew(order: Order) -> int:
    """Return how many users an order needs: those it names, or enough to go on sending through a stall."""
    enough = math.ceil(order.rate * STALL_SECONDS)
    return max(order.users, min(enough, MOST_USERS))


def reach(url: str) -> None:
    """Connect once to where the URL points. Raises OutsideError naming the URL and the next step."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=5.0).close()
    except OSError as error:
        raise OutsideError(
            f"{url}: nothing answers at {parts.hostname}:{port} ({error.strerror or error})",
            "start the service (invoke up, or python -m service), or correct --url",
        ) from None


def _environment(order: Order, traffic: Traffic) -> Environment:
    parts = urlsplit(order.url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    host = f"{parts.scheme}://{parts.netloc}"
    user = type("Predict", (Caller,), {"traffic": traffic, "path": path or "/", "host": host, "abstract": False})
    environment = Environment(user_classes=[user], host=host)
    environment.create_local_runner()
    environment.events.request.add_listener(traffic.recorder)  # type: ignore[no-untyped-call]
    traffic.on_begin = environment.stats.reset_all
    return environment


def _send_all(
    order: Order,
    traffic: Traffic,
    environment: Environment,
    progress: Callable[[int], None],
    stopped: Callable[[], bool],
) -> None:
    runner = environment.runner
    assert runner is not None
    history = gevent.spawn(stats_history, runner)
    # Users wait for the schedule, however fast they come: what locust says of a high spawn rate is no advice here.
    logging.getLogger("locust.runners").addFilter(lambda record: "spawn rate" not in record.getMessage())
    runner.start(crew(order), spawn_rate=crew(order))
    deadline = time.monotonic() + order.seconds
    while not stopped() and traffic.recorder.count != order.requests and time.monotonic() < deadline:
        gevent.sleep(TICK_SECONDS)
        progress(traffic.recorder.count)
    traffic.schedule.stop()
    latest = time.monotonic() + GRACE_SECONDS
    while traffic.begun and traffic.waiting_ms() and time.monotonic() < latest:
        gevent.sleep(TICK_SECONDS / 10)
    # what does not come back in time is an error, never forgotten
    traffic.recorder.cut_off(traffic.waiting_ms() if traffic.begun else [])
    runner.quit()
    history.kill()


def _what_stops_it(environment: Environment, schedule: Schedule) -> tuple[list[int], list[Exception]]:
    """Return a list that holds the signal once one came, and one of what went wrong in a user itself; either ends the run.

    Ctrl-C and SIGTERM end it as its count would; of a payload that cannot be made, locust would only log that.
    """
    signals: list[int] = []
    raised: list[Exception] = []

    def end_by_signal(number: int) -> None:
        signals.append(number)
        schedule.stop()

    def end_by_error(exception: Exception, **_: object) -> None:
        raised.append(exception)
        schedule.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, end_by_signal, number)
    environment.events.user_error.add_listener(end_by_error)  # type: ignore[no-untyped-call]
    return signals, raised
