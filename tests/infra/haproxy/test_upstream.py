"""The TLS proxy that docs/docker.md shows works as it is written, with another port and certificate."""

from __future__ import annotations

import datetime
import re
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.haproxy import configuration as haproxy
from infra.host.ports import free_ports, is_free
from infra.host.processes import wait_until

PAGE = Path(__file__).parents[3] / "docs/docker.md"


class Hello(BaseHTTPRequestHandler):
    """Says by which protocol it was asked."""

    def do_GET(self) -> None:
        """Answer."""
        body = str(self.headers["X-Forwarded-Proto"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def certificate(path: Path) -> None:
    """Write a certificate for loopback, signed by itself, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(serialization.Encoding.PEM, *form)
    )


def test_it_speaks_tls_and_hands_on(tmp_path: Path) -> None:
    certificate(tmp_path / "certificate.pem")
    behind = HTTPServer(("127.0.0.1", 0), Hello)
    threading.Thread(target=behind.serve_forever, daemon=True).start()
    [port] = free_ports(1, ())
    found = re.search(r"```haproxy\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    text = found[1].replace(":443", f"127.0.0.1:{port}").replace("127.0.0.1:8100", f"127.0.0.1:{behind.server_port}")
    text = text.replace("/etc/haproxy/certificate.pem", str(tmp_path / "certificate.pem"))
    (tmp_path / "haproxy.cfg").write_text(text)
    process = subprocess.Popen([haproxy.binary(), "-db", "-f", str(tmp_path / "haproxy.cfg")])
    try:
        assert wait_until(lambda: not is_free("127.0.0.1", port), 30) and process.poll() is None
        trusted = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
        answer = httpx.get(f"https://127.0.0.1:{port}/", verify=trusted, trust_env=False)
        assert (answer.status_code, answer.text) == (200, "https")
    finally:
        process.terminate()
        process.wait(10)
        behind.shutdown()
        behind.server_close()
