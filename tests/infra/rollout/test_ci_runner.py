"""What the CI server tells of the machine, and of the time that a job has."""

from __future__ import annotations

import math

import pytest

from gateline.settings.errors import UsageError
from infra.rollout.ci_runner import is_rehearsal, is_thrown_away, job_seconds, refuse_longer_than_the_job

HOSTED, OWN = {"RUNNER_ENVIRONMENT": "github-hosted"}, {"RUNNER_ENVIRONMENT": "self-hosted"}
GITLAB = {"GITLAB_CI": "true"}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (HOSTED, True),
        (OWN, False),
        ({}, False),
        (GITLAB | {"CI_DISPOSABLE_ENVIRONMENT": "true"}, True),
        (GITLAB | {"CI_SHARED_ENVIRONMENT": "true"}, False),
        (OWN | {"GATELINE_RUNNER": "thrown-away"}, True),
        (HOSTED | {"GATELINE_RUNNER": "kept"}, False),
        ({"CI": "true", "GATELINE_RUNNER": "thrown-away"}, True),
        (HOSTED | {"GATELINE_RUNNER": ""}, True),
    ],
)
def test_whether_a_runner_is_thrown_away_is_told_or_asked(environ: dict[str, str], expected: bool) -> None:
    assert is_thrown_away(environ) is expected is is_rehearsal(True, environ)
    assert not is_rehearsal(False, environ), "an environment elsewhere is there for real"


def test_another_word_is_refused() -> None:
    with pytest.raises(UsageError, match="GATELINE_RUNNER is 'thrown_away'; did you mean 'thrown-away'"):
        is_thrown_away({"GATELINE_RUNNER": "thrown_away"})


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, math.inf),
        ({"GATELINE_JOB_MINUTES": ""}, math.inf),
        ({"GATELINE_JOB_MINUTES": "360"}, 21600.0),
        (OWN | {"GATELINE_JOB_MINUTES": "1440"}, 86400.0),
        (HOSTED, 21600.0),
        (HOSTED | {"GATELINE_JOB_MINUTES": "1440"}, 21600.0),
        (HOSTED | {"GATELINE_JOB_MINUTES": "80"}, 4800.0),
        (GITLAB | {"CI_JOB_TIMEOUT": "3600"}, 3600.0),
        (GITLAB | {"CI_JOB_TIMEOUT": "3600", "GATELINE_JOB_MINUTES": "30"}, 1800.0),
    ],
)
def test_the_time_that_a_job_has(environ: dict[str, str], seconds: float) -> None:
    assert job_seconds(environ) == seconds


@pytest.mark.parametrize("said", ["6 hours", "0", "-1", "nan"])
def test_no_time_is_refused(said: str) -> None:
    with pytest.raises(UsageError, match="must be a number > 0"):
        job_seconds({"GATELINE_JOB_MINUTES": said})


def test_what_would_be_cut_off_is_not_begun() -> None:
    hours = {"GATELINE_JOB_MINUTES": "360"}
    refuse_longer_than_the_job("--seconds", 86400.0, {})
    refuse_longer_than_the_job("--seconds", 21300.0, hours)
    with pytest.raises(UsageError, match="--seconds is 21301 s, and this CI job ends after 360 minutes") as refused:
        refuse_longer_than_the_job("--seconds", 21301.0, hours)
    assert refused.value.next_step.startswith("set it to at most 21300, or give the job more time")
    with pytest.raises(UsageError) as refused:
        refuse_longer_than_the_job("--seconds", 1.0, {"GATELINE_JOB_MINUTES": "5"})
    assert refused.value.next_step.startswith("give the job more time")
