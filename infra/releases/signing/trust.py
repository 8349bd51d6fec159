"""What an environment knows its releases by: public keys, signed statements and exceptions, kept with it.

They are read where a release is started, by the process that starts it: it needs no registry and no network, and writes
nothing.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateline.contracts.digest import short
from gateline.contracts.release import Release
from gateline.settings.errors import GatelineError, GateRefused
from infra.host.notes import Notes
from infra.releases.signing.keys import PublicKey
from infra.releases.signing.provenance import Unsigned, vouched

KEYS, SIGNED, LET_IN = "keys", "signed/", "let-in/"
"""The notes: the keys; and by a release's digest its statement, and why it may start without one."""


@dataclass(frozen=True)
class Check:
    """One thing that was asked about a release."""

    subject: str
    holds: bool
    reason: str


def asked(subject: str, question: Callable[[], object], said: str = "") -> Check:
    """Ask; where it holds return what was `said`, or else the answer, and the reason where it does not."""
    try:
        answer = question()
        return Check(subject, True, said or str(answer))
    except GatelineError as error:
        told = error.reason if isinstance(error, GateRefused) and error.rule == "signature" else error.message
        return Check(subject, False, told)


class Trust:
    """The notes of one environment about who vouches for its releases."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    @property
    def keys(self) -> list[PublicKey]:
        """The keys that count here; none where signing is off. Raises GateRefused where they cannot be read."""
        text = self._notes.read(KEYS)
        try:
            return [PublicKey(path, pem.encode()) for path, pem in json.loads(text).items()] if text else []
        except (ValueError, AttributeError):
            where = self._notes.where(KEYS)
            raise GateRefused(f"{where} holds no keys", "invoke up writes it again", rule="signature") from None

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
            statement, _ = vouched(self.statement(release.digest), self.keys, release)
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
            statement, key = vouched(self.statement(release.digest), keys, release)
        except Unsigned as error:
            raise Unsigned(error.reason, again, rule="signature") from None
        if image and not statement.names(image.removeprefix("sha256:")):
            told = short(image.removeprefix("sha256:"))
            raise Unsigned(f"image {told} of {release.name} is not the one that was signed", again, rule="signature")
        return f"signed by {key.name}"


def keys_note(keys: Iterable[PublicKey]) -> str:
    """Return the note that holds these keys."""
    return json.dumps({key.path: key.pem.decode(errors="replace") for key in keys}, indent=1)
