"""What an environment keeps to know its releases by: renewed from settings and registry by the commands that may use both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from gateline.registry.signatures import Signatures
from gateline.settings.errors import GateRefused, UsageError
from infra.releases.signing.keys import PublicKey, public_keys
from infra.releases.signing.provenance import Unsigned, is_about, opened
from infra.releases.signing.trust import KEYS, LET_IN, SIGNED, Trust, keys_note
from infra.rollout.recorder import UNREACHABLE
from infra.rollout.target import Target

BEFORE = "no key vouches for it: it served here before signing was on"


def keep(target: Target, brought: Release | None = None) -> None:
    """Keep with the environment the keys of the settings, and the statements of the releases that they vouch for.

    Of the releases on the host, those that serve when the first key is kept may go on without a statement. One that no key
    of the settings vouches for any more is named: it serves on, and is not started again.
    """
    trust, keys = Trust(target.engine.notes), public_keys(target.settings, Path("."))
    was = target.engine.notes.read(KEYS)
    now = keys_note(keys) if keys else None
    serving = {slot.release.digest: slot.release for slot in target.engine.status().slots.values()}
    changes: dict[str, str | None] = {} if now == was else {KEYS: now}
    if keys:
        known = {release.digest: release for release in target.engine.kept()} | serving if changes else serving
        known |= {brought.digest: brought} if brought else {}
        for release in known.values():
            changes |= dict(_statement(target, trust, keys, release, first=was is None and release.digest in serving))
    target.engine.notes.update(changes)
    _name_those_left(target, trust)


def _statement(
    target: Target, trust: Trust, keys: list[PublicKey], release: Release, first: bool
) -> Iterator[tuple[str, str]]:
    """Yield the note to keep of a release, unless there is a good one; `first`: it may do without."""
    if _holds(trust.statement(release.digest), keys, release) or trust.let_in(release.digest):
        return
    try:
        sealed = Signatures(target.store).release(release.digest)
    except UNREACHABLE as error:
        target.say_unreachable(error, f"no statement of {release.name} was kept")
        sealed = None
    if sealed is not None and _holds(sealed, keys, release):
        yield SIGNED + release.digest, sealed.decode()
    elif first:
        yield LET_IN + release.digest, BEFORE


def _holds(sealed: bytes | None, keys: list[PublicKey], release: Release) -> bool:
    try:
        return is_about(opened(sealed, keys, release.name)[0], release.digest)
    except Unsigned:
        return False


def _name_those_left(target: Target, trust: Trust) -> None:
    for slot in target.engine.status().slots.values():
        try:
            trust.require(slot.release)
        except Unsigned as error:
            lives = any(replica.alive for replica in slot.replicas)
            target.say(
                f"{slot.release.name} {'serves on, and is not started again' if lives else 'is not started'}",
                "yellow",
                f": {error.message.removeprefix('signature: ')}; next: {error.next_step}",
            )


def refuse_older(target: Target, release: Release) -> None:
    """Raise GateRefused where a release was built before the signed one that serves.

    Which one is the newest the registry alone says, and whoever writes there could let an old fault serve again, duly signed.
    """
    stable = target.engine.status().release_in(Slot.STABLE)
    trust = Trust(target.engine.notes)
    built, before = trust.built(release), trust.built(stable) if stable is not None else ""
    if stable is None or not built < before:
        return
    raise GateRefused(
        f"{release.name} was built {built}, before what serves, {stable.name} ({before})",
        f"if that is meant, give its whole digest (recorded so): --release={release.digest}", rule="signature",
    )


def mend(target: Target) -> None:
    """Unpack anew what is to be started and was changed on the host. Raises GateRefused where stable cannot be started so."""
    for slot, status in target.engine.status().slots.items():
        if all(replica.alive for replica in status.replicas):
            continue
        try:
            _mended(target, status.release)
        except (GateRefused, UsageError) as error:
            if slot is Slot.STABLE:
                raise
            target.say(f"slot {slot} is not started", "yellow", f": {error.message}")


def _mended(target: Target, release: Release) -> None:
    try:
        target.engine.verify(release)
    except Unsigned:
        raise
    except (GateRefused, UsageError) as error:
        try:
            archive = target.releases.archive(release.digest)
        except UNREACHABLE as gone:
            target.say_unreachable(gone, f"{release.name} cannot be brought here anew")
            raise error from None
        target.say("bringing it here anew", "yellow", f": {error.message}")
        target.engine.fetch(release, archive)
        target.engine.verify(release)
