"""A tour of at most 4 minutes: a first model, a larger one promoted under live traffic, a bad one rolled back automatically.

Everything happens in a scratch copy under .gateline/tour, on ports of its own; your environments are not touched.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from gateline.settings import load
from gateline.settings.errors import ExitCode, OutsideError
from gateline.settings.front_door import front_door
from gateline.settings.terminal import Terminal
from infra.host.processes import interrupted_once
from infra.host.python_env import python_for
from infra.rollout.traffic import synthetic
from template.scratch import change_settings, copy_project, remove

FOLDER = Path(".gateline/tour")
RATE = 200.0
BAD_HOOK = '''

_answered = 0


def after(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Fail on every twentieth request: a mistake that no offline gate can see."""
    global _answered
    _answered += 1
    if _answered > 40 and _answered % 20 == 0:
        raise RuntimeError("a mistake in the code around the model")
    return answers
'''


@dataclass(frozen=True)
class Step:
    """One command of the tour, why it is run, and the exit code it must end with."""

    why: str
    command: tuple[str, ...]
    code: int = 0
    before: Callable[[Path], None] = lambda project: None


TRAIN = ("train", "-m", "training")
JUDGE = ("train", "-m", "validation.model")
BUILD = ("main", "-m", "invoke", "build")
DEPLOY = ("main", "-m", "invoke", "deploy", "--env=production")
CANARY = ("main", "-m", "invoke", "canary", "--env=production", "--seconds=120")


def larger(project: Path) -> None:
    """Give the next model more trees."""
    change_settings(project, {"model.parameters.max_iter": 100})


def bad(project: Path) -> None:
    """Break the code around the model; the model itself stays as good as it was."""
    hooks = project / "model" / "hooks.py"
    hooks.write_text(hooks.read_text(encoding="utf-8") + BAD_HOOK, encoding="utf-8")


STEPS = (
    Step("train a first model, of 40 trees", TRAIN),
    Step("judge it by absolute limits only: there is no champion yet", JUDGE),
    Step("build a release from it and the service", BUILD),
    Step("deploy it to production", DEPLOY),
    Step("train a larger model, of 100 trees", TRAIN, before=larger),
    Step("judge it against the champion", JUDGE),
    Step("build a release", BUILD),
    Step("give it a tenth of the traffic, and promote it if it is as good live", CANARY),
    Step("change the code around the model, with a mistake that no offline gate can see", TRAIN, before=bad),
    Step("judge the model: it is as good as ever", JUDGE),
    Step("build a release", BUILD),
    Step("the canary sees the errors and is rolled back", CANARY, code=ExitCode.FAIL),
    Step("what runs now", ("main", "-m", "invoke", "status", "--env=production")),
    Step("who did what, when, verified", ("main", "-m", "invoke", "audit")),
)
QUIET = 4
"""How many steps come before there is a release that could answer traffic."""


def walk(project: Path, console: Console) -> None:
    """Run every step; from the first release on there is live traffic.

    Raises OutsideError if a step does not end with its exit code.
    """
    before, after = STEPS[:QUIET], STEPS[QUIET:]
    for number, step in enumerate(before, start=1):
        _run(number, step, project, console)
    url = f"http://127.0.0.1:{load(project / 'pipeline.toml').environments['production'].port}/predict"
    console.print(f"\n[bold]live traffic from here on[/bold]: {RATE:.0f} requests a second to {url}")
    with synthetic(url, RATE, 600.0, "pipeline.toml", project):
        for number, step in enumerate(after, start=len(before) + 1):
            _run(number, step, project, console)


def _run(number: int, step: Step, project: Path, console: Console) -> None:
    step.before(project)
    kind, *arguments = step.command
    python = sys.executable if kind == "main" else str(python_for(project / "requirements/train.txt", project))
    shown = " ".join(arguments[1:] if arguments[1] == "invoke" else ["python", *arguments])
    console.print(f"\n[bold]{number}/{len(STEPS)}[/bold]  {step.why}\n[cyan]$ {shown}[/cyan]")
    done = subprocess.run([python, *arguments], cwd=project)
    if done.returncode != step.code:
        raise OutsideError(
            f"the tour expected exit {step.code} of `{shown}`, got {done.returncode}: is the machine busy otherwise?",
            f"stop what else runs (invoke down --env=…), then nox -s tour; what it did is in {project}",
        )


def main() -> int:
    """Walk the tour from a fresh scratch copy, and stop what it started."""
    argparse.ArgumentParser(prog="nox -s tour", description=__doc__).parse_args()
    console, begun = Terminal(markup=True), time.monotonic()
    _tear_down()
    settings = {
        "model.parameters.max_iter": 40,
        "gates.canary.max_latency_ratio": 1.5,
        "environments.production.requires": ["validate_model"],
        "signing.keys": None,
    }
    project = copy_project(Path("."), FOLDER / "project", "tour", settings)
    try:
        walk(project.resolve(), console)
        console.rule()
        console.print(f"[green]the tour took {time.monotonic() - begun:.0f} s[/green]")
        console.print(f"its pages: {project}/reports/index.html")
        console.print("next: nox -s pipeline takes your own model the same way")
    finally:
        _stop(project)
    return 0


def _tear_down() -> None:
    """Remove what an earlier tour left, its processes first."""
    if (FOLDER / "project").exists():
        _stop(FOLDER / "project")
        remove(FOLDER / "project")


def _stop(project: Path) -> None:
    argv = [sys.executable, "-m", "invoke", "down", "--env=production", "--remove"]
    subprocess.run(argv, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    with interrupted_once():
        sys.exit(front_door(main))
