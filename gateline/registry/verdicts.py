"""Verdicts that were reached: found again by the digests of what they judged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import ValidationError

from gateline.contracts.digest import of_value
from gateline.contracts.files import hand_on
from gateline.contracts.verdict import ASKED, Verdict, add_up
from gateline.registry.made_here import Made, of_stage
from gateline.registry.store import Store
from gateline.settings import Settings


class Verdicts:
    """The verdicts of one registry."""

    def __init__(self, store: Store, made: Made | None = None, *, own: bool = False) -> None:
        # with `own`, no verdict that another machine reached is found again
        self._store, self._made, self._own = store, made, own

    @classmethod
    def of(cls, settings: Settings) -> Verdicts:
        """Open those of the settings' registry. Where releases are signed, no other machine's verdicts are found again."""
        return cls(Store.of(settings), Made.of(settings), own=bool(settings.signing.keys))

    def reached(self, verdict: Verdict) -> None:
        """Keep, outside the registry, that this machine reached a verdict, and name it to the CI jobs that come next.

        One that was merely found in the registry is neither kept nor named, nor is one by other limits of a command line.
        """
        if ASKED in verdict.judged or self._made is None or (verdict.recorded and not self._made.knows(verdict)):
            return
        self._made.add(of_stage(verdict.stage), verdict.digest)
        hand_on(**{verdict.stage: verdict.digest})

    def record(self, verdict: Verdict) -> None:
        """Write a verdict under the digests of what it judged; a newer one replaces an older."""
        self._store.write(self._name(verdict.stage, verdict.judged), verdict.model_dump_json(indent=2).encode())

    def find(self, stage: str, judged: Mapping[str, str]) -> Verdict | None:
        """Return the verdict reached earlier on exactly these digests, marked `recorded`, or None.

        It is said again by that, and newer than what was said of the same thing under other limits in between.
        """
        verdict = self._read(self._name(stage, judged)) if judged else None
        if verdict is None or (self._own and not (self._made and self._made.knows(verdict))):
            return None
        again = verdict.model_copy(update={"found": datetime.now(UTC).isoformat(timespec="milliseconds")})
        self.record(again)
        return again.model_copy(update={"recorded": True})

    def about(self, stage: str, name: str, digest: str) -> Verdict | None:
        """Return the newest verdict of a stage that judged `digest` under `name` (`release`, `artifact`…), or None."""
        fitting = [verdict for verdict in self.all(stage) if verdict.judged.get(name) == digest]
        return fitting[-1] if fitting else None

    def counting(self, stage: str) -> list[Verdict]:
        """Return the verdicts that let in or keep out, in order: one by limits of a command line answered a question."""
        return [verdict for verdict in self.all(stage) if ASKED not in verdict.judged]

    def all(self, stage: str) -> list[Verdict]:
        """Return every verdict of a stage, in the order in which they were last said."""
        names = [f"verdicts/{stage}/{entry}" for entry in self._store.names(f"verdicts/{stage}")]
        read = self._store.each(self._read, names)
        return sorted(filter(None, read), key=lambda verdict: verdict.found or verdict.created)

    def _read(self, name: str) -> Verdict | None:
        """Return a verdict that is whole and stands under its own name; any other is none, and the gate judges again."""
        try:
            verdict = Verdict.model_validate_json(self._store.read(name))
        except (FileNotFoundError, ValidationError):
            return None
        whole = verdict.outcome is add_up(verdict.rules) and self._name(verdict.stage, verdict.judged) == name
        return verdict if whole else None

    def _name(self, stage: str, judged: Mapping[str, str]) -> str:
        return f"verdicts/{stage}/{of_value(dict(judged))}.json"
