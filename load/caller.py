"""The locust user: sends the next payload when its ticket is due, and says whether the answer holds a prediction."""

from __future__ import annotations

import os
import time

import gevent
from locust import FastHttpUser, task
from locust.exception import StopUser

from gateline.contracts.headers import TOKEN_VARIABLE, made_up
from load.schedule import Ticket
from load.traffic import Traffic

NO_PREDICTION = "no prediction in the answer"
PAUSE_SECONDS = 0.05
"""After a failed connection without a schedule: a dead service must not make the users spin."""


class Caller(FastHttpUser):
    """One of the users of a run; a run makes a subclass with its traffic, host and path."""

    abstract = True
    network_timeout = 30.0
    connection_timeout = 5.0
    default_headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        **made_up(os.environ.get(TOKEN_VARIABLE, "")),
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
                    response.failure(NO_PREDICTION)
                elif response.status_code not in (0, 200):
                    response.failure(f"HTTP {response.status_code}")
        if response.status_code == 0 and ticket.due is None:
            gevent.sleep(PAUSE_SECONDS)
