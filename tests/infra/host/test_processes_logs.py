"""Log files stay small."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.host import processes


def test_a_long_log_is_moved_aside_and_its_writer_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LARGEST", 100)
    (tmp_path / "short.log").write_text("x" * 100)
    with (tmp_path / "long.log").open("ab", buffering=0) as writer:
        writer.write(b"old\n" * 30)
        processes.trim(tmp_path)
        writer.write(b"new\n")
    assert (tmp_path / "long.log").read_text() == "new\n"
    assert (tmp_path / "long.log.1").read_text() == "old\n" * 30
    assert (tmp_path / "short.log").stat().st_size == 100 and not (tmp_path / "short.log.1").exists()


def test_logs_of_processes_long_gone_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here.log").write_text("x")
    monkeypatch.setattr(processes, "KEPT_SECONDS", -1.0)
    processes.trim(tmp_path)
    assert not (tmp_path / "here.log").exists()


def test_the_tail_of_a_log(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("\n".join(str(number) for number in range(100)) + "\n\n")
    assert processes.tail(tmp_path / "a.log", 2) == "98\n99"
    assert processes.tail(tmp_path / "none.log") == ""
