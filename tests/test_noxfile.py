"""The sessions read as a menu; bare `nox` is the quick check; both spellings of a stage work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateline.contracts.last_run import last_runs
from gateline.report import write
from tests.ci.commands import front_doors
from tests.gateline.report.examples import passing
from tests.infra.tiny_project import ROOT

NAMES = {
    "lint", "typecheck", "test", "lock", "make_data", "validate_data", "train", "validate_model", "integration",
    "benchmark", "security", "drift", "pipeline", "tour", "pictures", "adopt", "reference", "acceptance", "template",
}  # fmt: skip


def nox(*arguments: str) -> str:
    """Run nox in the project's folder; return what it printed."""
    argv = [sys.executable, "-m", "nox", *arguments]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def menu() -> dict[str, tuple[bool, str]]:
    """By session: whether bare `nox` runs it, and its line."""
    lines = [line for line in nox("-l").splitlines() if line[:2] in ("* ", "- ")]
    split = (line[2:].partition(" -> ") for line in lines)
    return {name: (line[0] == "*", text) for line, (name, _, text) in zip(lines, split, strict=True)}


def test_they_are_all_there(menu: dict[str, tuple[bool, str]]) -> None:
    assert NAMES <= set(menu) == front_doors(ROOT).sessions


def test_each_says_in_one_line_what_it_does(menu: dict[str, tuple[bool, str]]) -> None:
    for name, (_, line) in menu.items():
        assert len(line) < 70 and line.endswith("."), name
        assert line[0].isupper() and not line.split()[0].endswith("s"), name


def test_bare_nox_is_the_quick_check(menu: dict[str, tuple[bool, str]]) -> None:
    assert {name for name, (selected, _) in menu.items() if selected} == {"lint", "typecheck", "test"}


@pytest.mark.parametrize("name", ["validate-data", "validate_data"])
def test_both_spellings_of_a_stage(name: str) -> None:
    assert f"* {name} -> Judge train and test data against the schema." in nox("-l", "-s", name)


def test_a_word_that_is_no_stage_stays_unknown() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        nox("-l", "-s", "no-such-stage")


def test_every_locked_session_names_a_lock_that_exists() -> None:
    text = (ROOT / "noxfile.py").read_text()
    groups = {part.partition('"')[0] for part in text.split('install(session, "')[1:]}
    assert groups and all((ROOT / "requirements" / f"{group}.txt").exists() for group in groups)


def with_a_lock(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Return a session in a folder that holds the lock `lint`."""
    monkeypatch.chdir(folder)
    (folder / "requirements").mkdir()
    (folder / "requirements" / "lint.txt").write_text("flake8==7\n")
    return Session(folder)


def test_what_is_installed_once_is_not_installed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import noxfile

    session = with_a_lock(tmp_path, monkeypatch)
    noxfile.install(session, "lint")  # type: ignore[arg-type]
    noxfile.install(session, "lint")  # type: ignore[arg-type]
    assert len(session.installed) == 1 and "--require-hashes" in session.installed[0]
    (tmp_path / "requirements" / "lint.txt").write_text("flake8==8\n")
    noxfile.install(session, "lint")  # type: ignore[arg-type]
    assert len(session.installed) == 2


def test_what_was_left_out_is_installed_the_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`nox -R` installs nothing, and must not say that it did."""
    import noxfile

    session = with_a_lock(tmp_path, monkeypatch)
    for session.leaves_out in (True, False, False):
        noxfile.install(session, "lint")  # type: ignore[arg-type]
    assert len(session.installed) == 1


def test_what_a_source_distribution_is_built_with_is_locked_by_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import noxfile

    monkeypatch.chdir(ROOT)
    session = Session(tmp_path)
    noxfile.install(session, "data", "--build-constraints", "requirements/build.txt")  # type: ignore[arg-type]
    assert 'install(session, "data", "--build-constraints", "requirements/build.txt")' in (ROOT / "noxfile.py").read_text()
    assert "--require-hashes" in session.installed[0]
    locked = (ROOT / "requirements" / "build.txt").read_text().partition("setuptools==")[2]
    assert locked.count("--hash=sha256:") >= 1 and "http" not in locked


def test_a_stage_is_run_with_the_variables_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import noxfile

    monkeypatch.setenv("GATELINE_SIGNING_KEY", "k")
    monkeypatch.setenv("GATELINE_AUDIT_KEY", "k")
    monkeypatch.setenv("SOME_TOKEN", "k")
    session = Session(tmp_path)
    for name in ("train", "validate_model", "test", "integration"):
        session.name = name
        noxfile.run(session, "python", "-m", "training")  # type: ignore[arg-type]
    session.name = "pipeline"
    noxfile.run(session, "python")  # type: ignore[arg-type]
    *running, whole = session.ran
    assert not any({"GATELINE_SIGNING_KEY", "GATELINE_AUDIT_KEY", "SOME_TOKEN"} & set(env) for env in running)
    assert all("PATH" in env for env in session.ran) and {"GATELINE_SIGNING_KEY", "GATELINE_AUDIT_KEY"} <= set(whole)


def test_tests_use_one_thread_each_unless_the_shell_says_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import noxfile

    session = Session(tmp_path)
    session.name = "test"
    for count in ("", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", count) if count else monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        noxfile.run(session, "pytest", env=noxfile.ONE_THREAD)  # type: ignore[arg-type]
    assert [env["OMP_NUM_THREADS"] for env in session.ran] == ["1", "3"]


@pytest.mark.parametrize("keys", ["[]", '["keys/release.pub"]'])
def test_who_signs_the_champion_is_asked_where_releases_are_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    import noxfile

    monkeypatch.chdir(tmp_path)
    (tmp_path / "pipeline.toml").write_text(f"[signing]\nkeys = {keys}\n")
    assert noxfile.passing("signs")() is (keys != "[]")
    assert 'if passing("signs")():' in (ROOT / "noxfile.py").read_text()


def test_a_session_within_another_works_in_its_own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import noxfile

    monkeypatch.setenv("UV_PYTHON", "/the/outer/one")
    session = with_a_lock(tmp_path, monkeypatch)
    noxfile.install(session, "lint")  # type: ignore[arg-type]
    noxfile.run(session, "flake8")  # type: ignore[arg-type]
    assert [env["UV_PYTHON"] for env in session.ran] == [str(tmp_path), str(tmp_path)]


def test_a_session_leaves_word_of_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nox.command

    import noxfile

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def refused(session: object) -> None:
        raise nox.command.CommandFailed("no", return_code=1)

    def lint(session: object) -> None:
        """Check."""

    session = Session(tmp_path)
    noxfile.noted(lint)(session)  # type: ignore[arg-type]
    with pytest.raises(nox.command.CommandFailed):
        noxfile.noted(refused)(session)  # type: ignore[arg-type]
    session.posargs = ["--help"]
    noxfile.noted(lambda session: None)(session)  # type: ignore[arg-type]
    runs = last_runs(tmp_path / "reports")
    assert {name: run.ending for name, run in runs.items()} == {"lint": "pass", "refused": "fail"}
    assert runs["lint"].command == "nox -s lint" and 0 <= (runs["lint"].seconds or 0.0) < 60
    assert "nox -s lint" in (tmp_path / "reports" / "index.html").read_text()


def test_a_stage_that_left_word_with_its_verdict_is_not_noted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nox.command import CommandFailed

    import noxfile

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(noxfile, "tell_the_reports", lambda *_: pytest.fail("a second process notes it"))
    session = Session(tmp_path)
    session.posargs = ["--fresh"]

    def benchmark(session: Session) -> None:
        monkeypatch.setenv("GATELINE_RUN", str(session.env["GATELINE_RUN"]))
        write(passing("benchmark"))

    noxfile.noted(benchmark)(session)  # type: ignore[arg-type]
    run = last_runs(tmp_path / "reports")["benchmark"]
    assert (run.command, run.ending, run.left_verdict) == ("nox -s benchmark -- --fresh", "pass", True)
    told = list[str]()
    monkeypatch.setattr(noxfile, "tell_the_reports", lambda session, name, *_: told.append(name))

    def broken(session: Session) -> None:
        raise CommandFailed("killed after its verdict", return_code=4)

    monkeypatch.setattr(broken, "__name__", "benchmark")
    with pytest.raises(CommandFailed):
        noxfile.noted(broken)(session)  # type: ignore[arg-type]
    assert told == ["benchmark"]


def test_where_its_end_cannot_be_noted_a_session_ends_as_it_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import noxfile

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "reports").write_text("a file where the folder should be")

    def lint(session: object) -> None:
        """Check."""

    session = Session(tmp_path)
    noxfile.noted(lint)(session)  # type: ignore[arg-type]
    assert len(session.warned) == 1 and session.warned[0].startswith("how lint ended is not in the reports: error: ")


def test_every_stage_of_the_pipeline_is_noted() -> None:
    text = (ROOT / "noxfile.py").read_text()
    for name in NAMES - {"lock", "make_data", "pipeline", "tour", "pictures", "adopt", "acceptance", "template", "reference"}:
        assert f"@noted\ndef {name}(" in text, name


class Session:
    """As much of a session as `install` uses."""

    def __init__(self, location: Path) -> None:
        self.location, self.installed = str(location), list[tuple[str, ...]]()
        self.posargs: list[str] = []
        self.warned: list[str] = []
        self.name, self.ran = "", list[dict[str, str | None]]()
        self.leaves_out = False
        self.env: dict[str, str | None] = {"UV_PYTHON": self.location}

    @property
    def virtualenv(self) -> "Session":
        """The environment, which knows where it is."""
        return self

    def install(self, *arguments: str, env: dict[str, str | None], include_outer_env: bool) -> None:
        """Note what would be installed, and with which variables."""
        if not self.leaves_out:
            self.installed.append(arguments)
            self.run(env=env, include_outer_env=include_outer_env)

    def run_install(self, *arguments: str, **how: object) -> object:
        """Return what nox does."""
        return None if self.leaves_out else ""

    def run(self, *arguments: str, env: dict[str, str | None], include_outer_env: bool) -> None:
        """Note the variables of what would be run."""
        assert not include_outer_env
        self.ran.append(env)

    def warn(self, text: str) -> None:
        """Note what the user would be warned of."""
        self.warned.append(text)
