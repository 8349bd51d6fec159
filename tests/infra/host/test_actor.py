"""Who acts, and on which commit."""

from __future__ import annotations

import base64
import json
import os
import pwd
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from threading import Thread

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infra.host.actor import acting, ask_for_token, commit

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_ACTOR": "octo",
    "GITHUB_SERVER_URL": "https://git.example",
    "GITHUB_REPOSITORY": "a/b",
    "GITHUB_RUN_ID": "7",
}


def test_a_person_at_a_machine() -> None:
    actor = acting({"USER": "eve", "LOGNAME": "eve"})
    assert (actor.kind, actor.name, actor.known_by) == ("person", pwd.getpwuid(os.getuid()).pw_name, "account")


def test_the_ci_identity_wins_over_the_account() -> None:
    actor = acting(GITHUB)
    assert (actor.kind, actor.name, actor.run) == ("ci", "octo", "https://git.example/a/b/actions/runs/7")
    assert actor.known_by == "as given", "variables may say anything"


SUBJECT = "repo:a/b:ref:refs/heads/main"
TOKEN = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, {"sub": SUBJECT}))
LOCAL = r"http://127\.0\.0\.1:\d+/"


@pytest.fixture
def token_service() -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """Stand for the CI server's token service: it answers to the job's own permit alone."""
    asked: list[tuple[str, str | None]] = []

    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            self.send_response(200 if self.headers["Authorization"] == "bearer permit" else 403)
            self.end_headers()
            self.wfile.write(json.dumps({"value": f"{TOKEN}.signature"}).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/token?api=1", asked
        server.shutdown()


def granted(url: str, permit: str = "permit") -> dict[str, str]:
    return GITHUB | {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": permit}


def test_a_token_of_the_ci_server_says_who_it_is(token_service: tuple[str, list[tuple[str, str | None]]]) -> None:
    url, asked = token_service
    for _ in range(2):
        actor = acting(granted(url), LOCAL)
        assert (actor.name, actor.known_by, actor.kind) == (SUBJECT, "oidc", "ci")
    assert asked == [("/token?api=1&audience=gateline", "bearer permit")], "it is asked once a process"


def test_no_variable_says_whose_certificates_the_token_service_may_have(
    token_service: tuple[str, list[tuple[str, str | None]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"https://127.0.0.1:{server.server_port}/token?api=1"
        assert httpx.get(url).status_code == 501, "the variable would do"
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            ask_for_token(url, "permit")
        server.shutdown()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for loopback that nobody vouches for, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    now, own = datetime.now(UTC), x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1), [])
    signed = made.add_extension(own, critical=False).sign(key, hashes.SHA256())
    (folder / "c.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "k.pem").write_bytes(key.private_bytes(*plain))
    return folder / "c.pem", folder / "k.pem"


@pytest.mark.parametrize("permit", ["stolen", ""])
def test_who_gets_no_token_is_as_given(token_service: tuple[str, list[tuple[str, str | None]]], permit: str) -> None:
    actor = acting(granted(token_service[0], permit), LOCAL)
    assert (actor.name, actor.known_by) == ("octo", "as given")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "https://x.actions.githubusercontent.com.evil.example/", "?"])
def test_another_token_service_is_not_asked(url: str) -> None:
    assert acting(granted(url)).known_by == "as given"
    assert acting(granted("http://127.0.0.1:9/"), LOCAL).known_by == "as given", "a service that is gone"


def test_gitlab() -> None:
    actor = acting({"GITLAB_CI": "true", "GITLAB_USER_LOGIN": "lea", "CI_JOB_URL": "https://git.example/j/1"})
    assert (actor.kind, actor.name, actor.run) == ("ci", "lea", "https://git.example/j/1")


def test_commit_says_when_tracked_files_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert commit() == "nogit"
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    (tmp_path / "a").write_text("1")
    for arguments in (["init", "-q"], ["add", "a"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *arguments], check=True)
    clean = commit()
    assert len(clean) == 40
    (tmp_path / "b").write_text("not tracked")
    assert commit() == clean
    (tmp_path / "a").write_text("2")
    assert commit() == f"{clean}-dirty"


def test_an_account_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless(uid: int) -> pwd.struct_passwd:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", nameless)
    assert acting({}).name == f"uid {os.getuid()}"


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert commit() == "nogit"
