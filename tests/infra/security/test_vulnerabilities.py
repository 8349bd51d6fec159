"""Rule `vulnerabilities`, asked of a database of our own that answers as OSV does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateline.contracts.verdict import Outcome
from gateline.settings import SecurityGate
from infra.security import vulnerabilities
from infra.security.finding import Scan, judge
from infra.security.running import attempt
from tests.infra.security.projects import subject

HOLES = {("jinja2", "2.4.1"): "PYSEC-2014-8"}


class Database(HTTPServer):
    """Answers which holes a package of one version has."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.holes = dict(HOLES)
        self.status = 200

    @property
    def url(self) -> str:
        """Where queries go."""
        return f"http://127.0.0.1:{self.server_port}/v1/query"


class Answer(BaseHTTPRequestHandler):
    """One answer."""

    server: Database

    def do_POST(self) -> None:
        """Answer an OSV query."""
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name, version = query["package"]["name"], query["version"]
        hole = self.server.holes.get((name, version))
        body = json.dumps({"vulns": [entry(hole, name)]} if hole else {}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def entry(hole: str, name: str) -> dict[str, Any]:
    """Return one record of the database."""
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.9"}]}]
    return {
        "id": hole,
        "summary": "bad",
        "affected": [{"package": {"name": name, "ecosystem": "PyPI"}, "ranges": ranges}],
    }


@pytest.fixture
def database() -> Iterator[Database]:
    """A database that knows the control alone."""
    with Database() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def scan(root: Path, url: str, *accepted: str) -> Scan:
    """Scan the project against the database at `url`."""
    gate = SecurityGate(osv_url=url, accepted_vulnerabilities=accepted)
    return attempt(vulnerabilities.scan, subject(root, gate=gate))


@pytest.mark.slow
def test_packages_without_known_holes_pass(root: Path, database: Database) -> None:
    found = scan(root, database.url)
    assert (found.looked_at, found.findings, found.gaps) == (4, (), ())
    assert judge("vulnerabilities", found, False).outcome is Outcome.PASS


@pytest.mark.slow
def test_a_hole_is_found_with_place_and_cure(root: Path, database: Database) -> None:
    database.holes["beta", "2.5"] = "PYSEC-2026-1"
    findings = scan(root, database.url).findings
    assert [finding.where for finding in findings] == ["requirements/service.txt:3", "requirements/dev.txt:3"]
    assert findings[0].message == "beta 2.5 has PYSEC-2026-1; fixed in 9.9: nox -s lock -- --upgrade"
    assert findings[0].blocks


@pytest.mark.slow
def test_an_accepted_hole_is_left(root: Path, database: Database) -> None:
    database.holes["beta", "2.5"] = "PYSEC-2026-1"
    assert scan(root, database.url, "PYSEC-2026-1").findings == ()


def test_a_database_that_knows_of_nothing_is_not_believed(root: Path, database: Database) -> None:
    database.holes.clear()
    found = scan(root, database.url)
    assert found.gaps == (vulnerabilities.SILENT,)
    assert judge("vulnerabilities", found, False).outcome is Outcome.INCONCLUSIVE


@pytest.mark.slow
@pytest.mark.parametrize("status", [404, 500])
def test_a_database_that_fails_is_a_gap(root: Path, database: Database, status: int) -> None:
    database.status = status
    found = scan(root, database.url)
    assert found.findings == () and "pip-audit could not scan" in found.gaps[0]


def test_a_database_out_of_reach_is_a_gap(root: Path) -> None:
    found = scan(root, "http://127.0.0.1:9/v1/query")
    assert found.findings == () and "pip-audit could not scan" in found.gaps[0]
    assert judge("vulnerabilities", found, True).outcome is Outcome.INCONCLUSIVE


def test_no_locked_package_is_nothing_looked_at(root: Path, database: Database) -> None:
    for name in ("service", "dev"):
        (root / f"requirements/{name}.txt").write_text("# nothing\n")
    assert scan(root, database.url).looked_at == 0
