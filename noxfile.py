"""Stages that need an environment of their own: checks, training, judgement. Environments are operated from tasks.py.

Every session installs one locked group and runs one command; arguments after `--` reach that command.
"""

import functools
import hashlib
import json
import os
import runpy
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nox

nox.needs_version = ">=2026.1"
nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "typecheck", "test"]

PASSING = Path(__file__).parent / "gateline" / "settings" / "passing.py"
WORKERS = str(2 * (os.cpu_count() or 2))
"""Half of the tests wait for a process or a clock at any moment."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Where there are more processes than cores, threads of one wait for those of another, and burn time while they do."""
NO_TESTS = 5
FRESH = "--fresh"
"""Run tests that are recorded to have passed on the same sources."""
COMPILED = "--compile-bytecode"  # worth its seconds where many processes import the same
COVERAGE = (
    "--cov" if Path("tests/acceptance").exists() else "--cov=model",  # a copy measures what is its own
    "--cov-report=term:skip-covered",
    "--cov-report=xml:reports/test/coverage.xml",
    "--cov-report=html:reports/test/coverage",
)


def install(session: nox.Session, group: str, *how: str) -> None:
    """Install a locked group by hash, once per lock: an unchanged environment is used as it is, offline too."""
    lock = Path("requirements") / f"{group}.txt"
    stamp = Path(session.virtualenv.location) / "installed-lock"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == digest:
        return
    command = ("--quiet", "--exact", *how, "--require-hashes", "-r", str(lock))
    session.install(*command, env=known(session, "install"), include_outer_env=False)
    if session.run_install("python", "-c", "", log=False, silent=True) is not None:  # with `nox -R` both are left out
        stamp.write_text(digest, encoding="utf-8")


def variables(process: str) -> dict[str, str | None]:
    """Return what a stage gets of the shell's variables."""
    return passing("variables")(process)  # type: ignore[no-any-return]


def passing(name: str) -> Callable[..., Any]:
    """Return a function of gateline/settings/passing.py, read by its path: this file imports nothing of the project's."""
    return runpy.run_path(str(PASSING))[name]  # type: ignore[no-any-return]


def known(session: nox.Session, process: str) -> dict[str, str | None]:
    """Return what a process of a session gets: in a session run within another, the shell names the other's environment."""
    return {**variables(process), **session.env}


def run(session: nox.Session, *argv: str, **how: Any) -> Any:
    """Run one command with the variables that its stage needs, and those of `env` that the shell does not set.

    With `silent`, return what it printed.
    """
    env = {**how.pop("env", {}), **known(session, session.name)}
    return session.run(*argv, env=env, include_outer_env=False, **how)


def front(session: nox.Session, *argv: str) -> None:
    """Run a module in the environment that nox itself runs in: it operates environments and needs no other."""
    run(session, sys.executable, "-m", *argv, *session.posargs, external=True)


def noted(stage: Callable[[nox.Session], None]) -> Callable[[nox.Session], None]:
    """Leave word of how a stage ended and how long it took, for the pages of the reports."""

    @functools.wraps(stage)
    def run(session: nox.Session) -> None:
        begun, code = time.time(), 4
        started = {"stage": stage.__name__, "command": typed(session, stage.__name__), "since": begun}
        session.env["GATELINE_RUN"] = json.dumps(started)  # a stage with a verdict leaves word itself
        try:
            stage(session)
            code = 0
        except nox.command.CommandFailed as failed:
            code = failed.return_code or 4
            raise
        finally:
            if not {"-h", "--help"} & set(session.posargs) and not has_told(stage.__name__, code, begun):
                tell_the_reports(session, stage.__name__, code, begun)

    return run


def typed(session: nox.Session, name: str) -> list[str]:
    """Return the command of a session as it was typed."""
    return ["nox", "-s", name, *(["--", *session.posargs] if session.posargs else [])]


def has_told(name: str, code: int, begun: float) -> bool:
    """Say whether a stage has left word of this end itself, with its verdict."""
    ending = {0: "pass", 1: "fail", 3: "inconclusive"}.get(code, "error")
    written = [path for path in Path("reports/runs").glob(f"{name}*.json") if path.stat().st_mtime >= begun]
    return any(json.loads(path.read_bytes())["ending"] == ending for path in written)


def tell_the_reports(session: nox.Session, name: str, code: int, begun: float) -> None:
    """Note a stage's end; where that fails the stage ends as it would."""
    argv = [sys.executable, "-m", "infra.line.run_records", name, str(code), str(begun), *typed(session, name)]
    needed = {key: value for key, value in variables("note").items() if value is not None}
    done = subprocess.run(argv, capture_output=True, encoding="utf-8", errors="replace", env=needed)
    if done.returncode:
        session.warn(f"how {name} ended is not in the reports: {done.stderr.strip()[-200:]}")


def offered(needs: str, **options: Any) -> Callable[[Callable[[nox.Session], None]], Any]:
    """Make a session where what it works on is there: a copy has neither what makes copies nor the template's tests."""
    return nox.session(**options) if Path(needs).exists() else lambda function: None


@nox.session
@noted
def lint(session: nox.Session) -> None:
    """Check style with flake8 and that no lock file is stale."""
    install(session, "lint")
    run(session, "flake8", *session.posargs)
    run(session, "python", "-m", "infra.host.locks", "check", silent=True)


@nox.session
@noted
def typecheck(session: nox.Session) -> None:
    """Check types with mypy, strictly."""
    install(session, "typecheck")
    run(session, "mypy", *session.posargs)


@nox.session
@noted
def test(session: nox.Session) -> None:
    """Run the tests in parallel and measure coverage."""
    install(session, "test", COMPILED)
    asked = [argument for argument in session.posargs if argument != FRESH]
    digest, told = "", ""
    if not asked:  # what is recorded is that all tests passed
        digest, _, told = str(run(session, "python", "-m", "infra.line.tested", silent=True) or "").strip().partition(" ")
    if told and FRESH not in session.posargs and not os.environ.get("CI"):
        print(told)
        return
    run(
        session, "pytest", "-n", WORKERS, "-m", "not slow", *COVERAGE, "--junitxml=reports/test/junit.xml", *asked,
        env=ONE_THREAD,
    )  # fmt: skip
    if digest:
        run(session, "python", "-m", "infra.line.tested", f"--passed={digest}")


@nox.session(venv_backend="none")
def lock(session: nox.Session) -> None:
    """Lock all dependency groups again (-- --upgrade for newer versions)."""
    front(session, "infra.host.locks", "write")


@nox.session
@noted
def validate_data(session: nox.Session) -> None:
    """Judge train and test data against the schema."""
    install(session, "train")
    run(session, "python", "-m", "validation.data", *session.posargs)


@nox.session
@noted
def train(session: nox.Session) -> None:
    """Train a candidate; nothing is trained twice."""
    install(session, "train")
    run(session, "python", "-m", "training", *session.posargs)


@nox.session
@noted
def validate_model(session: nox.Session) -> None:
    """Judge the candidate, alone and against the champion."""
    install(session, "train")
    if passing("signs")():  # the gate's own environment holds no libraries for signatures
        run(session, sys.executable, "-m", "infra.releases.signing.champion", external=True)
    run(session, "python", "-m", "validation.model", *session.posargs)


@nox.session(venv_backend="none")
@noted
def integration(session: nox.Session) -> None:
    """Test the built release with a real Redis."""
    front(session, "infra.trials", "integration")


@nox.session(venv_backend="none")
@noted
def benchmark(session: nox.Session) -> None:
    """Load the built release with locust and judge its latency."""
    front(session, "infra.trials", "benchmark")


@nox.session
@noted
def security(session: nox.Session) -> None:
    """Scan dependencies, secrets, code, workflow and model file."""
    install(session, "security")
    run(session, "python", "-m", "infra.security", *session.posargs)


@nox.session(venv_backend="none")
@noted
def drift(session: nox.Session) -> None:
    """Judge live inputs and predictions against the reference."""
    front(session, "infra.drift.judging")


@nox.session(venv_backend="none")
def pipeline(session: nox.Session) -> None:
    """Run the whole pipeline, from data to production, on this machine."""
    front(session, "infra.line.pipeline")


@offered("template", venv_backend="none")
def tour(session: nox.Session) -> None:
    """See a good model promoted and a bad one rolled back, in 4 minutes."""
    front(session, "template.tour")


@offered("docs/pictures", venv_backend="none")
def pictures(session: nox.Session) -> None:
    """Take the README's pictures again (after `pipeline` and `tour`)."""
    front(session, "template.pictures")


@offered("template", venv_backend="none")
def adopt(session: nox.Session) -> None:
    """Turn a copy of the template into a project of its own (once)."""
    front(session, "template.adopting")


@offered("template")
def reference(session: nox.Session) -> None:
    """Regenerate the pages of settings, commands and rules from the code."""
    install(session, "test")
    run(session, "python", "-m", "template.reference")


@offered("template")
def make_data(session: nox.Session) -> None:
    """Regenerate the example's data from its package."""
    install(session, "data", "--build-constraints", "requirements/build.txt")
    run(session, "python", "template/flights.py")


@offered("tests/acceptance")
def acceptance(session: nox.Session) -> None:
    """Run the slow tests: whole environments, failures, other models."""
    install(session, "test", COMPILED)
    together = ("-n", WORKERS, "--dist", "loadfile", "--no-loadscope-reorder")  # in the order of tests/conftest.py
    all_threads = dict[str, str]()
    parts = (("together", "not live", together, ONE_THREAD), ("alone", "live", (), all_threads))
    empty: list[Exception] = []
    failed: list[Exception] = []
    for name, which, how, env in parts:
        argv = ("-rfEs", "-m", f"slow and {which} and not release", f"--junitxml=reports/acceptance/{name}.xml", *how)
        try:
            run(session, "pytest", *argv, *session.posargs, env=env)
        except nox.command.CommandFailed as ended:
            (empty if session.posargs and ended.return_code == NO_TESTS else failed).append(ended)
    if failed or len(empty) == len(parts):
        raise (failed or empty)[0]


@offered("tests/template")
def template(session: nox.Session) -> None:
    """Copy the template, and run every command in the copies."""
    install(session, "test")
    run(session, "python", "-m", "tests.template", *session.posargs)
    if not session.posargs:
        run(session, "pytest", "-rs", "-m", "release", "--junitxml=reports/template/junit.xml")


def accept_dashes() -> None:
    """Let `nox -s validate-data` run `validate_data`: nox has no aliases, so a session that calls it is made."""
    for word in sys.argv[1:]:
        name = word.replace("-", "_")
        stage = globals().get(name) if name != word else None
        if stage is not None:
            nox.session(name=word, venv_backend="none", default=False)(call(name, stage.func.__doc__))


def call(name: str, about: str) -> Callable[[nox.Session], None]:
    """Return a session that hands on to the one of this name."""

    def alias(session: nox.Session) -> None:
        session.notify(name, session.posargs)

    alias.__doc__ = about
    return alias


accept_dashes()
passing("hide_keys")()  # `model/` runs while this process does
