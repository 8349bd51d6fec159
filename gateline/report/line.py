"""The pipeline's state: of each stage the last outcome, when, how long, and on which sources, from what is in the reports."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from gateline.contracts.git import Sources
from gateline.contracts.last_run import Ending, LastRun, last_runs
from gateline.report import overview, words
from gateline.report.overview import Entry, Link
from gateline.stages import APART, PIPELINE, Stage

LOG_SECONDS = 10.0
"""An output that was written later than this after a stage's end is another run's."""


@dataclass(frozen=True)
class Step:
    """A stage as the page shows it. `ending` is empty where it was never run here, as far as is known."""

    stage: Stage
    command: str
    ending: Ending | None = None
    reason: str = ""
    when: str = ""
    seconds: float | None = None
    commit: str = ""
    elsewhere: str = ""
    """What to say where it was not run on the present sources, or nobody knows."""
    by: str = ""
    release: str = ""
    artifact: str = ""
    page: str = ""
    links: tuple[Link, ...] = ()
    marks: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The name for people: `Deploy, staging`."""
        return ", ".join(filter(None, (words.title(self.stage.name), self.stage.environment)))


@dataclass(frozen=True)
class Line:
    """All stages, those of the pipeline first, and the sources they are compared with."""

    steps: tuple[Step, ...]
    beside: tuple[Step, ...]
    others: tuple[Entry, ...]
    sources: Sources
    written: str

    @property
    def needed(self) -> list[Step]:
        """The steps without which the pipeline is not whole; an optional one counts once it was run."""
        return [step for step in self.steps if step.ending or not step.stage.optional]

    @property
    def ending(self) -> Ending:
        """What the pipeline comes to: it passed only where every stage has, on the present sources."""
        if any(step.ending in ("fail", "error") for step in self.needed):
            return "fail"
        return "pass" if all(step.ending == "pass" and not step.elsewhere for step in self.needed) else "inconclusive"

    @property
    def summary(self) -> tuple[str, ...]:
        """Say how many stages passed on the present sources, and name the others, one line a kind."""
        needed = self.needed
        here = [step for step in needed if step.ending == "pass" and not step.elsewhere]
        kinds = (
            ("failed", [step for step in needed if step.ending in ("fail", "error")]),
            ("inconclusive", [step for step in needed if step.ending == "inconclusive"]),
            ("not run", [step for step in needed if step.ending is None]),
            ("passed on other or unknown sources", [s for s in needed if s.ending == "pass" and s.elsewhere]),
        )
        named = (f"{word}: {'; '.join(step.title for step in listed)}" for word, listed in kinds if listed)
        return (f"{len(here)} of {words.plural(len(needed), 'stage')} passed on these sources", *named)


def line(folder: Path, present: Sources, written: str) -> Line:
    """Read the state of every stage from the runs and verdicts in the reports folder."""
    runs, found = last_runs(folder), {entry.stage: entry for entry in overview.entries(folder)}
    known = {stage.key for stage in (*PIPELINE, *APART)}
    # the table knows a command for each of its stages; for the others, the run names the one that was typed
    more = [Stage(run.stage, "invoke", environment=run.environment) for key, run in runs.items() if key not in known]

    def steps(listed: Iterable[Stage]) -> tuple[Step, ...]:
        return tuple(
            _step(stage, runs.get(stage.key), found.get(stage.name, Entry(stage.name)), folder, present) for stage in listed
        )

    unlisted = tuple(replace(step, command=runs[step.stage.key].command) for step in steps(more))
    beside = tuple(step for step in (*steps(APART), *unlisted) if step.ending)
    shown = {stage.name for stage in (*PIPELINE, *more)} | {step.stage.name for step in beside}
    others = tuple(entry for name, entry in found.items() if name not in shown)
    return Line(steps(PIPELINE), beside, others, present, written)


def _step(stage: Stage, run: LastRun | None, entry: Entry, folder: Path, present: Sources) -> Step:
    """Put together the last run and the verdict that it left, or a verdict that was reached since, outside of any run."""
    verdict = entry.verdict
    if verdict and verdict.judged.get("environment", stage.environment) != stage.environment:
        verdict = None
    if verdict and run and not run.left_verdict:
        run, verdict = (None, verdict) if verdict.created > run.ended else (run, None)
    step = Step(stage, " ".join(stage.typed))
    if verdict or not stage.environment:
        step = replace(step, page=entry.page, links=entry.extras)
    if verdict:
        step = replace(
            step,
            ending=verdict.outcome.value,
            reason=words.headline(verdict),
            when=verdict.created,
            elsewhere="sources not recorded",
            release=verdict.judged.get("release", ""),
            artifact=verdict.judged.get("artifact", ""),
            marks=words.marks(verdict),
        )
    if run is None:
        return step
    return replace(
        step,
        ending=run.ending,  # the run's own end counts: a canary whose verdict passed may have failed to be promoted
        reason=step.reason if step.ending == run.ending else run.reason,
        when=run.ended,
        seconds=run.seconds,
        commit=run.commit,
        elsewhere=_elsewhere(run, present),
        by=run.by,
        release=run.release or step.release,
        links=(*step.links, *_output(stage, run, folder)),
    )


def _elsewhere(run: LastRun, present: Sources) -> str:
    """A run that another machine left in the audit log names its commit alone."""
    if not present.commit:
        return "sources not compared: git knows none here"
    if not run.commit:
        return "sources not recorded"
    if not run.sources and run.commit == present.commit and run.commit.endswith("-dirty"):
        return "sources not compared: both have changes"
    same = run.sources == present.tree if run.sources else run.commit == present.commit
    return "" if same else "other sources than now"


def _output(stage: Stage, run: LastRun, folder: Path) -> tuple[Link, ...]:
    """`nox -s pipeline` keeps what each stage printed; by hand it went to the terminal."""
    log = folder / "pipeline" / f"{stage.key}.log"
    try:
        apart = log.stat().st_mtime - datetime.fromisoformat(run.ended).timestamp()
    except (OSError, ValueError):
        return ()
    return (Link("output", f"pipeline/{quote(log.name)}"),) if abs(apart) < LOG_SECONDS else ()
