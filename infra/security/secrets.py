"""Rule `secrets`: keys, tokens and passwords, in text of any encoding and in notebooks."""

import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from threading import Lock

from gateline.contracts.manifest import MANIFEST_FILE, METRICS_FILE, SCHEMA_FILE
from infra.security.code import released
from infra.security.finding import Finding, Scan
from infra.security.subject import Subject, as_utf8, laid_out

DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
WRITTEN = (MANIFEST_FILE, METRICS_FILE, SCHEMA_FILE)
"""What of an artifact people write, or could; golden rows are drawn by chance, as keys are."""
MARK = "pragma: allowlist secret"
LEFT_OUT = [f"detect_secrets.filters.heuristic.{what}" for what in ("is_lock_file", "is_swagger_file", "is_non_text_file")]
"""What the library skips by its name alone, with any content: `swagger.py`, `style.css`, `poetry.lock`, `a.svg`."""
_ALONE = Lock()
"""The library keeps its settings in a global."""
SUFFIX = ".ipynb"
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
BASE64 = r"(?:[A-Za-z0-9+/=]|\\n|\\/)"
BEGINNINGS = r"iVBORw0KGg|/9j/|R0lGOD[lh]|UklGR|JVBERi0|AAAA[A-Za-z0-9+/]{2}Z0eX"
"""Base64 of the first bytes of PNG, JPEG, GIF, WebP, PDF and MP4."""
PICTURE = re.compile(rf"(?<![A-Za-z0-9+/])(?:{BEGINNINGS}){BASE64}{{56,}}")
"""No key of 40 characters is that long and begins so."""
SAID = r'"(?:(?:image|audio|video)/[\w.+-]+|bdata)"\s*:\s*(?:\[\s*)?"|data:(?:image|audio|video)/[\w.+-]+;base64,'
"""What says that a picture or a sound follows, in any format, or the numbers that Plotly draws one from."""
SAID_TO_BE = re.compile(rf"({SAID}){BASE64}{{57,}}")
GONE = "\0"
FURTHER = re.compile(rf'(?<="{GONE}")(?:\s*,\s*"{BASE64}+"(?!\s*:))+')
"""The other lines of a picture that is written as a list of lines; what a colon follows is the name of something else."""


def scan(subject: Subject) -> Scan:
    """Keys, tokens and passwords in what git tracks or would track, and in the release (detect-secrets).

    A finding says kind and place; the secret's value is in no message and no report.
    """
    names = [name for name in subject.files if name not in subject.rows]
    findings = [_finding(*found) for found in secrets_in(subject.root, names)]
    carried = subject.foreign | {f"artifact/{name}": subject.artifact[name] for name in WRITTEN if name in subject.artifact}
    texts = sorted(name for name, data in carried.items() if as_utf8(data) is not None)
    with laid_out(carried, texts) as folder:
        findings += [released(_finding(*found)) for found in secrets_in(folder, texts)]
    notes = tuple(f"{name}: not searched for secrets, it holds rows" for name in sorted(subject.rows))
    return Scan(len(names) + len(texts), "files", ("detect-secrets",), tuple(findings), notes=notes)


def _finding(name: str, kind: str, line: int) -> Finding:
    message = f"looks like a secret ({kind}); revoke it and read it from the environment, or mark the line '{MARK}'"
    return Finding("detect-secrets", kind.replace(" ", "-"), message, name.replace(os.sep, "/"), line)


def secrets_in(root: Path, names: Sequence[str]) -> list[tuple[str, str, int]]:
    """Return path, kind and line of every possible secret in these files below `root`. One search runs at a time."""
    from detect_secrets.settings import default_settings

    plain = [name for name in names if not name.endswith(SUFFIX)]
    with _ALONE, default_settings() as settings:
        settings.disable_filters(*LEFT_OUT)
        found = _search(root, plain)
        for name in sorted({*names} - {*plain}):
            found += _in_notebook(root, name)
    return found


def _search(root: Path, names: Iterable[str]) -> list[tuple[str, str, int]]:
    """The library passes over a file in which one byte is no UTF-8: it is given a copy of what is text all the same."""
    from detect_secrets.core.secrets_collection import SecretsCollection

    others: dict[str, bytes] = {}
    found = SecretsCollection(root=str(root))
    for name in names:
        data = (root / name).read_bytes()
        text = as_utf8(data)
        if text == data:
            found.scan_file(name)
        elif text is not None:
            others[name] = text
    with laid_out(others, others) as folder:
        copied = SecretsCollection(root=str(folder))
        for name in others:
            copied.scan_file(name)
    # A bare SHA-1 or SHA-256 has a key's entropy; a key has a telling name as well, which another detector sees.
    return [
        (name, secret.type, secret.line_number)
        for name, secret in (*found, *copied)
        if secret.type != "Hex High Entropy String" or not DIGEST.fullmatch(secret.secret_value or "")
    ]


def _in_notebook(root: Path, name: str) -> list[tuple[str, str, int]]:
    """Search what stands in the file, and what its strings say: cells, outputs as text, attributes; not its pictures."""
    text = without_pictures((as_utf8((root / name).read_bytes()) or b"").decode(errors="replace"))
    said = [(line, part) for line, string in strings(text) for part in string.splitlines()]
    with tempfile.TemporaryDirectory(prefix="gateline-notebook-") as scratch:
        Path(scratch, "written.ipynb").write_text(text, encoding="utf-8")
        Path(scratch, "said.py").write_text("\n".join(part for _, part in said), encoding="utf-8")
        written, read = (_search(Path(scratch), [file]) for file in ("written.ipynb", "said.py"))
    places = {(line, kind) for _, kind, line in written} | {(said[line - 1][0], kind) for _, kind, line in read}
    marked = {number for number, line in enumerate(text.split("\n"), start=1) if MARK in line}
    return [(name, kind, line) for line, kind in sorted(places) if line not in marked]


def without_pictures(text: str) -> str:
    """Return a notebook's text with nothing where pictures stood, its lines where they were."""
    gone = SAID_TO_BE.sub(rf"\1{GONE}", PICTURE.sub(GONE, text.replace(GONE, "")))
    return FURTHER.sub(lambda found: re.sub(r'"[^"]*"', '""', found.group()), gone).replace(GONE, "")


def strings(text: str) -> Iterator[tuple[int, str]]:
    """Yield each string of a JSON text as its reader sees it, with the line it begins on. Text that is no JSON has none."""
    line, seen = 1, 0
    for found in STRING.finditer(text):
        line, seen = line + text.count("\n", seen, found.start()), found.start()
        try:
            yield line, json.loads(found.group())
        except ValueError:
            continue
