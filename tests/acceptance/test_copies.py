"""A copy of the template runs at once: with the example, and with rows that the template has never seen."""

from __future__ import annotations

import csv
import random
import subprocess
from pathlib import Path

import pytest

from infra.process.ports import free_ports
from infra.scratch import ENVIRONMENTS, change_settings
from settings import load
from tests.acceptance.project import ROOT, Done, Project, front_python


def copied(folder: Path, *flags: str) -> tuple[Project, Done]:
    """Copy the template as a user does; the copy shares Python environments with it and has ports of its own."""
    argv = [str(front_python()), "-m", "invoke", "new", str(folder), *flags, "--defaults"]
    done = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    project = Project(folder)
    if done.returncode == 0:
        staging, production = free_ports(2, ())
        change_settings(folder, {"environments.staging.port": staging, "environments.production.port": production})
        shared = folder / ENVIRONMENTS
        if not shared.exists():
            shared.parent.mkdir(parents=True, exist_ok=True)
            shared.symlink_to(ROOT / ENVIRONMENTS)
    return project, Done(done.returncode, done.stdout)


def strangers_rows(path: Path) -> Path:
    """Write 6,000 rows of mixed types with gaps, dates and few positives; a third of what decides is noise."""
    chance = random.Random(3)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["customer id", "seen at", "plan", "spend (EUR)", "tickets", "newsletter", "zip", "left?"])
        for number in range(6000):
            plan, tickets = chance.choice(["free", "basic", "pro"]), chance.randint(0, 9)
            leaves = tickets + 3 * (plan == "free") + chance.gauss(0, 1) > 10.5
            spend = "" if chance.random() < 0.1 else f"{abs(chance.gauss(40, 25)):.2f}"
            moment = f"2025-{1 + number // 500:02d}-{1 + number % 28:02d}T10:00:00Z"
            row = [f"C{number:05d}", moment, plan, spend, tickets, chance.choice(["true", "false"])]
            writer.writerow([*row, f"{chance.randint(0, 99999):05d}", "yes" if leaves else "no"])
    return path


def test_the_example_under_another_name(tmp_path: Path) -> None:
    project, done = copied(tmp_path / "My Project 2")
    assert done.code == 0, done.output
    assert project.settings.project.name == "my-project-2"
    for absent in ("copier.yml", "benchmarks", "tests/acceptance", ".ci", "docs/decisions"):
        assert not (project.path / absent).exists(), absent
    assert "# My Project 2" in (project.path / "README.md").read_text()
    test = project.nox("test", "-q")
    assert test.code == 0 and "2 passed" in test.output, test.output
    again, refused = copied(tmp_path / "My Project 2")
    assert refused.code == 2 and "is there already" in refused.output


def test_rows_of_a_stranger_reach_production_and_come_back(tmp_path: Path) -> None:
    rows = strangers_rows(tmp_path / "some rows.csv")
    project, done = copied(tmp_path / "churn", f"--data={rows}", "--target=left?")
    assert done.code == 0, done.output
    settings = project.settings
    assert settings.metrics.primary == "average_precision" and settings.gates.model.min_accuracy is None
    assert settings.data.time == "seen at" and (settings.gates.model.min_average_precision or 0) > 0.2
    try:
        first = project.room("validation.data")
        assert first.code == 0, first.output
        project.change(environments__production__requires=["validate_model"])
        digest = project.release()
        assert project.invoke("deploy", "--env=production").code == 0
        assert project.stable() == digest
        assert project.invoke("smoke", "--env=production").code == 0
    finally:
        project.stop()


@pytest.mark.parametrize(
    ("flags", "words"),
    [(("--data=none.csv",), "none.csv is no file"), (("--data=data/train.csv", "--target=lte"), "did you mean 'late'")],
)
def test_answers_that_do_not_fit_are_named(tmp_path: Path, flags: tuple[str, ...], words: str) -> None:
    _, done = copied(tmp_path / "wrong", *flags)
    assert done.code in (1, 2) and words in done.output, done.output
    assert load(ROOT / "pipeline.toml", {}).project.name == "flights"
