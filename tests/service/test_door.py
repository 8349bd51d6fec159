"""A service on loopback is not open to every web page: what a form can send is refused, and a name that is not its own."""

from __future__ import annotations

import json

import httpx
import pytest

from gateline.contracts.release import Release
from gateline.settings import Service
from service.app import Options
from service.door import bare
from service.state import Loaded
from tests.service.bundles import ROW
from tests.service.conftest import serving

pytestmark = pytest.mark.anyio
BODY = json.dumps({"features": ROW}).encode()
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "application/json"}, 200),
        ({"content-type": "application/json; charset=utf-8"}, 200),
        ({"content-type": "application/octet-stream"}, 200),
        ({}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"content-type": "application/json", "sec-fetch-site": "cross-site"}, 200),
        ({"sec-fetch-site": "cross-site"}, 415),
        ({"origin": "http://evil.example"}, 415),
        ({"origin": "http://127.0.0.1:8100", "host": "127.0.0.1:8100"}, 200),
        ({"content-type": FORM}, 200),
        ({"content-type": FORM, "origin": "null"}, 415),
        ({"content-type": FORM, "referer": "http://evil.example/"}, 415),
        ({"content-type": FORM, "sec-fetch-site": "cross-site"}, 415),
        ({"content-type": "multipart/form-data; boundary=x"}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "Text/Plain;charset=UTF-8"}, 415),
        ({"content-type": "application/json, text/plain"}, 415),
    ],
)
async def test_what_an_html_form_can_send_is_refused(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    answer = await client.post("/predict", content=BODY, headers=headers)
    assert answer.status_code == status
    if status == 415:
        assert "allowed: application/json" in answer.json()["detail"] and answer.headers["x-request-id"]


async def test_a_second_content_type_does_not_hide_the_first(client: httpx.AsyncClient) -> None:
    twice = [("content-type", "application/json"), ("content-type", "text/plain")]
    assert (await client.post("/predict", content=BODY, headers=twice)).status_code == 415


OURS = ("localhost", "LOCALHOST:8100", "127.0.0.1:8100", "127.1.2.3", "[::1]:8100", "localhost.")
FOREIGN = (
    "evil.example", "evil.example:8100", "localhost.evil.example", "127.0.0.1.evil.example", "10.1.2.3", "[::2]", "",
    "[::1].evil.example", "[::1]evil",
)  # fmt: skip
LISTED = ("api.example.org:443", "API.example.org", "10.0.0.7")


@pytest.mark.parametrize(
    ("hosts", "answered"),
    [
        ((), OURS),
        (("api.example.org", "10.0.0.7"), (*OURS, *LISTED)),
        (("0.0.0.0", "machine"), (*OURS, "10.1.2.3", "[::2]", "10.0.0.7", "machine:80")),
        (("*",), (*OURS, *FOREIGN, *LISTED, "machine:80")),
    ],
)
async def test_another_name_than_its_own_is_answered_421(
    release: Release, loaded: Loaded, hosts: tuple[str, ...], answered: tuple[str, ...]
) -> None:
    async with serving(release, lambda: loaded, Options(hosts=hosts)) as client:
        for host in (*OURS, *FOREIGN, *LISTED, "machine:80"):
            for path in ("/docs", "/drift"):
                got = await client.get(path, headers={"host": host})
                assert got.status_code == (200 if host in answered else 421), host
            posted = await client.post("/predict", json={"features": ROW}, headers={"host": host})
            assert posted.status_code == (200 if host in answered else 421), host
            for path in ("/health/live", "/health/ready", "/metrics"):
                assert (await client.get(path, headers={"host": host})).status_code == 200
        refused = await client.get("/docs", headers={"host": "<evil>\r"}) if "*" not in hosts else None
        assert refused is None or (refused.status_code == 421 and "service.hosts" in refused.json()["detail"])


async def test_hosts_of_the_release_and_the_address_asked_are_known(release: Release, loaded: Loaded) -> None:
    named = release.model_copy(update={"service": Service(hosts=("api.example.org",))})
    async with serving(named, lambda: loaded) as client:
        assert (await client.get("/docs", headers={"host": "api.example.org"})).status_code == 200
    transport = httpx.ASGITransport(client._transport.app)  # type: ignore[attr-defined]
    async with httpx.AsyncClient(transport=transport, base_url="http://172.18.0.5:8000") as within:
        assert (await within.get("/drift")).status_code == 200
        assert (await within.get("/drift", headers={"host": "172.18.0.6:8000"})).status_code == 421


def test_a_release_that_names_no_hosts_has_the_digest_it_had() -> None:
    assert "hosts" not in Service().model_dump(mode="json") and '"hosts"' not in Service().model_dump_json()
    assert Service(hosts=("a",)).model_dump(mode="json")["hosts"] == ["a"]
    assert Service.model_validate_json(Service().model_dump_json()) == Service()


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("A.B.:1", "a.b"),
        ("[::1]:80", "::1"),
        ("[::1]", "::1"),
        ("::1", "::1"),
        ("a:b", "a:b"),
        ("[::1].b:80", "[::1].b:80"),
    ],
)
def test_a_host_without_its_trimmings(value: str, host: str) -> None:
    assert bare(value) == host
