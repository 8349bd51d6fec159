"""What this machine made itself, kept outside the registry: it is what `invoke sign` vouches for, not what the registry names.

A line of the file is a kind and a digest: `release`, `model` (of an artifact's files), `image/<release>`, `verdict/<stage>`;
and `signed-model`, of a champion that a key of the settings was found to vouch for. `built/<release>` holds when that was
built here first, and from which commit: no digest covers them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateline.contracts import layout
from gateline.contracts.digest import WHOLE, of_bytes, of_value, short
from gateline.contracts.verdict import Verdict
from gateline.registry.releases import Releases
from gateline.settings import Settings
from gateline.settings.errors import GateRefused, UsageError

FILE = "made.txt"
BY_DIGEST = "if you know it, name its whole digest:"
RELEASE, MODEL, SIGNED_MODEL, BUILT = "release", "model", "signed-model", "built/"


@dataclass(frozen=True)
class Made:
    """The file of one checkout. Anyone who can write it acts as this account."""

    path: Path

    @classmethod
    def of(cls, settings: Settings, root: Path = Path(".")) -> Made:
        """Return that of the checkout in `root`; a run on the sample has one of its own."""
        return cls(layout.keeping(settings, root)[layout.BUILD] / FILE)

    def add(self, kind: str, digest: str) -> None:
        """Keep that this was made here, now. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(f"{kind} {digest}\n")

    def all(self, kind: str) -> list[str]:
        """Return the digests of a kind, what was made last at the end."""
        if not self.path.is_file():
            return []
        lines = (line.split() for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines())
        return [line[1] for line in lines if len(line) == 2 and line[0] == kind]

    def release(self, releases: Releases, reference: str) -> str:
        """Return the digest of the release that was built here last, or of the one that is named.

        A whole digest names what its giver knows. All else leads through the registry, and counts where it leads to what was
        built here. Raises UsageError where nothing was, or nothing has this name, GateRefused (`signature`) for another's.
        """
        built = self.all(RELEASE)
        if WHOLE.fullmatch(reference):
            return reference
        if not reference and not built:
            raise UsageError("nothing was built on this machine", f"invoke build; or, {BY_DIGEST} --release=DIGEST")
        digest = releases.resolve(reference).digest if reference else built[-1]
        if digest in built:
            return digest
        last = f", which built {short(built[-1])} last" if built else ""
        raise GateRefused(
            f"'{reference}' is release {short(digest)} in the registry, and was not built on this machine{last}",
            f"{BY_DIGEST} --release={digest}", rule="signature",
        )

    def add_release(self, digest: str, commit: str) -> None:
        """Keep that a release was built here, now; of one that was built here before, when and from what stays as it was."""
        if digest not in self.all(RELEASE):
            self.add(f"{BUILT}{digest}", f"{datetime.now(UTC).isoformat(timespec='milliseconds')};{commit}")
        self.add(RELEASE, digest)

    def as_built(self, digest: str) -> dict[str, str]:
        """Return when a release was built here and from which commit, as its record names them; nothing where it was not."""
        return next((dict(zip(("created", "commit"), facts.split(";", 1))) for facts in self.all(f"{BUILT}{digest}")), {})

    def knows(self, verdict: Verdict) -> bool:
        """Say whether a verdict was reached here."""
        return verdict.digest in self.all(of_stage(verdict.stage))


def of_stage(stage: str) -> str:
    """Return the kind of a stage's verdicts."""
    return f"verdict/{stage}"


def of_image(release: str) -> str:
    """Return the kind of a release's images."""
    return f"image/{release}"


def content_of(files: Mapping[str, bytes]) -> str:
    """Return one digest of all files of an artifact, its manifest among them."""
    return of_value({name: of_bytes(data) for name, data in files.items()})
