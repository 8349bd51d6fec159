"""Somebody with a key, who signs a release without asking for more: statements for tests of what is made of them."""

from __future__ import annotations

from pathlib import Path

from gateline.contracts.release import PAYLOAD_TYPE, PROVENANCE, Resource, Statement
from infra.releases.signing import keys
from infra.releases.signing.provenance import TREE

IMAGE = "a" * 64


class Signer:
    """Somebody with a key."""

    def __init__(self, private: Path, project: Path) -> None:
        """Make the key: its private half at `private`, the public one in a project."""
        private, public = keys.new_pair(private, project)
        self.key = keys.PublicKey(str(public), (project / public).read_bytes())
        self._pem = private.read_bytes()

    def sign(self, digest: str, kind: str = PROVENANCE, built: str = "", image: str = IMAGE) -> str:
        """Return the signed statement of a release and its image."""
        subject = (Resource(name="release", digest={TREE: digest}), Resource(name="image", digest={"sha256": image}))
        predicate = {"runDetails": {"metadata": {"finishedOn": built}}}
        statement = Statement(subject=subject, predicate_type=kind, predicate=predicate)
        signer = keys.signer(self._pem, [self.key])
        return keys.seal(statement.model_dump_json(by_alias=True).encode(), PAYLOAD_TYPE, signer).decode()
