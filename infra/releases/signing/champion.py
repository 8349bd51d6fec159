"""Whether a key of the settings vouches for the registry's champion: asked before the gate, which has no libraries for it.

What is found is kept outside the registry, by the digest of the champion's files, where the gate looks for it.
"""

import sys
from pathlib import Path

from gateline.contracts.digest import of_bytes
from gateline.contracts.manifest import MANIFEST_FILE
from gateline.registry.artifacts import CHAMPION, Artifacts
from gateline.registry.made_here import SIGNED_MODEL, Made, content_of
from gateline.registry.releases import Releases, Signatures
from gateline.registry.store import Store
from gateline.settings import Settings, load
from gateline.settings.errors import GateRefused
from gateline.settings.front_door import front_door
from infra.releases.signing.keys import public_keys
from infra.releases.signing.provenance import Unsigned, opened


def note_if_signed(settings: Settings, root: Path) -> bool:
    """Keep the digest of the champion's files, and return True, where a signed statement names them.

    Raises UsageError for keys that cannot be read, OutsideError for a registry that cannot.
    """
    store, keys = Store.of(settings), public_keys(settings, root)
    artifacts, signatures = Artifacts(store), Signatures(store)
    champion = artifacts.alias(CHAMPION)
    if not keys or champion is None:
        return False
    files = artifacts.files(champion)
    for release in Releases(store).all():
        if release.artifact == champion:
            try:
                statement, _ = opened(signatures.release(release.digest), keys, "")
            except Unsigned:
                continue
            if statement.names(of_bytes(files[MANIFEST_FILE])):
                Made.of(settings, root).add(SIGNED_MODEL, content_of(files))
                return True
    return False


def main() -> int:
    """Look; what is wrong with the champion, or with the registry, is for the gate to say."""
    try:
        note_if_signed(load(), Path("."))
    except GateRefused:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(front_door(main))
