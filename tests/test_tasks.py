"""The tasks read as a menu, and hand every option on."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task

import tasks
from gateline.contracts.last_run import last_runs
from gateline.settings.errors import GateRefused
from infra import commands
from infra.commands import CanaryOptions, DeployOptions
from template import copying
from tests.infra.tiny_project import ROOT

ALL: dict[str, Task[Any]] = dict(Collection.from_module(tasks).tasks)
NAMES = "audit build canary deploy down drift monitor new promote report rollback sign smoke status up update verify".split()


def test_they_are_all_there() -> None:
    assert sorted(ALL) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_says_in_one_line_what_it_does(name: str) -> None:
    line = (ALL[name].__doc__ or "").splitlines()[0]
    assert len(line) < 70 and line.endswith(".") and line[0].isupper()
    assert not line.split()[0].endswith("s"), "imperative"


@pytest.mark.parametrize("name", NAMES)
def test_each_option_has_help(name: str) -> None:
    options = list(inspect.signature(ALL[name].body).parameters)[1:]
    assert set(ALL[name].help) == set(options)
    assert all(text and not text.endswith(".") for text in ALL[name].help.values())


def test_the_menu_is_one_line_a_task() -> None:
    done = subprocess.run([sys.executable, "-m", "invoke", "-l"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in NAMES:
        line = next(line for line in done.stdout.splitlines() if line.split()[:1] == [name])
        assert line.strip().endswith(".")


def test_help_is_shown_by_a_terminal_that_lacks_some_of_its_signs() -> None:
    argv = [sys.executable, "-m", "invoke", "--help", "canary"]
    variables = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(argv, cwd=ROOT, env=variables, capture_output=True, encoding="ascii", check=False)
    assert done.returncode == 0 and "--traffic=synthetic ? ? --resume" in done.stdout


@pytest.mark.parametrize("option", ["--rate=abc", "--seconds=nan", "--wait=-1"])
def test_what_is_no_number_is_a_sentence(option: str) -> None:
    argv = [sys.executable, "-m", "invoke", "canary", "--env=production", option]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ") and option.split("=")[1] in done.stderr and "--help" in done.stderr


@pytest.fixture()
def called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[Any, ...]]:
    """The commands as they are called; each ends with 0, and what they note goes to a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    calls: list[tuple[Any, ...]] = []

    def noting(name: str) -> Callable[..., int]:
        def note(*arguments: Any) -> int:
            calls.append((name, *arguments))
            return 0

        return note

    for name in (*NAMES, "new_key", "deploy_plan", "rollback_list", "rollback_plan"):
        monkeypatch.setattr(copying if name == "new" else commands, name, noting(name))
    return calls


@pytest.mark.parametrize(
    ("name", "given", "call"),
    [
        ("build", {}, ("build", "candidate", False, "")),
        ("build", {"model": "champion", "push": True, "manifests": "k8s"}, ("build", "champion", True, "k8s")),
        ("up", {"env": "staging"}, ("up", "staging", False, 60.0)),
        ("down", {"env": "staging", "from_laptop": True, "wait": 1.0}, ("down", "staging", True, 1.0, False)),
        ("down", {"env": "staging", "remove": True}, ("down", "staging", False, 60.0, True)),
        ("status", {}, ("status", "", False, False)),
        ("status", {"env": "staging", "logs": True, "json": True}, ("status", "staging", True, True)),
        ("deploy", {"env": "staging"}, ("deploy", "staging", "", DeployOptions(), 60.0)),
        (
            "deploy",
            {"env": "p", "release": "r", "skip_canary": True, "wait": 2.0},
            ("deploy", "p", "r", DeployOptions(skip_canary=True), 2.0),
        ),
        ("deploy", {"env": "p", "unjudged": True}, ("deploy", "p", "", DeployOptions(unjudged=True), 60.0)),
        (
            "deploy",
            {"env": "p", "lift_quarantine": True},
            ("deploy", "p", "", DeployOptions(lift_quarantine=True), 60.0),
        ),
        ("deploy", {"env": "p", "from_laptop": True}, ("deploy", "p", "", DeployOptions(from_laptop=True), 60.0)),
        ("deploy", {"env": "p", "release": "r", "dry_run": True}, ("deploy_plan", "p", "r")),
        ("smoke", {"env": "staging"}, ("smoke", "staging")),
        ("canary", {"env": "p"}, ("canary", "p", "", CanaryOptions(), 60.0)),
        (
            "canary",
            {"env": "p", "release": "r", "resume": True, "traffic": "synthetic", "rate": 5.0, "seconds": 6.0},
            ("canary", "p", "r", CanaryOptions(True, "synthetic", 5.0, 6.0), 60.0),
        ),
        (
            "canary",
            {"env": "p", "unjudged": True, "wait": 3.0},
            ("canary", "p", "", CanaryOptions(unjudged=True), 3.0),
        ),
        (
            "canary",
            {"env": "p", "release_quarantine": True},
            ("canary", "p", "", CanaryOptions(lift_quarantine=True), 60.0),
        ),
        ("canary", {"env": "p", "from_laptop": True}, ("canary", "p", "", CanaryOptions(from_laptop=True), 60.0)),
        ("promote", {"env": "p", "from_laptop": True}, ("promote", "p", True, 60.0)),
        ("rollback", {"env": "p"}, ("rollback", "p", "", "by hand", False, 60.0, "")),
        (
            "rollback",
            {"env": "p", "to": "1", "reason": "slow", "from_laptop": True, "wait": 4.0, "asked": "2026-01-02T10:30:00Z"},
            ("rollback", "p", "1", "slow", True, 4.0, "2026-01-02T10:30:00Z"),
        ),
        ("rollback", {"env": "p", "list": True}, ("rollback_list", "p")),
        ("rollback", {"env": "p", "dry_run": True, "to": "1"}, ("rollback_plan", "p", "1")),
        ("drift", {}, ("drift", "production")),
        ("monitor", {}, ("monitor", "", False, "")),
        ("monitor", {"env": "p", "once": True, "output": "o"}, ("monitor", "p", True, "o")),
        ("audit", {}, ("audit", "", "", "", "", False, "")),
        ("audit", {"trace": "1", "export": "x.json"}, ("audit", "1", "x.json", "", "", False, "")),
        ("audit", {"keep": "k", "against": "a"}, ("audit", "", "", "a", "k", False, "")),
        ("audit", {"accept_cut": True, "reason": "r"}, ("audit", "", "", "", "", True, "r")),
        ("sign", {"release": "1", "verdicts": "security=1"}, ("sign", "1", "security=1")),
        ("sign", {"new_key": "keys/x"}, ("new_key", "keys/x")),
        ("report", {}, ("report", False, "")),
        ("report", {"open": True, "output": "x"}, ("report", True, "x")),
        ("update", {}, ("update", "", "", "")),
        ("update", {"to": "v1", "template": "t", "since": "c"}, ("update", "v1", "t", "c")),
        ("verify", {"env": "p"}, ("verify", "", "p")),
    ],
)
def test_options_reach_the_command(
    called: list[tuple[Any, ...]], name: str, given: dict[str, Any], call: tuple[Any, ...]
) -> None:
    ALL[name](Context(), **given)
    assert called == [call]


@pytest.mark.parametrize(
    ("name", "given", "key"),
    [
        ("build", {}, "build"),
        ("sign", {}, "sign"),
        ("deploy", {"env": "staging"}, "deploy-staging"),
        ("smoke", {"env": "p"}, "smoke-p"),
        ("canary", {"env": "p"}, "canary-p"),
        ("promote", {"env": "p"}, "promote-p"),
        ("rollback", {"env": "p"}, "rollback-p"),
        ("drift", {}, "drift-production"),
        ("sign", {"new_key": "x"}, None),
        ("deploy", {"env": "p", "dry_run": True}, None),
        ("rollback", {"env": "p", "list": True}, None),
        ("rollback", {"env": "p", "dry_run": True}, None),
        ("status", {}, None),
        ("up", {"env": "p"}, None),
        ("report", {}, None),
    ],
)
def test_the_stages_of_the_pipeline_leave_word_of_their_end_and_the_rest_does_not(
    called: list[tuple[Any, ...]], name: str, given: dict[str, Any], key: str | None
) -> None:
    ALL[name](Context(), **given)
    assert list(last_runs(Path("reports"))) == ([key] if key else [])


@pytest.mark.parametrize(("code", "ending"), [(0, "pass"), (1, "fail"), (3, "inconclusive"), (4, "error"), (2, None)])
def test_the_word_is_the_end_and_a_usage_error_is_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, ending: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    if code:
        with pytest.raises(Exit):
            tasks.leave(lambda: code, "deploy", "staging")
    else:
        tasks.leave(lambda: code, "deploy", "staging")
    runs = last_runs(Path("reports"))
    assert [run.ending for run in runs.values()] == ([ending] if ending else [])
    assert all(run.reason == (f"ended with exit code {code}" if code else "") for run in runs.values())


def refuse() -> int:
    """End as a gate that says no."""
    raise GateRefused("no", "do something else")


@pytest.mark.parametrize(("call", "code"), [(lambda: 3, 3), (refuse, 1)])
def test_a_command_ends_with_its_exit_code(call: Callable[[], int], code: int) -> None:
    with pytest.raises(Exit) as ended:
        tasks.leave(call)
    assert ended.value.code == code
    assert tasks.leave(lambda: 0) is None  # type: ignore[func-returns-value]
