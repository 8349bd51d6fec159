"""What this machine made itself, kept outside the registry: it is what `invoke sign` vouches for, whatever the registry names.

A line of the file is a kind and a digest: `release`, `model` (of an artifact's files), `image/<release>`, `verdict/<stage>`;
and `signed-model`, of a champion that a key of the settings was found to vouch for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts import layout
from contracts.digest import of_bytes, of_value
from contracts.verdict import Verdict
from settings import Settings

FILE = "made.txt"
RELEASE, MODEL, SIGNED_MODEL = "release", "model", "signed-model"


@dataclass(frozen=True)
class Made:
    """The file of one checkout. Whoever can write it acts as this account."""

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
