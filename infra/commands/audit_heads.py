"""`invoke audit --keep` and `--against`: the log's head in a file outside the registry."""

from __future__ import annotations

import os
import shlex
from datetime import UTC, datetime
from pathlib import Path

from gateline.contracts.event import Head
from gateline.contracts.files import place
from gateline.settings import Settings
from gateline.settings.errors import GateRefused, UsageError
from gateline.settings.shown import tell
from infra.releases.signing import heads, keys


def compared(settings: Settings, path: Path) -> dict[Head, datetime]:
    """Return the head in a file that `--keep` wrote, and when it was kept.

    Raises UsageError, and GateRefused for a file that was tampered with.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"--against: {path} cannot be read: {error.strerror}", "invoke audit --keep=FILE writes one"
        ) from None
    kept = heads.read(data, keys.public_keys(settings, Path(".")), settings.project.name, str(path))
    note, whose = kept.note, f"signed by {kept.key.name}" if kept.key else "not signed"
    tell(f"compared with {path}: head {note.head.count} of {note.time}, {whose}")
    try:
        return {note.head: datetime.fromisoformat(note.time).astimezone(UTC)}
    except ValueError:
        raise GateRefused(f"chain: {path} was kept at '{note.time}', which is no time", "name another file") from None


def keep(settings: Settings, head: Head, path: Path) -> None:
    """Write the head, signed where there is a key to sign with."""
    able = bool(os.environ.get(keys.VARIABLE))
    counting = keys.public_keys(settings, Path("."))
    signer = keys.signer(keys.private_pem(), counting) if able else None
    note = heads.Note(project=settings.project.name, time=datetime.now(UTC).isoformat(timespec="seconds"), head=head)
    place({path: heads.written(note, signer)})
    refused = "; --against will refuse it" if counting else ""
    tell(f"kept head {head.count} in {path}, {'signed' if able else f'not signed ({keys.VARIABLE} is not set){refused}'}")
    tell(f"next: take it out of this machine's reach; later: invoke audit --against={shlex.quote(str(path))}")
