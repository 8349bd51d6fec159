"""The machine that a CI job runs on: whether it outlives the run, and how long the job may take."""

import math
import os
from collections.abc import Mapping

from gateline.settings.errors import UsageError, did_you_mean

RUNNER, JOB_MINUTES = "GATELINE_RUNNER", "GATELINE_JOB_MINUTES"
THROWN_AWAY, KEPT = "thrown-away", "kept"
HOSTED, HOSTED_SECONDS = "github-hosted", 6 * 3600.0
BESIDE_SECONDS = 300.0
"""What a job needs besides the time that a release is watched: its set-up before, and to take a release back afterwards."""


def is_rehearsal(local: bool, environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether this is a local engine on a runner that is thrown away: what is deployed there serves nobody."""
    return local and is_thrown_away(environ)


def is_thrown_away(environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether nothing on this machine outlives the run.

    `GATELINE_RUNNER` says so where it is set. Otherwise GitHub tells that a runner is hosted, and GitLab that a job's
    environment was made for it alone (every executor but shell and ssh); any other machine counts as kept.
    Raises UsageError for another value.
    """
    said = environ.get(RUNNER, "")
    if said not in ("", THROWN_AWAY, KEPT):
        near = did_you_mean(said, (THROWN_AWAY, KEPT))
        raise UsageError(f"{RUNNER} is '{said}'{near}", f"set it to {THROWN_AWAY} or {KEPT}, or unset it")
    told = environ.get("RUNNER_ENVIRONMENT") == HOSTED or environ.get("CI_DISPOSABLE_ENVIRONMENT") == "true"
    return said == THROWN_AWAY or (not said and told)


def job_seconds(environ: Mapping[str, str] = os.environ) -> float:
    """Return how long this job may take, as `GATELINE_JOB_MINUTES` or GitLab says; infinite where nobody does.

    GitHub ends a job of its hosted runners after six hours at the latest.

    Raises UsageError for what is no positive number.
    """
    minutes, seconds = environ.get(JOB_MINUTES, ""), environ.get("CI_JOB_TIMEOUT", "")
    try:
        said = float(minutes) * 60 if minutes else float(seconds) if seconds else math.inf
        limit = min(said, HOSTED_SECONDS) if environ.get("RUNNER_ENVIRONMENT") == HOSTED else said
    except ValueError:
        limit = math.nan
    if limit > 0:
        return limit
    name, value = (JOB_MINUTES, minutes) if minutes else ("CI_JOB_TIMEOUT", seconds)
    raise UsageError(f"{name} is '{value}'; it must be a number > 0", "set it to the limit of the CI job, or unset it")


def refuse_longer_than_the_job(what: str, seconds: float, environ: Mapping[str, str] = os.environ) -> None:
    """Refuse to begin what this CI job would be too short to end. Raises UsageError.

    `what` names the setting or option, `seconds` its value.
    """
    limit = job_seconds(environ)
    if seconds + BESIDE_SECONDS > limit:
        most = limit - BESIDE_SECONDS
        shorter = f"set it to at most {most:.0f}, or " if most > 0 else ""
        raise UsageError(
            f"{what} is {seconds:.0f} s, and this CI job ends after {limit / 60:.0f} minutes: it would be cut off "
            f"({BESIDE_SECONDS:.0f} s are needed besides)",
            f"{shorter}give the job more time (docs/ci.md)",
        )
