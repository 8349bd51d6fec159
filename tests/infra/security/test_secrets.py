"""Rule `secrets`. Every secret here is made at run time, so that this file holds none."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from infra.security import secrets
from tests.infra.security.projects import released, subject, write

RANDOM = hashlib.sha256(b"not a secret").hexdigest()
WORD = "pass" + "word = '" + RANDOM[:18] + "'"
PRIVATE = "-----BEGIN " + "RSA PRIVATE KEY-----"
PLANTED = [
    pytest.param("key_id = '" + "AKIA" + "IOSFODNN7EXAMPLZ" + "'", id="aws"),
    pytest.param("t = '" + "ghp_" + RANDOM[:36] + "'", id="github"),
    pytest.param(PRIVATE, id="private"),
    pytest.param(WORD, id="named"),
    pytest.param("url = 'redis" + "://user:" + RANDOM[:12] + "@host.example'", id="address"),
    pytest.param("api_" + "key = '" + RANDOM + "'", id="named-64-hex-digits"),
    pytest.param("x = '" + RANDOM[:32] + "'", id="32-hex-digits"),
]


@pytest.mark.parametrize("line", PLANTED)
@pytest.mark.parametrize(
    "name",
    ["room/code.py", "docs/page.md", ".env", "requirements/dev.txt", "room/swagger.py", "page.css", "poetry.lock", "a.svg"],
)
def test_a_planted_secret_is_found_and_not_shown(root: Path, name: str, line: str) -> None:
    write(root, name, f"# first\n{line}\n")
    findings = secrets.scan(subject(root)).findings
    assert {finding.where for finding in findings} == {f"{name}:2"}
    assert all(finding.blocks and RANDOM[:12] not in finding.message for finding in findings)


def test_a_clean_tree_with_hashes_digests_and_pinned_actions_has_none(root: Path) -> None:
    write(root, "room/code.py", f"DIGEST = '{RANDOM}'\nCOMMIT = '{RANDOM[:40]}'\n")
    scan = secrets.scan(subject(root))
    assert scan.findings == ()
    assert scan.looked_at == 6


def test_a_marked_line_is_left(root: Path) -> None:
    write(root, "room/code.py", f"{WORD}  # {secrets.MARK}\n")
    assert secrets.scan(subject(root)).findings == ()


def test_ignored_files_are_not_searched(root: Path) -> None:
    write(root, "reports/page.txt", PRIVATE)
    assert secrets.scan(subject(root)).findings == ()


def test_declared_data_is_left_out_and_named(root: Path) -> None:
    write(root, "data/train.csv", PRIVATE)
    whole = subject(root)
    assert len(secrets.scan(whole).findings) == 1
    without = secrets.scan(replace(whole, rows=frozenset({"data/train.csv"})))
    assert without.findings == ()
    assert without.notes == ("data/train.csv: not searched for secrets, it holds rows",)


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "shift-jis", "gb18030"]
)
@pytest.mark.parametrize("carried", [False, True])
def test_a_secret_is_found_in_every_encoding_of_text(root: Path, encoding: str, carried: bool) -> None:
    beside = {"latin-1": "clé", "cp1252": "“clé”", "shift-jis": "かぎ", "gb18030": "密码"}.get(encoding, "key")
    data = f"# {beside}\n{WORD}\n".encode(encoding)
    tree = subject(root)
    if carried:
        tree = replace(tree, release=released(), bundle={"service/own.conf": data})
    else:
        (root / "room/own.conf").write_bytes(data)
        tree = subject(root)
    findings = secrets.scan(tree).findings
    places = {each.message.partition(" of the release")[0] if carried else each.where for each in findings}
    assert places == {"service/own.conf:2" if carried else "room/own.conf:2"}


def test_a_file_that_is_no_text_is_not_searched(root: Path) -> None:
    (root / "room/picture").write_bytes(bytes(range(256)) * 40 + WORD.encode())
    assert secrets.scan(subject(root)).findings == ()


@pytest.mark.parametrize("where", ["service/own.py", "artifact/manifest.json"])
def test_a_secret_that_only_the_release_carries_is_found(root: Path, where: str) -> None:
    line = f"\n{WORD}\n".encode()
    carried = {"artifact": {"manifest.json": line}} if where.startswith("artifact") else {"bundle": {where: line}}
    findings = secrets.scan(replace(subject(root), release=released(), **carried)).findings  # type: ignore[arg-type]
    assert findings and all(each.blocks and RANDOM[:12] not in each.message for each in findings)
    assert {each.message.partition(": ")[0] for each in findings} == {f"{where}:2 of the release"}
