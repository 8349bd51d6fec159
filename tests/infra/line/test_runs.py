"""One stage is one process: its output kept, its end shown, its time remembered; independent ones run side by side."""

from __future__ import annotations

import io
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

import pytest
from rich.console import Console

from gateline.stages import PIPELINE, Stage
from infra.host.processes import end
from infra.line import runs as module
from infra.line.runs import Result, SideBySide, Timings, needs, startable


@dataclass(frozen=True)
class Code(Stage):
    """A stage that runs a script of its own, `x[y].py`."""

    @property
    def command(self) -> tuple[str, ...]:
        return (f"x[y]{self.name}",)


def stage(code: str, name: str = "a", **more: object) -> Code:
    """Return a stage that runs Python code."""
    Path(f"x[y]{name}.py").write_text(code)
    return Code(name, "nox", environment="stage", **more)  # type: ignore[arg-type]


def run(*stages: Stage, places: int = 2, terminal: bool = False) -> tuple[SideBySide, str]:
    """Run stages; return how they ended and what was shown."""
    shown = io.StringIO()
    console = Console(file=shown, width=200, force_terminal=terminal)
    line = SideBySide(stages, stages, console, places)
    line.go()
    return line, shown.getvalue()


def go(code: str) -> tuple[Result, str]:
    """Run Python code as a stage; return how it ended and what was shown."""
    line, shown = run(stage(code))
    return line.results[0], shown


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_stage_that_passes_keeps_its_output_to_itself(folder: Path) -> None:
    result, shown = go("import sys; print('out'); print('err', file=sys.stderr)")
    assert (result.code, result.command) == (0, "x[y]a") and 0 < result.seconds < 60
    assert result.log == Path("reports/pipeline/a-stage.log")
    assert set(result.log.read_text().split()) == {"out", "err"}
    assert "1/1  x[y]a" in shown and "pass" in shown and "out" not in shown


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


def meets(own: str, other: str) -> str:
    """Return code that passes only while `other`, which runs the same, runs too."""
    return (
        f"import pathlib, time\npathlib.Path({own!r}).touch()\nend = time.monotonic() + 20\n"
        f"while not pathlib.Path({other!r}).exists():\n assert time.monotonic() < end\n time.sleep(0.01)"
    )


def test_two_that_do_not_need_each_other_run_at_the_same_time() -> None:
    line, shown = run(stage(meets("here", "there"), "one"), stage(meets("there", "here"), "two"))
    assert [result.code for result in line.results] == [0, 0] and "2/2" in shown


def test_on_one_core_they_run_one_after_the_other_in_the_order_of_the_table() -> None:
    code = "import pathlib; runs = pathlib.Path('runs'); assert not runs.exists(); runs.touch(); runs.unlink()"
    names = ("one", "two", "three")
    line, _ = run(*(stage(code, name, long=name == "three") for name in names), places=1)
    assert [(result.name, result.code) for result in line.results] == [(f"{name} stage", 0) for name in names]


def test_what_runs_shows_its_last_line_on_a_terminal() -> None:
    shown = run(stage("import time; print('first', flush=True); print('[ 43%]', flush=True); time.sleep(1)"), terminal=True)[1]
    assert "0/1" in shown and "[ 43%]" in shown and "first" not in shown


def test_ctrl_c_ends_all_that_run() -> None:
    code = "import pathlib, time\ntry:\n time.sleep(60)\nexcept KeyboardInterrupt:\n pathlib.Path('told{}').touch()"
    interrupt()
    with pytest.raises(KeyboardInterrupt):
        run(stage(code.format(1), "one"), stage(code.format(2), "two"), stage("", "three", needs=("one stage",)))
    assert Path("told1").exists() and Path("told2").exists()
    assert not Path("reports/pipeline/three-stage.log").exists()


def of(*names: str, **more: object) -> list[Stage]:
    """Return stages that run nothing."""
    return [Stage(name, "nox", **more) for name in names]  # type: ignore[arg-type]


def test_one_that_is_left_out_hands_on_what_it_needs() -> None:
    table = [*of("one"), *of("two", needs=("one",)), *of("three", needs=("two",)), *of("four", needs=("three", "one"))]
    assert needs(table, table)["three"] == {"two"}
    assert needs([table[0], table[3]], table) == {"one": frozenset(), "four": {"one"}}
    assert needs(table[3:], table) == {"four": frozenset()}


def test_what_starts_next() -> None:
    plain, long, alone = of("one", "two"), of("tests", long=True), of("benchmark", alone=True)
    assert startable([*plain, *long], [], 2) == [*long, plain[0]]
    assert startable([*plain, *long], [], 1) == [plain[0]]
    assert startable([*alone, *plain], plain[:1], 2) == plain[:1]
    assert startable(alone, plain[:1], 2) == [], "something else runs"
    assert startable(alone, [], 2) == alone
    assert startable(plain, alone, 2) == [], "it measures time"
    assert startable(plain, plain, 2) == []


def test_nothing_is_deployed_before_every_stage_that_judges_has_passed() -> None:
    """Also where stages of the pipeline are left out: what stays is waited for."""
    before = [stage for stage in PIPELINE if not stage.environment]
    for left_out in ((), ("sign",), ("build", "sign"), ("train", "validate_model")):
        listed = [stage for stage in PIPELINE if stage.name not in left_out]
        found, waited = needs(listed, PIPELINE), set[str]()
        ahead = {"deploy staging"}
        while ahead:
            name = ahead.pop()
            ahead |= found[name] - waited
            waited |= found[name]
        assert waited == {stage.words for stage in before} - set(left_out)
    ends = [stage.words for stage in PIPELINE if stage.environment]
    assert [needs(PIPELINE, PIPELINE)[name] for name in ends[1:]] == [{name} for name in ends[:-1]]


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
