"""Rule `secrets`: keys, tokens and passwords in the files that git tracks or would track (detect-secrets, offline)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Any

from infra.scan.finding import Finding, Scan
from infra.scan.subject import Subject

DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
MARK = "pragma: allowlist secret"
_ALONE = Lock()
"""The library keeps its settings in a global."""


def scan(subject: Subject) -> Scan:
    """Return every possible secret by kind and place; its value is in no message and no report."""
    names = [name for name in subject.files if name not in subject.rows]
    findings = [_finding(*found) for found in secrets_in(subject.root, names)]
    notes = tuple(f"{name}: not searched for secrets, it holds rows" for name in sorted(subject.rows))
    return Scan(len(names), "files", ("detect-secrets",), tuple(findings), notes=notes)


def secrets_in(root: Path, names: Iterable[str]) -> list[tuple[str, str, int]]:
    """Return path, kind and line of every possible secret in these files below `root`. One search runs at a time."""
    from detect_secrets.core.secrets_collection import SecretsCollection
    from detect_secrets.settings import default_settings

    with _ALONE, default_settings() as settings:
        settings.disable_filters("detect_secrets.filters.heuristic.is_lock_file")
        found = SecretsCollection(root=str(root))
        for name in names:
            found.scan_file(name)
        return [(name, secret.type, secret.line_number) for name, secret in found if not _is_digest(secret)]


def _finding(name: str, kind: str, line: int) -> Finding:
    message = f"looks like a secret ({kind}); revoke it and read it from the environment, or mark the line '{MARK}'"
    return Finding("detect-secrets", kind.replace(" ", "-"), message, name.replace(os.sep, "/"), line)


def _is_digest(secret: Any) -> bool:
    """A bare SHA-1 or SHA-256 has a key's entropy; a key has a telling name as well, which another detector sees."""
    return secret.type == "Hex High Entropy String" and DIGEST.fullmatch(secret.secret_value or "") is not None
