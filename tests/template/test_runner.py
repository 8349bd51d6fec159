"""What act's lines say of the jobs."""

from __future__ import annotations

import pytest

from tests.template.runner import concluded

ENDED = (
    '{"dryrun":false,"job":"pipeline/train","jobID":"train","jobResult":"failure","level":"info","msg":"Job failed"}\n'
)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (ENDED, ("train", "failure")),
        ('{"jobID":"train","level":"info","msg":"a step"}\n', ("", "")),
        ("Error: Job 'train' failed\n", ("", "")),
        ("12\n", ("", "")),
    ],
)
def test_a_job_that_ended_is_seen(line: str, told: tuple[str, str]) -> None:
    assert concluded(line) == told
