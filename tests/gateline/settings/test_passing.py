"""Each process gets the variables that it needs by name; a key reaches those alone that need it, whatever settings say."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.settings.passing import AUDIT_KEY, NEEDS, SIGNING_KEY, variables
from infra.line.pipeline import LINE
from tests.gateline.settings.files import refusal, write

SHELL = {
    "PATH": "/bin", "LC_ALL": "C.UTF-8", "CI": "true", "GITHUB_SHA": "1", "GATELINE_WORKERS": "2", "OMP_NUM_THREADS": "1",
    AUDIT_KEY: "k", SIGNING_KEY: "k", "GATELINE_NOTIFY_WEBHOOK": "k", "GATELINE_REDIS_URL": "k", "GATELINE_REGISTRY_URL": "u",
    "AWS_SECRET_ACCESS_KEY": "k", "GITHUB_TOKEN": "k", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "k", "HF_TOKEN": "k",
    "UV_INDEX_OURS_PASSWORD": "k", "SLACK_TOKEN": "k", "CODECOV_TOKEN": "k", "CI_JOB_TOKEN": "k", "DOCKER_HOST": "unix:///x",
}  # fmt: skip
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
        ("test", INDEX | {"DOCKER_HOST"}),
        ("validate_data", STORE),
        ("train", STORE),
        ("validate_model", STORE),
        ("integration", STORE | INDEX | {"DOCKER_HOST"}),
        ("tests of a release", set()),
        ("load", set()),
        ("supervisor", set()),
        ("notify", set()),
        ("install", INDEX),
        ("sign", STORE | {AUDIT_KEY, SIGNING_KEY, "ACTIONS_ID_TOKEN_REQUEST_TOKEN"}),
    ],
)
def test_what_each_process_gets(process: str, more: set[str]) -> None:
    assert passed(process) == USUAL | more


def test_the_keys_reach_those_alone_that_need_them() -> None:
    every = ["*", AUDIT_KEY, SIGNING_KEY]
    names = {*NEEDS, *(stage.name.partition(" ")[0] for stage in LINE), "made up"}
    assert {name for name in names if SIGNING_KEY in passed(name, str(every))} == {"sign", "pipeline"}
    writing = {"build", "sign", "deploy", "smoke", "canary", "drift", "pipeline"}
    assert {name for name in names if AUDIT_KEY in passed(name, str(every))} == writing


def test_what_a_model_or_a_store_needs_is_added_by_name() -> None:
    assert passed("train", '["HF_*"]') == USUAL | STORE | {"HF_TOKEN"}
    assert passed("tests of a release", '["HF_*"]') == USUAL | {"HF_TOKEN"}
    assert passed("load", '["HF_*"]') == passed("supervisor", '["HF_*"]') == USUAL
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
