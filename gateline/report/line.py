"""The line's state: of each stage the last outcome, when, how long, and on which sources, from what lies in the reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from gateline import stages
from gateline.contracts.git import Sources
from gateline.contracts.last_run import Ending, LastRun, last_runs
from gateline.contracts.verdict import Verdict
from gateline.report import overview, words
from gateline.report.overview import Link

LOG_SECONDS = 10.0
"""An output that was written later than this after a stage's end is another run's."""


@dataclass(frozen=True)
class Stage:
    """One stage: its name, the command that runs it, and the environment it works on."""

    name: str
    command: str
    environment: str = ""
    optional: bool = False
    """Whether the line is whole without it."""

    @property
    def key(self) -> str:
        """`deploy-staging`, `lint`: as the runs are named."""
        return "-".join(filter(None, (self.name, self.environment)))

    @property
    def title(self) -> str:
        """The name for people: `Deploy, staging`."""
        return ", ".join(filter(None, (words.title(self.name), self.environment)))


def _listed(stage: stages.Stage) -> Stage:
    return Stage(stage.name, " ".join(stage.typed), stage.environment, stage.optional)


LINE = tuple(map(_listed, stages.PIPELINE))
BESIDE = tuple(map(_listed, stages.APART))


@dataclass(frozen=True)
class Step:
    """A stage as the page shows it. `ending` is empty where it was never run here, as far as is known."""

    stage: Stage
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


@dataclass(frozen=True)
class Line:
    """All stages, those of the line first, and the sources they are compared with."""

    steps: tuple[Step, ...]
    beside: tuple[Step, ...]
    others: tuple[overview.Entry, ...]
    sources: Sources
    written: str

    @property
    def needed(self) -> list[Step]:
        """The steps without which the line is not whole; an optional one counts once it was run."""
        return [step for step in self.steps if step.ending or not step.stage.optional]

    @property
    def ending(self) -> Ending:
        """What the line comes to: it passed only where every stage has, on the present sources."""
        endings = [step.ending for step in self.needed]
        if {"fail", "error"} & set(endings):
            return "fail"
        here = all(ending == "pass" for ending in endings) and not any(step.elsewhere for step in self.needed)
        return "pass" if here else "inconclusive"

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
        named = (f"{word}: {'; '.join(step.stage.title for step in listed)}" for word, listed in kinds if listed)
        return (f"{len(here)} of {words.plural(len(needed), 'stage')} passed on these sources", *named)


def line(folder: Path, present: Sources, written: str) -> Line:
    """Read the state of every stage from the runs and verdicts in the reports folder."""
    runs, found = last_runs(folder), {entry.stage: entry for entry in overview.entries(folder)}
    known = {stage.key for stage in (*LINE, *BESIDE)}
    more = [Stage(run.stage, run.command, run.environment) for key, run in runs.items() if key not in known]

    def steps(listed: Iterable[Stage]) -> tuple[Step, ...]:
        return tuple(_step(stage, runs.get(stage.key), found, folder, present) for stage in listed)

    beside = [step for step in steps((*BESIDE, *more)) if step.ending]
    shown = {stage.name for stage in (*LINE, *more)} | {step.stage.name for step in beside}
    others = tuple(entry for name, entry in found.items() if name not in shown)
    return Line(steps(LINE), tuple(beside), others, present, written)


def _step(
    stage: Stage, run: LastRun | None, found: Mapping[str, overview.Entry], folder: Path, present: Sources
) -> Step:
    entry = found.get(stage.name, overview.Entry(stage.name, None, "", ()))
    run, verdict = _newest(stage, run, entry.verdict)
    own = verdict is not None or not stage.environment
    shared = Step(stage, page=entry.page if own else "", links=entry.extras if own else ())
    if run is not None:
        return _of_run(shared, run, verdict, present, _output(stage, run, folder))
    return _of_verdict(shared, verdict) if verdict is not None else shared


def _newest(stage: Stage, run: LastRun | None, verdict: Verdict | None) -> tuple[LastRun | None, Verdict | None]:
    """Return the last run with the verdict that it left, or a verdict that was reached since, outside of any run."""
    if verdict is None or verdict.judged.get("environment", stage.environment) != stage.environment:
        return run, None
    if run is None or run.left_verdict:
        return run, verdict
    return (None, verdict) if verdict.created > run.ended else (run, None)


def _of_run(step: Step, run: LastRun, verdict: Verdict | None, present: Sources, output: tuple[Link, ...]) -> Step:
    """The run's own end counts: a canary whose verdict passed may have failed to be promoted."""
    agree = verdict is not None and verdict.outcome == run.ending
    return replace(
        step,
        ending=run.ending,
        reason=words.headline(verdict) if verdict and agree else run.reason,
        when=run.ended,
        seconds=run.seconds,
        commit=run.commit,
        elsewhere=_elsewhere(run, present),
        by=run.by,
        release=run.release or (verdict.judged.get("release", "") if verdict else ""),
        artifact=verdict.judged.get("artifact", "") if verdict else "",
        links=(*step.links, *output),
        marks=words.marks(verdict) if verdict else (),
    )


def _of_verdict(step: Step, verdict: Verdict) -> Step:
    return replace(
        step,
        ending=verdict.outcome.value,
        reason=words.headline(verdict),
        when=verdict.created,
        elsewhere="sources not recorded",
        release=verdict.judged.get("release", ""),
        artifact=verdict.judged.get("artifact", ""),
        marks=words.marks(verdict),
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
