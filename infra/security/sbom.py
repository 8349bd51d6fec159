"""Rule `sbom`: a CycloneDX bill of materials of what the release runs, model included, without an address in it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from infra.security.finding import Finding, Scan
from infra.security.lockfile import Locked, read
from infra.security.subject import Subject

if TYPE_CHECKING:
    from cyclonedx.model import HashType
    from cyclonedx.model.component import Component

TOOLS = ("gateline",)
PATH = Path("reports/security/sbom.cdx.json")
ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://")


def scan(subject: Subject) -> Scan:
    """Write the bill and check it: every locked package is in it, no address is."""
    packages, _ = read(subject.service_lock)
    if not packages:
        return Scan(0, "components", TOOLS)
    bill = render(subject, packages)
    findings = [Finding("gateline", "sbom", message) for message in faults(bill, packages)]
    target = subject.root / PATH
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(bill, encoding="utf-8")
    return Scan(len(packages), "components", TOOLS, tuple(findings))


def render(subject: Subject, packages: list[Locked]) -> str:
    """Return the bill as CycloneDX 1.6 JSON; the model is the component that the packages belong to."""
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6

    version = subject.release.version if subject.release else None
    root = Component(
        name=subject.project, version=version, type=ComponentType.MACHINE_LEARNING_MODEL, bom_ref="release",
        hashes=_hashes(f"sha256:{subject.release.digest}") if subject.release else (),
    )  # fmt: skip
    bom = Bom()
    bom.metadata.component = root
    listed = [_component(package) for package in packages]
    for component in listed:
        bom.components.add(component)
    bom.register_dependency(root, listed)
    return JsonV1Dot6(bom).output_as_string(indent=2)


def faults(bill: str, packages: list[Locked]) -> list[str]:
    """Return what is wrong with a rendered bill."""
    content = json.loads(bill)
    seen = {(component["name"], component["version"]) for component in content.get("components", [])}
    missing = sorted({(package.name, package.version) for package in packages} - seen)
    wrong = [f"{name} {version} is locked, but not in the bill" for name, version in missing]
    content.pop("$schema", None)
    addresses = sorted(set(ADDRESS.findall(json.dumps(content))))
    return wrong + [f"the bill names an address ({address}…)" for address in addresses]


def _component(package: Locked) -> Component:
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{package.name}=={package.version}",
        purl=PackageURL("pypi", None, package.name, package.version),
        hashes=[hashed for text in package.hashes for hashed in _hashes(text)],
    )


def _hashes(text: str) -> list[HashType]:
    from cyclonedx.model import HashAlgorithm, HashType

    return [HashType(alg=HashAlgorithm.SHA_256, content=text.removeprefix("sha256:"))]
