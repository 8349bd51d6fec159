"""What is told of releases, environments and audit events: values alone, filled from registry, engines and log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateline.contracts import event as events
from gateline.contracts.event import Event
from gateline.contracts.verdict import Outcome, Plot
from gateline.stages import JUDGING

COLUMNS = tuple(stage for stage in JUDGING if stage != "train")
"""The stages whose verdicts have a column of their own in the list of releases."""
PAGE_SIZE = 50
WORDS = {
    events.PACKAGED: "built",
    events.PUBLISHED: "published",
    events.SIGNED: "signed",
    events.STARTED: "begins",
    events.DEPLOYED: "deployed",
    events.UPGRADED: "upgraded",
    events.ROLLED_BACK: "rolled back",
    events.ACCEPTED: "accepted",
    events.LIFTED: "lifted",
}


@dataclass(frozen=True)
class Judgement:
    """One recorded verdict on a release."""

    stage: str
    outcome: Outcome
    reason: str
    created: str
    environment: str = ""
    rehearsal: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One line of the audit log: who did what, where, when, and how it ended."""

    time: str
    who: str
    where: str
    what: str
    ended: str
    commit: str = ""
    run: str = ""
    """The address of the CI run, where there is one."""


@dataclass(frozen=True)
class Past:
    """One release."""

    digest: str
    name: str
    version: str
    artifact: str
    commit: str
    created: str
    primary: float | None = None
    """The primary metric, as the artifact's manifest has it."""
    trained: str = ""
    judgements: tuple[Judgement, ...] = ()
    """Newest of each stage and environment, in the order of the pipeline."""
    changes: tuple[Change, ...] = ()
    """Oldest first."""
    now: tuple[str, ...] = ()
    """Where it runs: `production: stable, 100 %`."""
    before: tuple[str, ...] = ()
    """Where it once had all traffic, and has not now."""
    quarantine: str | None = None

    @property
    def page(self) -> str:
        """Where its page is, below the root of the site."""
        return page_of(self.digest)

    def of(self, stage: str) -> Judgement | None:
        """Return the newest verdict of a stage, or None."""
        listed = [judgement for judgement in self.judgements if judgement.stage == stage]
        return max(listed, key=lambda judgement: judgement.created, default=None)


@dataclass(frozen=True)
class History:
    """Every release, newest first, and whether what is told of them can be trusted."""

    project: str
    metric: str
    written: str
    releases: tuple[Past, ...] = ()
    plots: tuple[Plot, ...] = ()
    audit: str = ""
    """What verifying the audit log said."""
    faults: tuple[str, ...] = ()
    """What could not be read, and where the audit log does not hold."""

    @property
    def pages(self) -> list[tuple[Past, ...]]:
        """The releases, page by page; one empty page where there are none."""
        starts = range(0, max(len(self.releases), 1), PAGE_SIZE)
        return [self.releases[start : start + PAGE_SIZE] for start in starts]


def page_of(digest: str) -> str:
    """Return the address of a release's page from the root of the site."""
    return f"releases/{digest[:16]}.html"


def list_page(number: int) -> str:
    """Return the address of a page of the list, the first being 1."""
    return "releases.html" if number == 1 else f"releases-{number}.html"


@dataclass(frozen=True)
class Held:
    """What runs in one slot. `since` is empty where the audit log does not know."""

    slot: str
    release: str
    digest: str
    share: float
    alive: int
    replicas: int
    restarts: int = 0
    since: str = ""
    by: str = ""
    known: bool = False
    """Whether the release has a page."""


@dataclass(frozen=True)
class Environment:
    """One environment; `unreachable` says why nothing is known of it."""

    name: str
    engine: str
    url: str = ""
    slots: tuple[Held, ...] = ()
    attention: tuple[str, ...] = ()
    """What someone should look after, each with the next step."""
    unreachable: str = ""
    next_step: str = ""
    rehearsal: bool = False


@dataclass(frozen=True)
class Serving:
    """All environments, as they were at one time."""

    project: str
    read: str
    environments: tuple[Environment, ...] = ()


def who(event: Event) -> str:
    """Say who did it, and whether that is more than what variables of the CI job say."""
    actor = event.data.get("actor") or {}
    given = ", as given" if actor.get("known_by") == "as given" else ""
    return f"{actor.get('name', '?')} ({actor.get('kind', '?')}{given})"


def outcome(event: Event) -> str:
    """Say how what an event tells of ended, and why where the event knows."""
    data, said = event.data, WORDS.get(event.type)
    why = data.get("error") or (data.get("decision") if said is None else "") or data.get("did")
    if not why and event.type in (events.ROLLED_BACK, events.ACCEPTED, events.LIFTED):
        why = reason(data)
    said = said or str(data.get("outcome", ""))
    return f"{said}: {why}" if why else said


def reason(data: Mapping[str, Any]) -> str:
    """A rollback by hand has one reason; one by a canary has those of its verdict."""
    return str(data.get("reason") or "; ".join(map(str, data.get("reasons") or ())))
