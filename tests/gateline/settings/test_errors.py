"""The error base and the front door: one message, one exit code, no traceback."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateline.settings.errors import (
    ExitCode,
    GatelineError,
    GateRefused,
    Inconclusive,
    OutsideError,
    UsageError,
    did_you_mean,
    explain,
    next_step_of,
)
from gateline.settings.front_door import front_door

ROOT = Path(__file__).parents[3]


def raising(error: BaseException) -> Callable[[], int]:
    def main() -> int:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GateRefused("no", "look"), 1),
        (UsageError("no", "look"), 2),
        (Inconclusive("no", "look"), 3),
        (OutsideError("no", "look"), 4),
        (GatelineError("no", "look"), 4),
    ],
)
def test_an_expected_failure_is_a_message_and_its_exit_code(
    error: GatelineError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert front_door(raising(error)) == code
    assert capsys.readouterr().err == "error: no\n  next: look\n"


def test_success_passes_through(capsys: pytest.CaptureFixture[str]) -> None:
    assert front_door(lambda: int(ExitCode.INCONCLUSIVE)) == 3
    assert capsys.readouterr().err == ""


def test_a_full_disk_is_named_with_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert front_door(raising(OSError(errno.ENOSPC, "No space left on device", "reports/x"))) == 4
    assert "error: No space left on device (reports/x)\n  next: free the space" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "next_step"),
    [
        (errno.ENOENT, "fix the path"),
        (errno.EACCES, "permission"),
        (errno.EMFILE, "ulimit"),
        (errno.ECONNREFUSED, "other side"),
        (errno.EIO, "see the cause"),
    ],
)
def test_the_next_step_is_of_the_cause(number: int, next_step: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert front_door(raising(OSError(number, os.strerror(number), "reports/x"))) == 4
    said = capsys.readouterr().err
    assert next_step in said and "free the space" not in said and "(reports/x)" in said


def test_an_interrupt_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert front_door(raising(KeyboardInterrupt())) == 130
    assert "interrupted" in capsys.readouterr().err


def test_a_defect_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        front_door(raising(ZeroDivisionError()))


def test_a_message_without_a_next_step_stands_alone() -> None:
    assert str(UsageError("no")) == "no"


def test_the_nearest_name_is_offered_only_where_one_is_near() -> None:
    assert did_you_mean("stagin", ["staging", "production"]) == "; did you mean 'staging'?"
    assert did_you_mean("xyz", ["staging", "production"]) == ""


def test_a_reader_that_has_gone_is_a_quiet_end_and_no_pass() -> None:
    code = "from gateline.settings.front_door import front_door; exit(front_door(lambda: print('x' * 10**6) or 0))"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdout is not None and run.stderr is not None
        run.stdout.close()
        assert run.stderr.read() == b""
    assert run.returncode == 141


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("code", [0, 1, 3])
def test_a_terminal_that_cannot_show_a_sign_changes_no_ending(encoding: str, code: int) -> None:
    source = f"from gateline.settings.front_door import front_door; exit(front_door(lambda: print('✓ …') or {code}))"
    variables = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", source], cwd=ROOT, env=variables, capture_output=True, check=False)
    shown = "✓ …" if encoding == "utf-8" else "? ?"
    assert (done.returncode, done.stdout.decode(encoding), done.stderr) == (code, f"{shown}\n", b"")


def own_code(folder: Path, text: str) -> str:
    """Return how the error is explained of a package `model` in a folder, imported as a copy's own code is."""
    (folder / "model").mkdir()
    (folder / "model" / "__init__.py").touch()
    (folder / "model" / "features.py").write_text(text, encoding="utf-8")
    code = f"""
import sys
sys.path.insert(0, {str(folder)!r})
from gateline.settings.errors import explain
try:
    import model.features
    model.features.preprocessor()
except BaseException as error:
    print(explain(error))
"""
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def preprocessor():\n    raise KeyError('plan')\n", "KeyError: 'plan' (model/features.py, line 2)"),
        ("import math\n\n\ndef preprocessor():\n    return math.sqrt(-1)\n", "error (model/features.py, line 5)"),
        ("def preprocessor(:\n", "(model/features.py, line 1)"),
        ("x = 1\nnumber = no_such_name\n", "is not defined (model/features.py, line 2)"),
    ],
)
def test_an_error_of_the_copys_own_code_names_file_and_line(tmp_path: Path, text: str, told: str) -> None:
    assert told in own_code(tmp_path, text)


def test_an_error_is_explained_on_one_short_line() -> None:
    assert explain(ValueError("bad\n  shape")) == "ValueError: bad shape"
    assert len(explain(ValueError("word " * 1000))) < 450


def test_writing_into_rows_has_a_next_step_of_its_own() -> None:
    assert "X.copy()" in next_step_of(ValueError("assignment destination is read-only"), "other")
    assert next_step_of(ValueError("could not convert"), "other") == "other"


def test_the_copys_own_code_that_ends_the_program_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    code = compile("exit('no GPU')", str(Path("model/features.py").resolve()), "eval")
    assert front_door(lambda: int(bool(eval(code)))) == ExitCode.USAGE
    assert capsys.readouterr().err.startswith("error: model/features.py, line 1, ends the whole program: no GPU\n  next: ")
    with pytest.raises(SystemExit):  # as argparse does
        front_door(raising(SystemExit(2)))


def test_where_the_copys_own_code_failed_it_is_to_be_corrected() -> None:
    code = compile("{}['plan']", str(Path("model/features.py").resolve()), "exec")
    with pytest.raises(KeyError) as raised:
        exec(code)
    fix = "correct model/features.py, and train again"
    assert next_step_of(raised.value, "narrow the schema") == f"{fix}; or narrow the schema"
    assert next_step_of(raised.value, "correct the estimator") == fix


def test_what_nobody_expected_and_warnings_are_shown_as_text() -> None:
    code = """
import warnings
from gateline.settings.front_door import front_door
def main():
    warnings.warn("column \\x1b[2J\\n::error::x")
    raise KeyError("a\\x1b[2J", ValueError("b"))
def other():
    raise ZeroDivisionError("cell\\n::error::y")
try:
    front_door(main)
except KeyError:
    front_door(other)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and "UserWarning: column \\x1b[2J" in done.stderr and "ZeroDivisionError" in done.stderr
    assert "\x1b" not in done.stderr and not [x for x in done.stderr.splitlines() if x.strip().startswith("::")]
