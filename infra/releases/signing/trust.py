"""What an environment knows its releases by: public keys, signed statements and exceptions, kept with it.

They are read where a release is started, by whoever starts it: no registry and no network is needed, and nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from gateline.contracts.digest import short
from gateline.contracts.release import Release
from gateline.settings.errors import GateRefused
from infra.host.notes import Notes
from infra.releases.signing.keys import PublicKey
from infra.releases.signing.provenance import Unsigned, is_about, opened

KEYS, SIGNED, LET_IN = "keys", "signed/", "let-in/"
"""The notes: the keys; and by a release's digest its statement, and why it may start without one."""


class Trust:
    """The notes of one environment about who vouches for its releases."""

    def __init__(self, notes: Notes) -> None:
        """Keep the notes; nothing is read."""
        self._notes = notes

    @property
    def keys(self) -> list[PublicKey]:
        """The keys that count here; none where signing is off. Raises GateRefused where they cannot be read."""
        text = self._notes.read(KEYS)
        try:
            return [PublicKey(path, pem.encode()) for path, pem in json.loads(text).items()] if text else []
        except (ValueError, AttributeError):
            where = self._notes.where(KEYS)
            raise GateRefused(f"{where} holds no keys", "invoke up writes it anew", rule="signature") from None

    def statement(self, digest: str) -> bytes | None:
        """Return the signed statement of a release as it was kept, or None."""
        text = self._notes.read(SIGNED + digest)
        return text.encode() if text else None

    def let_in(self, digest: str) -> str:
        """Return why a release may start that no key vouches for; '' where none may."""
        return self._notes.read(LET_IN + digest) or ""

    def built(self, release: Release) -> str:
        """Return when a release was built, as its kept statement says (ISO 8601, UTC); '' where no key vouches for that."""
        try:
            statement, _ = opened(self.statement(release.digest), self.keys, release.name)
            return str(statement.predicate["runDetails"]["metadata"]["finishedOn"])
        except (GateRefused, KeyError, TypeError):
            return ""

    def require(self, release: Release, image: str = "") -> str:
        """Return who vouches for a release, and for its image where it has one; where no key is kept, nobody is asked.

        Raises Unsigned (rule `signature`) where nobody does whose key is kept.
        """
        keys = self.keys
        if not keys:
            return "nobody was asked: signing is off"
        if exception := self.let_in(release.digest):
            return exception
        again = f"invoke sign --release={release.digest}, then invoke up; or deploy another release"
        try:
            statement, key = opened(self.statement(release.digest), keys, release.name)
        except Unsigned as error:
            raise Unsigned(error.message, again) from None
        if not is_about(statement, release.digest):
            raise Unsigned(f"the statement kept for {release.name} is about another release", again, rule="signature")
        if image and not statement.names(image.removeprefix("sha256:")):
            told = short(image.removeprefix("sha256:"))
            raise Unsigned(f"image {told} of {release.name} is not the one that was signed", again, rule="signature")
        return f"signed by {key.name}"


def keys_note(keys: Iterable[PublicKey]) -> str:
    """Return the note that holds these keys."""
    return json.dumps({key.path: key.pem.decode(errors="replace") for key in keys}, indent=1)
