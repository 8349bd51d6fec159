"""The pipeline runs each stage once what it needs has passed, stops what needs one that failed, and says what is next."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from gateline.settings import load
from gateline.settings.errors import UsageError
from gateline.stages import PIPELINE, Stage
from infra.line import pipeline as module
from infra.line.pipeline import main, run, skipped
from infra.line.runs import Timings
from infra.line.summary import show
from infra.releases.signing import keys
from tests.ci.commands import front_doors
from tests.infra.tiny_project import ROOT, Site

Capture = pytest.CaptureFixture[str]
NOBODY = "no_such_module_for_this_test"


def test_the_order_of_the_stages() -> None:
    assert [stage.words for stage in PIPELINE] == [
        "validate_data",
        "lint",
        "typecheck",
        "test",
        "train",
        "validate_model",
        "build",
        "integration",
        "benchmark",
        "security",
        "sign",
        "deploy staging",
        "smoke staging",
        "canary production",
        "smoke production",
    ]


def test_every_stage_is_a_command_that_exists() -> None:
    doors = front_doors(ROOT)
    for stage in PIPELINE:
        if stage.command[0] == "nox":
            assert stage.command[1] == "-s" and stage.command[2] in doors.sessions
        else:
            _, name, *flags = stage.command
            assert {flag.partition("=")[0] for flag in flags} <= doors.tasks[name]


def test_what_is_skipped_is_a_stage() -> None:
    assert skipped("") == frozenset()
    assert skipped("lint, validate-data,deploy staging") == {"lint", "validate_data", "deploy staging"}
    with pytest.raises(UsageError, match="--skip names 'tets', which is no stage; did you mean 'test'?") as caught:
        skipped("lint,tets")
    assert "smoke production" in caught.value.next_step


@dataclass(frozen=True)
class Small(Stage):
    """A stage that runs any module."""

    argv: tuple[str, ...] = ()

    @property
    def command(self) -> tuple[str, ...]:
        return self.argv


def small(name: str, *command: str, needs: tuple[str, ...] = ()) -> Stage:
    return Small(name, "nox", argv=command, needs=needs)


@pytest.fixture()
def stages(monkeypatch: pytest.MonkeyPatch) -> list[Stage]:
    """Small stages in place of the real ones; changed by the tests."""
    listed: list[Stage] = [
        small("one", "platform"),
        small("two", "platform", "--terse", needs=("one",)),
        small("three", "platform", needs=("two",)),
    ]
    monkeypatch.setattr(module, "PIPELINE", listed)
    return listed


def ran(skip: str = "") -> tuple[int, str]:
    """Run the pipeline; return its exit code and what it said."""
    said = io.StringIO()
    code = run(skipped(skip), Console(file=said, width=200, highlight=False), places=2)
    return code, said.getvalue()


@pytest.mark.slow
def test_all_pass_and_a_first_release_serves(site: Site, stages: list[Stage]) -> None:
    release = site.release()
    stages.append(small("deploy", "platform", needs=("three",)))
    before = ran()[1]
    assert "nothing runs in production. next: invoke canary --env=production --traffic=synthetic" in before
    site.put(stable=release)
    code, said = ran()
    assert code == 0
    assert [line.split()[0] for line in said.splitlines() if "platform" in line] == ["1/4", "2/4", "3/4", "4/4"]
    assert "the pipeline passed" in said and f"serving  {release.name} at {site.url}" in said
    assert f"nothing changed: {release.name} was in production before and is still" in said
    assert f"""curl -s {site.url}/predict -H 'content-type: application/json' -d '{{"features": {{"size": 1.5""" in said
    assert "rehearsal" not in said


def test_the_first_release_is_told_as_such(site: Site, stages: list[Stage], monkeypatch: pytest.MonkeyPatch) -> None:
    release = site.release()
    original = show

    def deployed_meanwhile(*arguments: object, **named: object) -> int:
        site.put(stable=release)
        monkeypatch.setenv("RUNNER_ENVIRONMENT", "github-hosted")
        return original(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "show", deployed_meanwhile)
    code, said = ran()
    assert code == 0 and "first release: there was no champion to compare with" in said
    assert "(rehearsal: this environment serves nobody)" in said


def test_a_stage_that_fails_stops_what_needs_it(site: Site, stages: list[Stage]) -> None:
    stages[1] = small("two", NOBODY, needs=("one",))
    stages += [small("four", "platform", needs=("three",)), small("apart", "platform", needs=("one",))]
    code, said = ran()
    assert code == 1
    assert f"No module named {NOBODY}" in said, "the end of its output"
    assert "the pipeline stopped at two" in said and "(exit 1)" in said
    assert "not run  three, four: what they need has not passed" in said
    assert "output   reports/pipeline/two.log" in said and f"again    {NOBODY}" in said
    assert "3/5" in said and "4/5" not in said
    assert (site.root / "reports/pipeline/apart.log").exists()
    assert not (site.root / "reports/pipeline/three.log").exists()


def test_every_stage_that_fails_is_named(site: Site, stages: list[Stage]) -> None:
    stages.append(small("apart", "json.tool", NOBODY))
    stages[2] = small("three", NOBODY, needs=("two",))
    code, said = ran()
    assert code != 0 and "again    json.tool" in said and f"again    {NOBODY}" in said


def test_the_signing_key_is_asked_for_before_anything_runs(
    site: Site, stages: list[Stage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private, public = keys.new_pair(tmp_path / tmp_path.name, site.root)
    site.change({"signing.keys": [str(public)]})
    monkeypatch.delenv(keys.VARIABLE, raising=False)
    with pytest.raises(UsageError, match="GATELINE_SIGNING_KEY is not set"):
        ran()
    monkeypatch.setenv(keys.VARIABLE, str(private))
    assert ran()[0] == 0


def test_what_is_left_out_is_named(site: Site, stages: list[Stage]) -> None:
    stages[1] = small("two", NOBODY, needs=("one",))
    code, said = ran("two")
    assert code == 0 and "left out two: nothing is said of these" in said and "2/2" in said


def test_times_are_remembered(site: Site, stages: list[Stage]) -> None:
    ran()
    assert Timings.read().expected(["one", "two", "three"]) is not None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"environments.production.local": False}, "production is not local, and `nox -s pipeline` touches local"),
        ({"environments.staging.local": False}, "staging is not local"),
        ({"environments.staging": None}, "the pipeline needs an environment 'staging'"),
    ],
)
def test_an_environment_elsewhere_is_never_touched(
    site: Site, stages: list[Stage], change: dict[str, object], words: str
) -> None:
    site.change(change)
    with pytest.raises(UsageError, match=words):
        ran()
    assert not (site.root / "reports").exists()
    assert "production" in load().environments


def test_from_the_command_line(
    site: Site, stages: list[Stage], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(sys, "argv", ["infra.line", "--skip", "two,three"])
    assert main() == 0
    assert "1/1" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["infra.line", "--help"])
    with pytest.raises(SystemExit):
        main()
    assert "nox -s pipeline -- --skip=test,typecheck" in capsys.readouterr().out


def test_from_a_folder_that_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="pipeline.toml: no such settings file"):
        ran()
