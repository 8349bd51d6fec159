"""The tour is a list of real commands, run in a scratch copy and taken down again."""

from __future__ import annotations

import io
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from gateline.settings import load
from gateline.settings.errors import ExitCode, OutsideError
from template import tour
from template.tour import QUIET, STEPS, Step, bad, larger, main, walk
from tests.ci.commands import front_doors
from tests.infra.tiny_project import ROOT

CONSOLE = Console(file=io.StringIO())


def test_every_step_is_a_command_that_exists() -> None:
    doors = front_doors(ROOT)
    for step in STEPS:
        kind, flag, module, *rest = step.command
        assert flag == "-m" and kind in ("main", "train")
        if module == "invoke":
            assert {option.partition("=")[0] for option in rest[1:]} <= doors.tasks[rest[0]]
        else:
            path = ROOT / module.replace(".", "/")
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()


def test_it_tells_of_a_first_a_larger_and_a_bad_one() -> None:
    assert STEPS[QUIET - 1].command == tour.DEPLOY
    canaries = [step for step in STEPS if step.command == tour.CANARY]
    assert [step.code for step in canaries] == [0, ExitCode.FAIL]
    assert [step.before for step in STEPS if step.before in (larger, bad)] == [larger, bad]


def test_larger_and_bad_change_what_they_say(tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_bytes((ROOT / "pipeline.toml").read_bytes())
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "hooks.py").write_bytes((ROOT / "model" / "hooks.py").read_bytes())
    larger(tmp_path)
    assert load(tmp_path / "pipeline.toml", {}).model.parameters["max_iter"] == 100
    bad(tmp_path)
    hooks = types.ModuleType("hooks")
    exec(compile((tmp_path / "model" / "hooks.py").read_text(), "hooks.py", "exec"), hooks.__dict__)
    failures = 0
    for _ in range(400):
        try:
            assert hooks.after([{"prediction": 1}]) == [{"prediction": 1}]
        except RuntimeError:
            failures += 1
    assert failures == 18, "every twentieth, once the first forty went well"


@pytest.fixture()
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Small steps in place of the real ones; where there is live traffic is written down."""
    traced = tmp_path / "traced"

    @contextmanager
    def traffic(url: str, *more: Any) -> Iterator[None]:
        traced.write_text(traced.read_text() + f"traffic to {url}\n")
        yield
        traced.write_text(traced.read_text() + "traffic ends\n")

    def step(word: str, code: int = 0) -> Step:
        python = (
            f"import sys, pathlib; p = pathlib.Path({str(traced)!r}); p.write_text(p.read_text() + {word + chr(10)!r})"
        )
        return Step(word, ("main", "-c", f"{python}; sys.exit({code})"), code=code)

    traced.write_text("")
    monkeypatch.setattr(tour, "synthetic", traffic)
    monkeypatch.setattr(tour, "STEPS", [step("1"), step("2"), step("3"), step("4"), step("5"), step("6", 1)])
    return traced


def test_steps_run_in_order_under_traffic_from_the_first_release_on(small: Path) -> None:
    walk(ROOT, CONSOLE)
    port = load(ROOT / "pipeline.toml", {}).environments["production"].port
    url = f"http://127.0.0.1:{port}/predict"
    assert small.read_text().splitlines() == ["1", "2", "3", "4", f"traffic to {url}", "5", "6", "traffic ends"]


def test_a_step_that_ends_otherwise_ends_the_tour(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tour, "STEPS", [Step("why", ("main", "-c", "raise SystemExit(3)"), code=1)])
    with pytest.raises(OutsideError, match="the tour expected exit 1 of .*, got 3"):
        walk(ROOT, CONSOLE)


@pytest.mark.slow
def test_it_works_in_a_copy_and_takes_it_down(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in tour_needs():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    stopped: list[Path] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["template.tour"])
    monkeypatch.setattr(tour, "_stop", stopped.append)
    assert main() == 0
    said = capsys.readouterr().out
    assert "the tour took" in said and "reports/index.html" in said
    copy = Path(".gateline/tour/project")
    assert load(copy / "pipeline.toml", {}).project.name == "tour" and stopped == [copy]
    (copy / "left").touch()
    assert main() == 0
    assert not (copy / "left").exists() and stopped == [copy] * 3, "what an earlier tour left is stopped and removed"


def tour_needs() -> tuple[str, ...]:
    """Return what a copy is made from."""
    from template.scratch import COPIED

    return COPIED
