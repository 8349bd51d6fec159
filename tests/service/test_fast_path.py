"""A release whose rows are scored by generated Python: the same answers, without the libraries that trained the model."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateline.contracts import samples
from gateline.contracts.headers import made_up
from gateline.contracts.manifest import GOLDEN_TOLERANCE
from gateline.contracts.release import Release
from gateline.settings.errors import GateRefused
from service.app import Options
from service.predict import PredictEndpoint
from service.predictor import Predictor, passes_on
from service.state import Loaded, load
from tests.service import bundles, processes
from tests.service.bundles import NAMED, ROW
from tests.service.conftest import serving
from tests.service.test_predict import HOSTILE, Moody
from tests.service.test_state import flip, pickled

HEAVY = ("numpy", "scipy", "sklearn", "skops", "joblib", "pandas", "redis")


@pytest.fixture(scope="module")
def fast_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fast") / "binary"
    bundles.write(folder, bundles.Recipe(generated=True))
    return folder


@pytest.fixture(scope="module")
def fast_release(fast_bundle: Path) -> Release:
    return Release.model_validate_json((fast_bundle / "release.json").read_bytes())


@pytest.fixture(scope="module")
def fast(fast_bundle: Path, fast_release: Release) -> Loaded:
    return load(fast_bundle, fast_release)


def test_generated_scores_are_those_of_the_estimator(fast: Loaded, fast_bundle: Path) -> None:
    rows = samples.rows(bundles.schema(), 300, seed=4)
    scores = fast.predictor.score(fast.predictor.prepare([fast.requests.typed_row(row) for row in rows]))
    wanted = bundles.expected(fast_bundle, rows)
    assert all(abs(a - b) < GOLDEN_TOLERANCE for both in zip(scores, wanted) for a, b in zip(*both))


@pytest.mark.parametrize("change", [flip, pickled])
def test_a_changed_model_file_is_refused_though_it_is_not_loaded(tmp_path: Path, change: bundles.Change) -> None:
    release = bundles.write(tmp_path / "b", bundles.Recipe(generated=True, change=change))
    with pytest.raises(GateRefused, match="digest: model.skops"):
        load(tmp_path / "b", release)


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("\nNUMBERS = NUMBERS[1:]\n", "golden: row"),
        ("\nscore = None\n", "defines no function 'score'"),
        ("\nscore = lambda row: [0.5]\n", "gave scores of shape"),
        ("\nscore = lambda row: [0.5, float('nan')]\n", "no finite probability"),
    ],
)
def test_a_scorer_that_is_not_the_models_is_refused(tmp_path: Path, end: str, said: str) -> None:
    release = bundles.write(tmp_path / "b", bundles.Recipe(generated=True, scorer_end=end))
    with pytest.raises(Exception, match=said):
        load(tmp_path / "b", release)


def test_a_scorer_that_is_missing_is_named(tmp_path: Path) -> None:
    release = bundles.write(tmp_path / "b", bundles.Recipe(generated=True))
    (tmp_path / "b/scorer.py").unlink()
    with pytest.raises(GateRefused, match="the bundle holds no scorer.py"):
        load(tmp_path / "b", release)


@pytest.mark.anyio
async def test_answers_are_those_of_scikit_learn(fast_release: Release, fast: Loaded, fast_bundle: Path) -> None:
    rows = samples.rows(bundles.schema(), 20, seed=3)
    async with serving(fast_release, lambda: fast) as client:
        for row, (_, positive) in zip(rows, bundles.expected(fast_bundle, rows)):
            body = (await client.post("/predict", json={"features": row})).json()
            assert body["probability"] == pytest.approx(positive, abs=1e-12)
        many = (await client.post("/predict", json={"rows": [dict(zip(NAMED, row)) for row in rows]})).json()
        assert len(many["predictions"]) == 20


Ask = tuple[bytes, dict[str, str]]
ORDINARY = {"content-type": "application/json"}
ASKED: dict[str, Ask] = {
    "in order": (json.dumps({"features": ROW}).encode(), ORDINARY),
    "a charset": (json.dumps({"features": ROW}).encode(), {"content-type": "application/json; charset=utf-8"}),
    "by name": (json.dumps({"features": NAMED}).encode(), ORDINARY),
    "many": (json.dumps({"rows": [NAMED] * 3}).encode(), ORDINARY),
    "an id": (json.dumps({"features": ROW}).encode(), ORDINARY | {"x-request-id": "mine"}),
    "a bad id": (json.dumps({"features": ROW}).encode(), ORDINARY | {"x-request-id": "a b"}),
    "made up": (json.dumps({"features": ROW}).encode(), ORDINARY | made_up("secret")),
    "a wrong token": (json.dumps({"features": ROW}).encode(), ORDINARY | made_up("guess")),
    "a hook that fails": (json.dumps({"features": NAMED | {"hour": 1}}).encode(), ORDINARY),
    "a hook that refuses": (json.dumps({"features": NAMED | {"hour": 2}}).encode(), ORDINARY),
}
LEFT: dict[str, Ask] = {
    "no type": (json.dumps({"features": ROW}).encode(), {}),
    "text": (json.dumps({"features": ROW}).encode(), {"content-type": "text/plain"}),
    "gzip": (b"\x1f\x8b", ORDINARY | {"content-encoding": "gzip"}),
    "another host": (json.dumps({"features": ROW}).encode(), ORDINARY | {"host": "evil.example"}),
    "more rows than the loop scores": (json.dumps({"rows": [NAMED] * 65}).encode(), ORDINARY),
} | {name: (body, ORDINARY) for name, (body, _) in HOSTILE.items()}


def endpoint_of(client: httpx.AsyncClient) -> PredictEndpoint:
    endpoint = client._transport.app.endpoint  # type: ignore[attr-defined]
    assert isinstance(endpoint, PredictEndpoint)
    return endpoint


def raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in ({"host": "localhost"} | headers).items()]


async def counted(client: httpx.AsyncClient) -> list[str]:
    """Return all counters but those of time and memory."""
    lines = (await client.get("/metrics")).text.splitlines()
    told = [line for line in lines if not line.startswith(("#", "process_", "gateline_request_seconds_"))]
    drift = {name: value for name, value in (await client.get("/drift")).json().items() if name not in ("since", "until")}
    return [*told, json.dumps(drift)]


@pytest.mark.anyio
@pytest.mark.parametrize("hooks", [None, Moody()], ids=["plain", "hooks"])
@pytest.mark.parametrize(("body", "headers"), ASKED.values(), ids=ASKED)
async def test_what_is_answered_at_once_is_answered_as_by_asgi(
    fast_release: Release, fast: Loaded, fast_bundle: Path, hooks: Any, body: bytes, headers: dict[str, str]
) -> None:
    seen = []
    for at_once in (True, False):
        fresh = load(fast_bundle, fast_release)
        served = replace(fresh, predictor=Predictor(fresh.predictor.model, hooks)) if hooks else fresh
        async with serving(fast_release, lambda: served, Options(token="secret")) as client:
            if at_once:
                written = endpoint_of(client).at_once(raw(headers), ("127.0.0.1", 80), body)
                assert written is not None
                status, (head, _, content) = written[0], written[1].partition(b"\r\n\r\n")
                named = dict(line.split(b": ", 1) for line in head.split(b"\r\n"))
            else:
                answer = await client.post("/predict", content=body, headers=headers)
                status, content = answer.status_code, answer.content
                named = dict((name.lower(), value) for name, value in answer.headers.raw)
            made = named.pop(b"x-request-id")
            assert made in content and (made == b"mine" or len(made) == 32)
            seen.append((status, content.replace(made, b"ID"), named, await counted(client)))
    assert seen[0] == seen[1]


@pytest.mark.anyio
@pytest.mark.parametrize(("body", "headers"), LEFT.values(), ids=LEFT)
async def test_what_is_not_ordinary_is_left_alone(
    fast_release: Release, fast: Loaded, body: bytes, headers: dict[str, str]
) -> None:
    async with serving(fast_release, lambda: fast) as client:
        before = await counted(client)
        assert endpoint_of(client).at_once(raw(headers), ("127.0.0.1", 80), body) is None
        assert await counted(client) == before


@pytest.mark.anyio
async def test_a_key_is_asked_for_at_once_too(fast_release: Release, fast: Loaded) -> None:
    async with serving(fast_release, lambda: fast, Options(keys=("first-key-0123456789", "second"))) as client:
        for key, known in (("", False), ("Bearer third", False), ("second", False), ("Bearer second", True)):
            headers = raw(ORDINARY | ({"Authorization": key} if key else {}))
            answered = endpoint_of(client).at_once(headers, ("127.0.0.1", 80), ASKED["in order"][0])
            assert (answered is not None) == known, key


@pytest.mark.anyio
async def test_nothing_is_answered_at_once_that_scikit_learn_scores(client: httpx.AsyncClient) -> None:
    assert endpoint_of(client).at_once(raw(ORDINARY), ("127.0.0.1", 80), ASKED["in order"][0]) is None


def test_a_hook_that_passes_on_is_known_by_what_it_does() -> None:
    import model.hooks

    assert passes_on(model.hooks.before) and passes_on(model.hooks.after)

    def twice(rows: Any) -> Any:
        return rows + rows

    def second(rows: Any, others: Any = ()) -> Any:
        return rows

    others: list[Any] = [twice, second, lambda *rows: rows, lambda rows: [*rows], Moody().before, len]
    assert not any(passes_on(other) for other in others)


@pytest.fixture(scope="module")
def running(fast_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[processes.Service]:
    folder = tmp_path_factory.mktemp("running-fast")
    with processes.service(fast_bundle, folder) as started:
        started.wait_for("/health/ready")
        yield started


def exchange(address: tuple[str, int], sent: bytes, answers: int) -> list[bytes]:
    """Send bytes over one connection and return the bodies of so many answers."""
    bodies = []
    with socket.create_connection(address, 10) as connection, connection.makefile("rb") as stream:
        connection.sendall(sent)
        for _ in range(answers):
            status, length = stream.readline().split()[1], 0
            while (line := stream.readline()) != b"\r\n":
                name, _, value = line.partition(b": ")
                length = int(value) if name.lower() == b"content-length" else length
            bodies.append(status + b" " + stream.read(length))
    return bodies


def message(body: bytes, more: str = "") -> bytes:
    head = "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n{more}\r\n".encode() + body


def test_pipelined_requests_of_both_ways_are_answered_in_their_order(running: processes.Service) -> None:
    good, bad = json.dumps({"features": ROW}).encode(), b'{"features": 1}'
    others = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    sent = message(good) + message(bad) + message(good) + others + message(good, "X-Request-ID: last\r\n")
    bodies = exchange(running.address, sent, 5)
    assert [body[:3] for body in bodies] == [b"200", b"422", b"200", b"200", b"200"]
    assert b"live" in bodies[3] and b'"request_id": "last"' in bodies[4]


@pytest.mark.parametrize("size", [1, 7, 40, 200])
def test_a_request_in_pieces_is_answered_as_a_whole_one(running: processes.Service, size: int) -> None:
    whole = message(json.dumps({"features": NAMED}).encode()) * 2
    with socket.create_connection(running.address, 10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(whole), size):
            connection.sendall(whole[start : start + size])
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        said = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert said.count(b"HTTP/1.1 200 OK\r\n") == 3 and said.count(b'"probability"') == 2


def test_a_connection_that_is_not_kept_is_closed(running: processes.Service) -> None:
    for version, more in (("1.0", ""), ("1.1", "Connection: close\r\n")):
        with socket.create_connection(running.address, 10) as connection:
            sent = message(json.dumps({"features": ROW}).encode(), more)
            connection.sendall(sent.replace(b"HTTP/1.1", f"HTTP/{version}".encode()))
            said = b"".join(iter(lambda: connection.recv(65_536), b""))
        assert said.startswith(b"HTTP/1.1 200 OK\r\n") and b"connection: close\r\n" in said


def test_both_ways_send_the_same_head(running: processes.Service) -> None:
    heads = []
    for more in ("", "Expect: 100-continue\r\n"):
        with socket.create_connection(running.address, 10) as connection:
            connection.sendall(message(json.dumps({"features": ROW}).encode(), more))
            connection.shutdown(socket.SHUT_WR)
            said = b"".join(iter(lambda: connection.recv(65_536), b"")).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        head = said.partition(b"\r\n\r\n")[0].split(b"\r\n")
        heads.append([line for line in head if not line.startswith((b"x-request-id", b"date"))])
        assert sum(line.startswith(b"date: ") for line in head) == 1
    assert heads[0] == heads[1]


IMPORTED = """
import sys
from pathlib import Path
from service.__main__ import options_of, read_release
from service.app import Application
from service.state import load
import service.server

bundle = Path(sys.argv[1])
sys.path.insert(0, str(bundle))
release = read_release(bundle)
loaded = load(bundle, release)
app = Application(release, lambda: loaded, options_of(release, {}), lambda: None)
app.build()
app.state.loaded = loaded
body = (b'{"features": ' + sys.argv[2].encode() + b'}')
assert app.build().at_once([(b"content-type", b"application/json")], None, body)[0] == 200
print(sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[3:])))
"""


@pytest.mark.parametrize(("hooks", "imported"), [("", []), ("import numpy\n", ["numpy"])], ids=["plain", "numpy in a hook"])
def test_no_heavy_library_is_imported_but_what_the_hooks_import(tmp_path: Path, hooks: str, imported: list[str]) -> None:
    functions = "def before(rows):\n    return rows\n\ndef after(answers):\n    return answers\n"
    bundles.write(tmp_path / "b", bundles.Recipe(generated=True, hooks=hooks + functions if hooks else ""))
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    arguments = [sys.executable, "-c", IMPORTED, str(tmp_path / "b"), json.dumps(ROW), *HEAVY]
    ran = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == repr(imported), ran.stderr
