"""What is told of releases: each with its verdicts and what was done with it. Who reads the registry fills these values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateline.contracts.plot import Plot
from gateline.contracts.verdict import Outcome

COLUMNS = (
    "validate_data", "validate_model", "integration", "benchmark", "security", "smoke", "canary", "drift",
)  # fmt: skip
"""The stages whose verdicts have a column of their own in the list of releases."""
PAGE_SIZE = 50


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
    """Newest of each stage and environment, in the order of the line."""
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
