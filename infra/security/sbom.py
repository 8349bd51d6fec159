"""Rules `sbom` and `image_sbom`: CycloneDX bills of materials of the release and of its image, without an address in them."""

import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from gateline.settings.errors import OutsideError
from infra.host.docker import connect, reaching
from infra.releases.image.listing import Entry, listing
from infra.security import tool
from infra.security.finding import Finding, Scan, ScannerFailed
from infra.security.image_policy import LIBRARIES
from infra.security.locks import Locked, read
from infra.security.subject import Subject

PATH = Path("reports/security/sbom.cdx.json")
IMAGE_PATH = Path("reports/security/image-sbom.cdx.json")
ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://")
ADDRESSED = ("externalReferences", "licenses", "$schema")
"""What syft takes from packages' own words, where addresses stand."""
INSTALLED = re.compile(rf"{LIBRARIES}([^/]+)-([^/-]+)\.dist-info/METADATA")


def sbom(subject: Subject) -> Scan:
    """A CycloneDX bill of materials of what the release runs, model included, without an index address.

    Every locked package must be in it.
    """
    packages, _ = read(subject.service_lock)
    if not packages:
        return Scan(0, "components", ("gateline",))
    bill = render(subject, packages)
    findings = [Finding("gateline", "sbom", message) for message in faults(bill, packages)]
    _write(subject.root / PATH, bill)
    return Scan(len(packages), "components", ("gateline",), tuple(findings))


def render(subject: Subject, packages: list[Locked]) -> str:
    """Return the bill as CycloneDX 1.6 JSON; the model is the component that the packages belong to."""
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    def hashes(*digests: str) -> list[HashType]:
        return [HashType(alg=HashAlgorithm.SHA_256, content=each.removeprefix("sha256:")) for each in digests]

    release = subject.release
    root = Component(
        name=subject.project, version=release.version if release else None, type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref="release", hashes=hashes(release.digest) if release else (),
    )  # fmt: skip
    listed = [
        Component(
            name=package.name, version=package.version, type=ComponentType.LIBRARY,
            bom_ref=f"{package.name}=={package.version}",
            purl=PackageURL("pypi", None, package.name, package.version), hashes=hashes(*package.hashes),
        )
        for package in packages
    ]  # fmt: skip
    bom = Bom(components=listed)
    bom.metadata.component = root
    bom.register_dependency(root, listed)
    return JsonV1Dot6(bom).output_as_string(indent=2)


def faults(bill: str, packages: list[Locked]) -> list[str]:
    """Return what is wrong with a rendered bill."""
    content = json.loads(bill)
    content.pop("$schema", None)
    seen = {(component["name"], component["version"]) for component in content.get("components", [])}
    missing = sorted({(package.name, package.version) for package in packages} - seen)
    return [*(f"{name} {version} is locked, but not in the bill" for name, version in missing), *_addresses(content)]


def image_sbom(subject: Subject) -> Scan:
    """A CycloneDX bill of materials of the release's image, base and libraries, without an index address.

    Every library that is in the image must be in it.
    """
    if subject.image is None:
        raise ScannerFailed("the release has no image: invoke build")
    try:
        client = connect("")
        with reaching(), tempfile.TemporaryDirectory(prefix="gateline-sbom-") as scratch:
            entries = listing(client, subject.image.id)
            saved = Path(scratch) / "image.tar"
            with saved.open("wb") as stream:
                stream.writelines(client.images.get(subject.image.id).save())
            argv = ["syft", "scan", f"docker-archive:{saved}", "--quiet", "--output", "cyclonedx-json"]
            bill = without_addresses(json.loads(tool.run(argv, Path(scratch), (0,), "{")))
        client.close()
    except OutsideError as error:
        raise ScannerFailed(error.message) from None
    _write(subject.root / IMAGE_PATH, json.dumps(bill, indent=1))
    findings = tuple(Finding("syft", "image_sbom", message) for message in image_faults(bill, entries))
    gaps = () if installed(entries) else ("no library was found in the image: there was nothing to hold the bill against",)
    return Scan(len(bill["components"]), "components of the image", ("syft",), findings, gaps)


def without_addresses(found: Any) -> Any:
    """Return a bill without the fields that packages fill with addresses."""
    if isinstance(found, dict):
        return {name: without_addresses(value) for name, value in found.items() if name not in ADDRESSED}
    return [without_addresses(value) for value in found] if isinstance(found, list) else found


def image_faults(bill: dict[str, Any], entries: Iterable[Entry]) -> list[str]:
    """Return what is wrong with a bill, held against the files of the image."""
    seen = {(canonicalize_name(each["name"]), each.get("version", "")) for each in bill["components"]}
    known = sorted(installed(entries))
    missing = sorted(f"{name} {version}" for name, version in known if (canonicalize_name(name), version) not in seen)
    return [*(f"{named} is in the image, but not in the bill" for named in missing), *_addresses(bill)]


def installed(entries: Iterable[Entry]) -> set[tuple[str, str]]:
    """Return name and version of each library that is installed in an image."""
    return {(match[1], match[2]) for entry in entries if (match := INSTALLED.fullmatch(entry.path))}


def _addresses(bill: dict[str, Any]) -> Iterator[str]:
    for address in sorted(set(ADDRESS.findall(json.dumps(bill)))):
        yield f"the bill names an address ({address}…)"


def _write(target: Path, bill: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(bill, encoding="utf-8")
