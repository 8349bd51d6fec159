"""Each process gets the variables that it needs by name; a key reaches those alone that need it, whatever settings say."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest

from gateline.settings.passing import AUDIT_KEY, NEEDS, SIGNING_KEY, variables
from gateline.stages import PIPELINE
from tests.gateline.settings.files import refusal, write

SHELL = {
    "PATH": "/bin", "LC_ALL": "C.UTF-8", "CI": "true", "GITHUB_SHA": "1", "GATELINE_WORKERS": "2", "OMP_NUM_THREADS": "1",
    AUDIT_KEY: "k", SIGNING_KEY: "k", "GATELINE_NOTIFY_WEBHOOK": "k", "GATELINE_REDIS_URL": "k", "GATELINE_REGISTRY_URL": "u",
    "AWS_SECRET_ACCESS_KEY": "k", "GITHUB_TOKEN": "k", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "k", "HF_TOKEN": "k",
    "UV_INDEX_OURS_PASSWORD": "k", "SLACK_TOKEN": "k", "CODECOV_TOKEN": "k", "CI_JOB_TOKEN": "k", "DOCKER_HOST": "unix:///x",
    "PYTHONDONTWRITEBYTECODE": "1", "GATELINE_API_KEY": "k",
    "KUBECONFIG": "x",
}  # fmt: skip
ROOT = Path(__file__).parents[3]
USUAL = {"PATH", "LC_ALL", "CI", "GITHUB_SHA", "GATELINE_WORKERS", "OMP_NUM_THREADS"}
STORE = {"GATELINE_REGISTRY_URL", "AWS_SECRET_ACCESS_KEY"}
INDEX = {"UV_INDEX_OURS_PASSWORD"}


def passed(process: str, more: str = "[]") -> set[str]:
    config = Path("pipeline.toml")
    config.write_text(f"[variables]\npass = {more}\n", encoding="utf-8")
    return set(variables(process, SHELL, config))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("process", "more"),
    [
        ("typecheck", set()),
        ("test", INDEX | {"DOCKER_HOST", "KUBECONFIG"}),
        ("validate_data", STORE),
        ("train", STORE),
        ("validate_model", STORE),
        ("integration", STORE | INDEX | {"DOCKER_HOST"}),
        ("tests of a release", set()),
        ("load", {"GATELINE_API_KEY"}),
        ("supervisor", set()),
        ("notify", set()),
        ("install", INDEX),
        ("sign", STORE | {AUDIT_KEY, SIGNING_KEY, "ACTIONS_ID_TOKEN_REQUEST_TOKEN"}),
    ],
)
def test_what_each_process_gets(process: str, more: set[str]) -> None:
    assert passed(process) == USUAL | more


def test_what_is_compiled_is_kept_no_matter_what_the_shell_says() -> None:
    assert {name for name in NEEDS if "PYTHONDONTWRITEBYTECODE" in passed(name, '["PYTHON*"]')} == set()


def test_the_keys_reach_those_alone_that_need_them() -> None:
    every = ["*", AUDIT_KEY, SIGNING_KEY]
    names = {*NEEDS, *(stage.name for stage in PIPELINE), "made up"}
    assert {name for name in names if SIGNING_KEY in passed(name, str(every))} == {"sign", "pipeline"}
    writing = {"build", "sign", "deploy", "smoke", "canary", "drift", "pipeline"}
    assert {name for name in names if AUDIT_KEY in passed(name, str(every))} == writing


def test_what_a_model_or_a_store_needs_is_added_by_name() -> None:
    assert passed("train", '["HF_*"]') == USUAL | STORE | {"HF_TOKEN"}
    assert passed("tests of a release", '["HF_*"]') == USUAL | {"HF_TOKEN"}
    assert passed("load", '["HF_*"]') == USUAL | {"GATELINE_API_KEY"} and passed("supervisor", '["HF_*"]') == USUAL
    Path("pipeline.toml").write_text("[variables", encoding="utf-8")
    assert set(variables("typecheck", SHELL)) == USUAL


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('["GATELINE_SIGNING_KEY"]', "variables.pass: 'GATELINE_SIGNING_KEY' passes GATELINE_SIGNING_KEY on"),
        ('["*"]', "variables.pass: '*' passes GATELINE_AUDIT_KEY on"),
        ('["GATELINE_*KEY"]', "passes GATELINE_AUDIT_KEY on"),
        ('["A B"]', "must be a variable's name"),
        ('"HF_TOKEN"', "'variables.pass' is 'HF_TOKEN'; allowed: a list"),
    ],
)
def test_what_may_not_be_passed_is_refused(tmp_path: Path, given: str, said: str) -> None:
    assert said in refusal(write(tmp_path, variables=f"pass = {given}"))


HIDES = """
import os, subprocess, sys
from gateline.settings.passing import hide_keys
os.environ["MADE"] = "later"
hide_keys()
inherits = "import os; print(os.environ['GATELINE_SIGNING_KEY'], os.environ['GATELINE_AUDIT_KEY'])"
subprocess.run([sys.executable, "-c", inherits], check=True)
print("ready", flush=True)
input()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="what others see of a process is read in /proc")
def test_what_others_see_of_a_process_holds_no_key() -> None:
    keys = {SIGNING_KEY: "-----BEGIN marked\nof two lines", AUDIT_KEY: "marked as well"}
    environ = {**os.environ, **keys, "PYTHONPATH": str(ROOT), "BEFORE": "1", "WITHOUT": ""}
    argv = [sys.executable, "-c", HIDES]
    with subprocess.Popen(argv, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as running:
        assert running.stdin and running.stdout
        told = "".join(takewhile(lambda line: line != "ready\n", running.stdout))
        assert told == f"{keys[SIGNING_KEY]} {keys[AUDIT_KEY]}\n", "it has them itself, and hands them on"
        try:
            seen = Path(f"/proc/{running.pid}/environ").read_bytes()
            assert b"marked" not in seen and b"BEFORE=1" in seen, "root sees its environment, without the keys"
        except PermissionError:
            assert os.getuid() != 0
        running.communicate("\n")


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux'")
@pytest.mark.parametrize(("given", "dumpable"), [({SIGNING_KEY: "k"}, "0"), ({AUDIT_KEY: "k"}, "0"), ({}, "1")])
def test_the_memory_of_a_process_that_holds_a_key_is_closed(given: dict[str, str], dumpable: str) -> None:
    asked = "import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    clean = {name: value for name, value in os.environ.items() if name not in (SIGNING_KEY, AUDIT_KEY)}
    code = f"from gateline.settings.passing import hide_keys; hide_keys(); {asked}"
    argv, environ = [sys.executable, "-c", code], {**clean, **given, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, env=environ, capture_output=True, encoding="utf-8")
    assert done.stdout == f"{dumpable}\n", done.stderr
