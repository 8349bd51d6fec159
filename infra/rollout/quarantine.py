"""Releases that a rollback left: kept apart by the audit log, and by two lists that are asked without reading all of it."""

import json
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

from pydantic import ValidationError

from gateline.contracts.event import DEPLOYED, LIFTED, PACKAGED, ROLLED_BACK, UPGRADED, Event, Head
from gateline.contracts.release import Release
from gateline.registry.audit import About, AuditLog
from gateline.registry.releases import Releases
from gateline.report.history import reason
from gateline.settings.errors import GateRefused, OutsideError
from gateline.settings.shown import one_line
from infra.host.notes import Notes
from infra.rollout.recorder import SPOOL, UNREACHABLE, Recorder

LIST, UNTOLD = "quarantine", "quarantine-untold"
FORMERLY = "release_quarantine"
"""What an event of a deploy said that lifted a quarantine, before lifts were events of their own."""


class Quarantine:
    """The quarantine of one environment. Its own list is enough for a rollback; the registry's is seen by everyone.

    Taking a release off a list by hand lifts nothing: the rollback stands in the log, and only an event ends what it began.
    """

    def __init__(
        self,
        notes: Notes,
        releases: Releases,
        log: AuditLog,
        recorder: Recorder | None = None,
        others: Callable[[], Iterable[Notes]] = tuple,
    ) -> None:
        """Keep the list in the note `quarantine`, and what the registry does not know yet in another.

        Where the log is damaged, notes of `others` (environments, and the build) are asked; the `recorder` knows its heads.
        """
        self._notes, self._releases, self._log = notes, releases, log
        self._recorder, self._others = recorder, others

    def add(self, digest: str, reason: str) -> None:
        """Set a release apart."""
        self._write(LIST, self._read(LIST) | {digest: reason})
        try:
            self._releases.quarantine(digest, reason)
        except UNREACHABLE:
            self._write(UNTOLD, self._read(UNTOLD) | {digest: reason})

    def tell(self) -> None:
        """Let the registry know what it could not be told before. Raises what the registry raises."""
        for digest, reason in self._read(UNTOLD).items():
            self._releases.quarantine(digest, reason) if reason else self._releases.release_quarantine(digest)
        self._notes.remove(UNTOLD)

    def reason(self, digest: str) -> str | None:
        """Return why a release is set apart, or None: anything that knows of it is believed, list or log.

        Where registry and log cannot be read, the environment's own list must do. Raises OutsideError if that is damaged.
        """
        for ask in (self._read(LIST).get, self._releases.quarantined, self._told):
            with suppress(*UNREACHABLE):
                found = ask(digest)
                if found is not None:
                    return found
        return None

    def admit(self, release: Release, lift: bool) -> bool:
        """Return whether a release is set apart, which `lift` allows. Raises GateRefused (rule `quarantine`) without it."""
        left = self.reason(release.digest)
        if left is not None and not lift:
            raise GateRefused(
                f"{release.name} was left by a rollback ({one_line(left)})",
                "deploy another release, or add --lift-quarantine if you know that it is good", rule="quarantine",
            )
        return left is not None

    def _told(self, digest: str) -> str | None:
        """Return what the log says. A lift counts where its event is vouched for: without the key, nobody can add one.

        A line that was removed, changed or cut off may have told of a rollback: until a person accepts it, it counts as one,
        for every release that the log told of before, or tells nothing of.
        """
        heads: Iterable[Head] = ()
        adopted: Collection[str] = ()
        with suppress(*UNREACHABLE):
            if self._recorder:
                heads, adopted = self._recorder.seen(), self._recorder.adopted()
        told = self._log.about(digest, heads, adopted)
        gone = max(told.damaged, default=0)
        found = self._may_be_left(digest, told) if gone else None
        for event, vouched in told.events:
            lifted = event.type == LIFTED or (event.type in (DEPLOYED, UPGRADED) and event.data.get(FORMERLY))
            if event.type == ROLLED_BACK or event.data.get("quarantined"):
                found = reason(event.data) or "a rollback left it"
            elif lifted and vouched and event.sequence > gone:
                found = None
        return found

    def _may_be_left(self, digest: str, told: About) -> str | None:
        """Return why a release may have been left, though the log, which is damaged, no longer tells of it.

        Each environment has a list of its own, which is asked as far as it can be reached. A release whose building still
        waits to be chained, in vain as long as the log is damaged, is newer than the damage.
        """
        waits = False
        for notes in (self._notes, *self._others()):
            with suppress(*UNREACHABLE):
                left = self._read(LIST, notes).get(digest)
                if left is not None:
                    return left
                waits = waits or any(_packs(notes.read(name) or "", digest) for name in notes.names(SPOOL))
        line = max(told.damaged)
        if waits or line < told.first:
            return None
        return f"line {line} of the audit log was removed or changed, and may have told of a rollback: invoke audit"

    def on_host(self, digest: str) -> bool:
        """Say whether the environment's own list holds a release: what a rollback goes by."""
        return digest in self._read(LIST)

    def lift(self, digest: str) -> None:
        """Take a release off both lists, the registry's as soon as it can be reached; the event is the caller's."""
        left, untold = self._read(LIST), self._read(UNTOLD)
        try:
            self._releases.release_quarantine(digest)
            untold.pop(digest, None)
        except UNREACHABLE:
            untold[digest] = ""
        left.pop(digest, None)
        self._notes.update({LIST: json.dumps(left, indent=1), UNTOLD: json.dumps(untold, indent=1) if untold else None})

    def _read(self, name: str, notes: Notes | None = None) -> dict[str, str]:
        notes = notes or self._notes
        text = notes.read(name)
        if text is None:
            return {}
        try:
            return {str(digest): str(reason) for digest, reason in json.loads(text).items()}
        except (ValueError, AttributeError) as error:
            raise OutsideError(
                f"{notes.where(name)} is damaged: {error}", "restore it, or remove it if nothing is set apart"
            ) from None

    def _write(self, name: str, entries: dict[str, str]) -> None:
        self._notes.write(name, json.dumps(entries, indent=1))


def _packs(text: str, digest: str) -> bool:
    """Say whether an event that waits tells that a release was built."""
    try:
        event = Event.model_validate_json(text)
    except ValidationError:
        return False
    return event.type == PACKAGED and event.subject == digest
