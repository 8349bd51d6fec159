"""The service as the engine runs it: a process, real HTTP, signals, exit codes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from contracts.release import Release
from service.__main__ import not_loaded, options_of
from settings import Service
from tests.service import bundles, processes
from tests.service.bundles import NAMED, ROW


SLOW_HOOKS = """
import time

def before(rows):
    return rows

def after(answers):
    time.sleep(1)
    return answers
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


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "service", *arguments], capture_output=True, text=True, timeout=60)


def test_a_prediction_over_http_agrees_with_the_estimator(running: processes.Service, folder: Path) -> None:
    release = Release.model_validate_json((folder / "b/release.json").read_bytes())
    answer = running.client.post("/predict", json={"features": ROW}, headers={"X-Request-ID": "over-http"})
    assert answer.json()["probability"] == bundles.expected(folder / "b", [ROW])[0][1]
    assert answer.headers["x-gateline-release"] == release.digest
    assert answer.headers["x-request-id"] == "over-http"
    assert running.client.get("/health/ready").json()["release"] == release.digest


def test_predictions_are_logged_to_the_folder_that_the_engine_gives(running: processes.Service, folder: Path) -> None:
    running.client.post("/predict", json={"features": ROW}, headers={"X-Request-ID": "logged"})
    deadline = time.monotonic() + processes.PATIENCE
    while time.monotonic() < deadline:
        text = "".join(path.read_text() for path in (folder / "log").iterdir())
        if '"logged"' in text:
            return
        time.sleep(0.02)
    raise AssertionError("the prediction was not logged")


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
    for garbage in (b"\x00\xff\r\n\r\n", b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"):
        with socket.create_connection(running.address, 5) as connection:
            connection.sendall(garbage)
            assert b" 400 " in connection.recv(4096).split(b"\r\n")[0]
    assert running.client.get("/health/live").status_code == 200


def test_a_client_that_goes_away_leaves_the_service_well(running: processes.Service) -> None:
    with socket.create_connection(running.address, 5) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
    assert running.client.post("/predict", json={"rows": [NAMED]}).status_code == 200
    assert 'status="5xx"} 0.0' in running.client.get("/metrics").text


def test_a_stopping_service_answers_what_it_began_and_waits_no_longer_than_the_drain(tmp_path: Path) -> None:
    recipe = bundles.Recipe(hooks=SLOW_HOOKS, service=Service(drain_seconds=2))
    bundles.write(tmp_path / "b", recipe)
    answers: list[int] = []
    with processes.service(tmp_path / "b", tmp_path) as started:
        started.wait_for("/health/ready")
        url = str(started.client.base_url.join("/predict"))
        asking = threading.Thread(target=lambda: answers.append(httpx.post(url, json={"features": ROW}).status_code))
        with socket.create_connection(started.address, 5) as stalled:
            stalled.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
            asking.start()
            time.sleep(0.3)
            begun = time.monotonic()
            started.process.send_signal(signal.SIGTERM)
            assert started.ended() == 0
            assert time.monotonic() - begun < 10
        asking.join(10)
    assert answers == [200]


def test_a_stop_before_the_model_is_loaded_is_clean(bundle: Path, tmp_path: Path) -> None:
    with processes.service(bundle, tmp_path) as started:
        started.wait_for("/health/live")
        started.process.send_signal(signal.SIGTERM)
        assert started.ended() == 0


def test_a_model_that_cannot_be_loaded_ends_the_process_with_the_reason(tmp_path: Path) -> None:
    bundles.write(tmp_path / "b", bundles.Recipe(golden_shift=0.5))
    ended = run("--port", "0", "--bundle", str(tmp_path / "b"))
    assert ended.returncode == 4
    assert "cannot be loaded: golden: row 0 of 20 golden rows scores otherwise" in ended.stderr
    assert "next:" in ended.stderr


def test_a_taken_port_ends_with_4_and_says_so(bundle: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("--port", str(port), "--bundle", str(bundle))
    assert ended.returncode == 4
    assert ended.stderr.startswith(f"error: port {port} of 127.0.0.1 is taken by another process")
    assert "Traceback" not in ended.stderr


def test_no_bundle_ends_with_2_and_says_how_to_build_one(tmp_path: Path) -> None:
    ended = run("--bundle", str(tmp_path))
    assert ended.returncode == 2
    assert "there is no release bundle in" in ended.stderr and "invoke build" in ended.stderr


@pytest.mark.parametrize(("text", "said"), [("{}", "version: Field required"), ("[", "content: Invalid JSON")])
def test_a_broken_release_record_ends_with_2(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "release.json").write_text(text)
    ended = run("--bundle", str(tmp_path))
    assert ended.returncode == 2
    assert said in ended.stderr


def test_a_bundle_without_an_artifact_ends_with_2(tmp_path: Path, release: Release) -> None:
    (tmp_path / "release.json").write_text(release.model_dump_json())
    ended = run("--bundle", str(tmp_path))
    assert ended.returncode == 2
    assert "the bundle has no artifact/ folder" in ended.stderr


@pytest.mark.parametrize("port", ["70000", "-1", "http"])
def test_a_port_that_is_none_ends_with_2(port: str) -> None:
    ended = run(f"--port={port}")
    assert ended.returncode == 2
    assert f"'{port}' is no port; allowed: 0 to 65535" in ended.stderr


def test_a_redis_url_that_is_none_ends_with_2(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATELINE_REDIS_URL", "localhost:6379")
    ended = run("--port", "0", "--bundle", str(bundle))
    assert ended.returncode == 2
    assert "the Redis URL is not one" in ended.stderr and "GATELINE_REDIS_URL" in ended.stderr


def test_help_shows_examples() -> None:
    shown = run("--help")
    assert shown.returncode == 0
    assert "examples:" in shown.stdout and "GATELINE_REDIS_URL" in shown.stdout


WITHOUT = """
import sys
from pathlib import Path

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("pandas", "validation", "training", "infra", "report", "load"):
            raise ModuleNotFoundError(f"{name} is not in a release", name=name)

sys.meta_path.insert(0, Refuse())
from service.__main__ import read_release
from service.app import Application, Options
from service.state import load

bundle = Path(sys.argv[1])
release = read_release(bundle)
loaded = load(bundle, release)
Application(release, lambda: loaded, Options(), lambda: None).build()
scores = loaded.predictor.score(loaded.predictor.prepare([loaded.requests.typed_row(loaded.requests.example)]))
print(loaded.predictor.answer(scores)[0]["prediction"])
print({"pandas", "validation", "training", "infra", "report", "load"} & set(sys.modules))
"""


def test_the_service_imports_neither_pandas_nor_any_room_that_it_may_not(bundle: Path) -> None:
    """Refused, not only looked for: where pandas is installed, scikit-learn itself would import it."""
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(bundle)], env=environment, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    prediction, imported = ran.stdout.splitlines()
    assert json.loads(prediction) in bundles.CLASSES["binary"]
    assert imported == "set()"


THREADS = """
from service.__main__ import one_thread_a_row
one_thread_a_row()
import numpy, sklearn.ensemble, threadpoolctl
print({pool["num_threads"] for pool in threadpoolctl.threadpool_info()})
"""


@pytest.mark.parametrize("given", ["", "2"])
def test_a_row_is_scored_by_one_thread_unless_the_environment_says_otherwise(given: str) -> None:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    environment = kept | {"PYTHONPATH": os.getcwd()} | (dict.fromkeys(names, given) if given else {})
    ran = subprocess.run([sys.executable, "-c", THREADS], env=environment, capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == f"{{{given or 1}}}", ran.stderr


@pytest.mark.parametrize(
    ("environ", "folder", "url"),
    [
        ({}, None, "redis://release"),
        ({"GATELINE_REDIS_URL": "", "GATELINE_LOG_DIR": ""}, None, "redis://release"),
        ({"GATELINE_REDIS_URL": "redis://host", "GATELINE_LOG_DIR": "log"}, Path("log"), "redis://host"),
    ],
)
def test_the_environment_replaces_what_it_sets(
    release: Release, environ: dict[str, str], folder: Path | None, url: str
) -> None:
    named = release.model_copy(update={"service": Service(redis_url="redis://release")})
    options = options_of(named, environ)
    assert (options.log_folder, options.redis_url) == (folder, url)


def test_a_failure_that_nobody_foresaw_is_named_by_its_type(release: Release) -> None:
    error = not_loaded(release, ModuleNotFoundError("No module named 'nothing'"))
    assert error.exit_code == 4
    assert "ModuleNotFoundError: No module named 'nothing'" in error.message
    assert error.next_step == "read the stack trace above"
