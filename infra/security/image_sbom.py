"""Rule `image_sbom`: a CycloneDX bill of materials of the release's image: base and libraries, without an address in it."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gateline.settings.errors import OutsideError
from infra.host.docker import Docker, connect, reaching
from infra.releases.image.listing import Entry, listing
from infra.security import tool
from infra.security.finding import Finding, Scan, ScannerFailed
from infra.security.image_policy import LIBRARIES
from infra.security.sbom import ADDRESS
from infra.security.subject import Subject

TOOLS = ("syft",)
PATH = Path("reports/security/image-sbom.cdx.json")
ADDRESSED = ("externalReferences", "licenses", "$schema")
"""What syft takes from packages' own words, where addresses stand."""
INSTALLED = re.compile(rf"{LIBRARIES}([^/]+)-([^/-]+)\.dist-info/METADATA")


def scan(subject: Subject) -> Scan:
    """Write the bill and check it: every library that lies in the image is in it, no address is."""
    if subject.image is None:
        raise ScannerFailed("the release has no image: invoke build")
    try:
        client = connect("")
        with reaching():
            entries = listing(client, subject.image.id)
            bill = without_addresses(_bill(client, subject.image.id))
        client.close()
    except OutsideError as error:
        raise ScannerFailed(error.message) from None
    target = subject.root / PATH
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(bill, indent=1), encoding="utf-8")
    findings = tuple(Finding("syft", "image_sbom", message) for message in faults(bill, entries))
    gaps = () if lying(entries) else ("no library was found in the image: there was nothing to hold the bill against",)
    return Scan(len(bill["components"]), "components of the image", TOOLS, findings, gaps)


def without_addresses(found: Any) -> Any:
    """Return a bill without the fields that packages fill with addresses."""
    if isinstance(found, dict):
        return {name: without_addresses(value) for name, value in found.items() if name not in ADDRESSED}
    return [without_addresses(value) for value in found] if isinstance(found, list) else found


def faults(bill: dict[str, Any], entries: Iterable[Entry]) -> list[str]:
    """Return what is wrong with a bill, held against the files of the image."""
    seen = {(_plain(component["name"]), component.get("version", "")) for component in bill["components"]}
    missing = sorted(f"{name} {version}" for name, version in lying(entries) if (_plain(name), version) not in seen)
    wrong = [f"{named} lies in the image, but not in the bill" for named in missing]
    return wrong + [
        f"the bill names an address ({address}…)" for address in sorted(set(ADDRESS.findall(json.dumps(bill))))
    ]


def lying(entries: Iterable[Entry]) -> set[tuple[str, str]]:
    """Return name and version of each library that is installed in an image."""
    return {(match[1], match[2]) for entry in entries if (match := INSTALLED.fullmatch(entry.path))}


def _bill(client: Docker, image: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="gateline-sbom-") as scratch:
        saved = Path(scratch) / "image.tar"
        with saved.open("wb") as stream:
            for chunk in client.images.get(image).save():
                stream.write(chunk)
        argv = ["syft", "scan", f"docker-archive:{saved}", "--quiet", "--output", "cyclonedx-json"]
        bill: dict[str, Any] = json.loads(tool.run(argv, Path(scratch), (0,), "{"))
        return bill


def _plain(name: str) -> str:
    """https://packaging.python.org/en/latest/specifications/name-normalization/."""
    return re.sub(r"[-_.]+", "-", name).lower()
