"""One stage is one process: its output kept, its end shown, its time remembered."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import threading
from pathlib import Path
from threading import Timer

import pytest
from rich.console import Console

from infra.host.ending import end
from infra.line import runs as module
from infra.line.runs import Result, Run, Timings


def go(code: str, name: str = "a stage") -> tuple[Result, str]:
    """Run Python code as a stage; return how it ended and what was shown."""
    shown = io.StringIO()
    run = Run(name, [sys.executable, "-c", code], ("nox", "-s", "x[y]"), Console(file=shown, width=200))
    return run.go("1/2", 12.0), shown.getvalue()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_stage_that_passes_keeps_its_output_to_itself(folder: Path) -> None:
    result, shown = go("import sys; print('out'); print('err', file=sys.stderr)")
    assert (result.code, result.command) == (0, "nox -s x[y]") and 0 < result.seconds < 60
    assert result.log == Path("reports/pipeline/a-stage.log")
    assert set(result.log.read_text().split()) == {"out", "err"}
    assert "1/2  nox -s x[y]" in shown and "pass" in shown and "out" not in shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("model: pass [recorded] (5 of 5 rules judged)", True),
        ("tiny is built already: nothing to do [/x]", True),
        ("nox > Re-using existing virtual environment already", False),
        ("trained", False),
    ],
)
def test_that_nothing_was_to_do_is_shown(line: str, shown: bool) -> None:
    assert (line in go(f"print('first'); print({line!r}); print('again recorded')")[1]) is shown


def test_a_stage_that_fails_shows_the_end_of_its_output() -> None:
    result, shown = go("[print(f'line {n} [/b]') for n in range(100)]; raise SystemExit(7)")
    assert result.code == 7 and "exit 7" in shown
    assert "line 99 [/b]" in shown and "line 60 " in shown and "line 59 " not in shown


def test_ctrl_c_ends_the_stage_too() -> None:
    code = "import pathlib, time\ntry:\n time.sleep(60)\nexcept KeyboardInterrupt:\n pathlib.Path('told').touch()"
    interrupt()
    with pytest.raises(KeyboardInterrupt):
        go(code)
    assert Path("told").exists()


def test_one_that_ignores_ctrl_c_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.2)
    codes: list[int] = []

    def ended(process: subprocess.Popen[bytes], seconds: float, asked: bool) -> None:
        codes.append(end(process, seconds, asked=asked))

    monkeypatch.setattr(module, "end", ended)
    interrupt()
    with pytest.raises(KeyboardInterrupt):
        go("import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)")
    assert codes == [-signal.SIGKILL]


def interrupt() -> None:
    """Press Ctrl-C in a second."""
    main = threading.main_thread().ident
    assert main is not None
    Timer(1.0, lambda: signal.pthread_kill(main, signal.SIGINT)).start()


def result(name: str, seconds: float, code: int = 0) -> Result:
    """Return how a stage ended."""
    return Result(name, name, code, seconds, Path("log"))


def test_the_first_time_nothing_is_known() -> None:
    assert Timings.read().expected(["lint"]) is None


def test_what_passed_is_the_next_estimate() -> None:
    timings = Timings.read()
    timings.note(result("lint", 2.0))
    timings.note(result("test", 30.0))
    timings.note(result("train", 500.0, code=1))
    assert Timings.read().expected(["lint", "test", "train", "unknown"]) == 32.0
    assert Timings.read().expected(["train"]) is None


@pytest.mark.parametrize("text", ["{", '{"lint": "soon"}', "[1]"])
def test_a_spoilt_memory_is_no_memory(folder: Path, text: str) -> None:
    (folder / ".gateline").mkdir()
    (folder / ".gateline" / "timings.json").write_text(text)
    assert Timings.read().expected(["lint"]) is None
