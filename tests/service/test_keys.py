"""A service with keys answers those alone who carry one; health is for everyone."""

from __future__ import annotations

from pathlib import Path

import httpx
import psutil
import pytest

from gateline.contracts.headers import KEYS_VARIABLE, authorized, keys_of
from gateline.contracts.release import Release
from gateline.settings import Service
from gateline.settings.errors import UsageError
from service.app import Options
from service.state import Loaded
from tests.service import processes
from tests.service.bundles import ROW
from tests.service.conftest import serving

pytestmark = pytest.mark.anyio
KEYS = ("first-key-0123456789", "second.key~of/16+==")
BODY = {"features": ROW}


async def statuses(client: httpx.AsyncClient, paths: tuple[str, ...], headers: dict[str, str]) -> dict[str, int]:
    return {path: (await client.get(path, headers=headers)).status_code for path in paths}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER  "])
async def test_each_key_lets_in(release: Release, loaded: Loaded, key: str, scheme: str) -> None:
    async with serving(release, lambda: loaded, Options(keys=KEYS)) as client:
        answer = await client.post("/predict", json=BODY, headers={"Authorization": f"{scheme} {key}"})
        assert answer.status_code == 200, answer.text


WRONG = ["", "Bearer", "Bearer ", f"Basic {KEYS[0]}", KEYS[0], f"Bearer {KEYS[0]}x", f"Bearer {KEYS[0][:-1]}", "Bearer é"]


@pytest.mark.parametrize("given", WRONG)
async def test_others_are_refused_and_not_counted(release: Release, loaded: Loaded, given: str) -> None:
    async with serving(release, lambda: loaded, Options(keys=KEYS)) as client:
        headers = {b"Authorization": given.encode()} if given else {}
        answer = await client.post("/predict", json=BODY, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Bearer realm="predictions"')
        assert ("invalid_token" in answer.headers["www-authenticate"]) == bool(given)
        assert "Authorization" in answer.json()["detail"] and KEYS[0] not in answer.text
        assert 'gateline_requests_total{status="4xx"} 0.0' in (await client.get("/metrics")).text


async def test_health_is_answered_to_everyone_and_what_tells_of_rows_is_not(release: Release, loaded: Loaded) -> None:
    async with serving(release, lambda: loaded, Options(keys=KEYS)) as client:
        open_, closed = ("/health/live", "/health/ready", "/metrics"), ("/drift", "/openapi.json", "/docs", "/nothing")
        assert set((await statuses(client, open_, {})).values()) == {200}
        assert set((await statuses(client, closed, {})).values()) == {401}
        found = await statuses(client, closed, {"Authorization": f"Bearer {KEYS[1]}"})
        assert list(found.values()) == [200, 200, 200, 404]


async def test_metrics_ask_for_a_key_where_the_release_says_so(release: Release, loaded: Loaded) -> None:
    closed = release.model_copy(update={"service": Service(open_metrics=False)})
    async with serving(closed, lambda: loaded, Options(keys=KEYS)) as client:
        paths = ("/metrics", "/health/ready")
        assert list((await statuses(client, paths, {})).values()) == [401, 200]
        assert list((await statuses(client, paths, {"Authorization": f"Bearer {KEYS[0]}"})).values()) == [200, 200]


async def test_a_service_without_keys_answers_everyone(client: httpx.AsyncClient) -> None:
    assert (await client.post("/predict", json=BODY, headers={"Authorization": "Bearer x"})).status_code == 200


def test_the_variable_holds_the_keys() -> None:
    assert keys_of("") == keys_of(" , ") == keys_of("none") == ()
    assert keys_of(f"{KEYS[0]}, {KEYS[1]}") == KEYS
    assert authorized({KEYS_VARIABLE: ",".join(KEYS)}) == {"Authorization": f"Bearer {KEYS[0]}"}
    assert authorized({}) == authorized({KEYS_VARIABLE: "none"}) == {}


@pytest.mark.parametrize("text", ["short", "x" * 257, f"{KEYS[0]},a key with blanks in it", "sixteen-letters-ä"])
def test_a_key_that_is_none_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(UsageError, match="GATELINE_API_KEY must have 16 to 256 characters") as refused:
        keys_of(text)
    assert text not in str(refused.value)


def test_a_process_takes_its_keys_from_the_environment(bundle: Path, tmp_path: Path) -> None:
    with processes.service(bundle, tmp_path, GATELINE_API_KEY=",".join(KEYS)) as service:
        service.wait_for("/health/ready")
        assert service.client.post("/predict", json=BODY).status_code == 401
        known = {"Authorization": f"Bearer {KEYS[1]}"}
        assert service.client.post("/predict", json=BODY, headers=known).status_code == 200
        assert not any(key in word for key in KEYS for word in psutil.Process(service.process.pid).cmdline())
    assert not any(key in service.errors.read_text(encoding="utf-8") for key in KEYS)


def test_a_process_with_a_bad_key_does_not_start(bundle: Path, tmp_path: Path) -> None:
    with processes.service(bundle, tmp_path, **{KEYS_VARIABLE: "short"}) as service:
        assert service.ended() == 2
    assert "GATELINE_API_KEY must have" in service.errors.read_text(encoding="utf-8")
