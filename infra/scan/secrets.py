"""Rule `secrets`: keys, tokens and passwords in the files that git tracks or would track (detect-secrets, offline)."""

from __future__ import annotations

import os
import re
from typing import Any

from infra.scan.finding import Finding, Scan
from infra.scan.subject import Subject

DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
MARK = "pragma: allowlist secret"


def scan(subject: Subject) -> Scan:
    """Return every possible secret by kind and place; its value is in no message and no report."""
    from detect_secrets.core.secrets_collection import SecretsCollection
    from detect_secrets.settings import default_settings

    names = [name for name in subject.files if name not in subject.rows]
    findings: list[Finding] = []
    with default_settings() as settings:
        settings.disable_filters("detect_secrets.filters.heuristic.is_lock_file")
        found = SecretsCollection(root=str(subject.root))
        for name in names:
            found.scan_file(name)
        findings = [_finding(name, secret) for name, secret in found if not _is_digest(secret)]
    notes = tuple(f"{name}: not searched for secrets, it holds rows" for name in sorted(subject.rows))
    return Scan(len(names), "files", ("detect-secrets",), tuple(findings), notes=notes)


def _finding(name: str, secret: Any) -> Finding:
    message = (
        f"looks like a secret ({secret.type}); revoke it and read it from the environment, or mark the line '{MARK}'"
    )
    return Finding(
        "detect-secrets", secret.type.replace(" ", "-"), message, name.replace(os.sep, "/"), secret.line_number
    )


def _is_digest(secret: Any) -> bool:
    """A bare SHA-1 or SHA-256 has a key's entropy; a key has a telling name as well, which another detector sees."""
    return secret.type == "Hex High Entropy String" and DIGEST.fullmatch(secret.secret_value or "") is not None
