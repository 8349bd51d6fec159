"""Load by hand with locust's own page: `locust -f load/locustfile.py`, then open the address it prints."""

import os
import sys
from pathlib import Path

from locust import FastHttpUser, constant_throughput, task

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # locust's script does not know the project's folder

import gateline.settings as settings  # noqa: E402
from gateline.contracts.headers import sent  # noqa: E402
from gateline.contracts.shaping import schema_of  # noqa: E402
from load.traffic import Payloads  # noqa: E402

SETTINGS = settings.load()
PRODUCTION = SETTINGS.environments.get(settings.PRODUCTION) or next(iter(SETTINGS.environments.values()))
PAYLOADS = Payloads(schema_of(SETTINGS), SETTINGS.load.seed)


class Predict(FastHttpUser):
    """A client that asks for one prediction after the other, at its share of the settings' rate."""

    host = f"http://{PRODUCTION.host}:{PRODUCTION.port}"
    default_headers = {"Content-Type": "application/json", **sent(os.environ)}
    if SETTINGS.load.rate:
        wait_time = constant_throughput(SETTINGS.load.rate / SETTINGS.load.users)

    @task
    def predict(self) -> None:
        """Ask for one prediction."""
        self.client.post("/predict", data=next(PAYLOADS))
