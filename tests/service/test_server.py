"""The server: the socket it listens on, real HTTP, and a clean stop."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateline.contracts.release import Release
from gateline.settings import Service
from gateline.settings.errors import ExitCode, OutsideError, UsageError
from service.__main__ import oldest_connection
from service.server import KEEP_ALIVE_SECONDS, listen, server
from tests.service import bundles, processes
from tests.service.bundles import NAMED, ROW

SLOW_HOOKS = """
import time

def before(rows):
    return rows

def after(answers):
    time.sleep(1)
    return [answer | {"slow": True} for answer in answers]
"""


@pytest.fixture(scope="module")
def redis() -> Iterator[processes.Redis]:
    with processes.redis() as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("running")


@pytest.fixture(scope="module")
def running(folder: Path, redis: processes.Redis) -> Iterator[processes.Service]:
    """A service whose release names a Redis that is not there; the environment names another."""
    (folder / "log").mkdir()
    bundles.write(folder / "b", bundles.Recipe(service=Service(redis_url="redis://127.0.0.1:1/0")))
    environment = {"GATELINE_LOG_DIR": str(folder / "log"), "GATELINE_REDIS_URL": redis.url}
    with processes.service(folder / "b", folder, **environment) as started:
        started.wait_for("/health/live")
        started.wait_for("/health/ready")
        yield started


@pytest.mark.slow
def test_a_prediction_over_http_agrees_with_the_estimator(running: processes.Service, folder: Path) -> None:
    release = Release.model_validate_json((folder / "b/release.json").read_bytes())
    answer = running.client.post("/predict", json={"features": ROW}, headers={"X-Request-ID": "over-http"})
    assert answer.json()["probability"] == bundles.expected(folder / "b", [ROW])[0][1]
    assert answer.headers["x-gateline-release"] == release.digest
    assert answer.headers["x-request-id"] == "over-http"
    assert running.client.get("/health/ready").json()["release"] == release.digest


@pytest.mark.slow
def test_predictions_are_logged_to_the_folder_that_the_engine_gives(running: processes.Service, folder: Path) -> None:
    running.client.post("/predict", json={"features": ROW}, headers={"X-Request-ID": "logged"})
    deadline = time.monotonic() + processes.PATIENCE
    while time.monotonic() < deadline:
        text = "".join(path.read_text() for path in (folder / "log").iterdir())
        if '"logged"' in text:
            return
        time.sleep(0.02)
    raise AssertionError("the prediction was not logged")


@pytest.mark.slow
def test_the_redis_of_the_environment_is_used_and_its_death_costs_no_answer(
    running: processes.Service, redis: processes.Redis
) -> None:
    deadline = time.monotonic() + processes.PATIENCE
    while "gateline_cache_hits_total 0.0" in running.client.get("/metrics").text:
        assert time.monotonic() < deadline
        assert running.client.post("/predict", json={"features": ROW}).status_code == 200
    redis.signal(signal.SIGKILL)
    for hour in range(20):
        assert running.client.post("/predict", json={"features": NAMED | {"hour": hour}}).status_code == 200


def test_a_body_over_the_limit_is_refused_with_and_without_a_length(running: processes.Service) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 65_536

    for content in (b" " * 6_553_600, chunks()):
        assert running.client.post("/predict", content=content).status_code == 413
    assert running.client.post("/predict", json={"features": ROW}).status_code == 200


def test_raw_garbage_is_not_a_server_error(running: processes.Service) -> None:
    for garbage in (b"\x00\xff\r\n\r\n", b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"):
        with socket.create_connection(running.address, 5) as connection:
            connection.sendall(garbage)
            assert b" 400 " in connection.recv(4096).split(b"\r\n")[0]
    assert running.client.get("/health/live").status_code == 200


def test_a_client_that_goes_away_leaves_the_service_well(running: processes.Service) -> None:
    with socket.create_connection(running.address, 5) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{")
    assert running.client.post("/predict", json={"rows": [NAMED]}).status_code == 200
    assert 'status="5xx"} 0.0' in running.client.get("/metrics").text


@pytest.mark.slow
@pytest.mark.parametrize("generated", [False, True], ids=["scikit-learn", "generated"])
def test_a_stopping_service_answers_what_it_began_and_waits_no_longer_than_the_drain(
    tmp_path: Path, generated: bool
) -> None:
    recipe = bundles.Recipe(hooks=SLOW_HOOKS, service=Service(drain_seconds=2), generated=generated)
    bundles.write(tmp_path / "b", recipe)
    answers: list[httpx.Response] = []
    with processes.service(tmp_path / "b", tmp_path) as started:
        started.wait_for("/health/ready")
        url = str(started.client.base_url.join("/predict"))
        asking = threading.Thread(target=lambda: answers.append(httpx.post(url, json={"features": ROW})))
        with socket.create_connection(started.address, 5) as stalled:
            stalled.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{")
            asking.start()
            time.sleep(0.3)
            begun = time.monotonic()
            started.process.send_signal(signal.SIGTERM)
            assert started.ended() == 0
            assert time.monotonic() - begun < 10
        asking.join(10)
    assert [(answer.status_code, answer.json()["slow"]) for answer in answers] == [(200, True)]


def test_a_stop_before_the_model_is_loaded_is_clean(bundle: Path, tmp_path: Path) -> None:
    with processes.service(bundle, tmp_path) as started:
        started.wait_for("/health/live")
        started.process.send_signal(signal.SIGTERM)
        assert started.ended() == 0


def test_a_free_port_is_listened_on() -> None:
    with listen("127.0.0.1", 0) as listening:
        with socket.create_connection(listening.getsockname(), 5):
            pass


def test_a_taken_port_is_named() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(OutsideError, match=f"port {port} of 127.0.0.1 is taken") as caught:
            listen("127.0.0.1", port)
    assert caught.value.exit_code == ExitCode.OUTSIDE
    assert "--port" in caught.value.next_step


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_that_is_not_this_machines_is_named(host: str) -> None:
    with pytest.raises(OutsideError, match=f"cannot listen on {host}:0"):
        listen(host, 0)


def test_the_drain_is_the_releases_and_every_access_is_not_logged() -> None:
    config = server(2.5).config
    assert config.timeout_graceful_shutdown == 3
    assert config.access_log is False
    assert config.timeout_keep_alive == KEEP_ALIVE_SECONDS


@pytest.mark.parametrize("given", ["", "inf", "2.5"])
def test_connections_are_kept_for_ever_or_as_long_as_is_set(given: str) -> None:
    assert oldest_connection({"GATELINE_CONNECTION_SECONDS": given}) == float(given or "inf")


@pytest.mark.parametrize("given", ["0", "-1", "nan", "soon"])
def test_an_age_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match=f"GATELINE_CONNECTION_SECONDS is '{given}'; it must be a number > 0"):
        oldest_connection({"GATELINE_CONNECTION_SECONDS": given})
