"""A supervisor that is at work stamps a file; one that hangs does not."""

from __future__ import annotations

import os
import time
from pathlib import Path

from infra.engines.process.record import BEAT_SECONDS, Pulse


def test_one_that_beats_answers_at_once(tmp_path: Path) -> None:
    giving, feeling = Pulse(tmp_path / "pulse"), Pulse(tmp_path / "pulse")
    giving.beat()
    assert feeling.answers(0.0) and feeling.silence() == 0.0 and Pulse(tmp_path / "pulse").answers(0.0)


def test_it_is_not_stamped_more_often_than_needed(tmp_path: Path) -> None:
    giving = Pulse(tmp_path / "pulse")
    giving.beat()
    first = (tmp_path / "pulse").stat().st_mtime_ns
    giving.beat()
    assert (tmp_path / "pulse").stat().st_mtime_ns == first
    time.sleep(BEAT_SECONDS + 0.05)
    giving.beat()
    assert (tmp_path / "pulse").stat().st_mtime_ns > first


def test_one_that_hangs_is_silent_for_as_long_as_was_looked(tmp_path: Path) -> None:
    path = tmp_path / "pulse"
    path.touch()
    long_ago = time.monotonic_ns() - int(60e9)
    os.utime(path, ns=(long_ago, long_ago))
    pulse = Pulse(path)
    assert not pulse.answers(0.2) and pulse.silence() >= 0.2


def test_a_stamp_that_means_nothing_here_is_compared_with_the_next(tmp_path: Path) -> None:
    path = tmp_path / "pulse"
    path.touch()
    pulse = Pulse(path)
    assert not pulse.answers(0.1)
    os.utime(path, ns=(5, 5))
    assert pulse.answers(0.0)


def test_none_is_silence(tmp_path: Path) -> None:
    assert not Pulse(tmp_path / "none").answers(0.1)
