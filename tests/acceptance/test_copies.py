"""A copy of the template runs at once: with the example, and with rows that the template has never seen."""

from __future__ import annotations

import csv
import os
import random
import subprocess
from pathlib import Path

import pytest

from gateline.settings import load
from infra.host.ports import free_ports
from template.scratch import change_settings
from tests.acceptance.project import ROOT, WHO, Done, Project, add, front_python, git, share_environments
from tests.docs.links import broken


def copied(folder: Path, *flags: str) -> tuple[Project, Done]:
    """Copy the template as a user does; the copy shares Python environments with it and has ports of its own."""
    argv = [str(front_python()), "-m", "invoke", "new", str(folder), *flags, "--defaults"]
    nobody = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        argv, cwd=ROOT, env=nobody, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300
    )
    project = Project(folder)
    if done.returncode == 0:
        staging, production = free_ports(2, ())
        change_settings(folder, {"environments.staging.port": staging, "environments.production.port": production})
        share_environments(folder)
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
    apart = ("benchmarks", "template", "contracts", "settings", "tests/acceptance", ".ci")
    for absent in (*apart, "copier.yml", "CONTRIBUTING.md"):
        assert not (project.path / absent).exists(), absent
    pages = git(project.path, "ls-files", "*.md").splitlines()
    assert "docs/tutorial.md" in pages and [link for page in pages for link in broken(project.path, page)] == []
    assert "# My Project 2" in (project.path / "README.md").read_text()
    menus = project.run(str(front_python()), "-m", "nox", "-l").output + project.invoke("-l").output
    assert "validate_model" in menus and not any(f" {name} " in menus for name in ("adopt", "new", "tour", "reference"))
    test = project.nox("test", "-q")
    assert test.code == 0 and "2 passed" in test.output, test.output
    _, refused = copied(tmp_path / "My Project 2")
    assert refused.code == 2 and "is there already" in refused.output


def test_rows_of_a_stranger_reach_production_and_come_back(tmp_path: Path) -> None:
    rows = strangers_rows(tmp_path / "some rows.csv")
    project, done = copied(tmp_path / "churn", f"--data={rows}", "--target=left?")
    assert done.code == 0, done.output
    settings = project.settings
    assert settings.metrics.primary == "average_precision" and settings.gates.model.min_accuracy is None
    assert settings.data.time == "seen at" and (settings.gates.model.min_average_precision or 0) > 0.2
    try:
        first = project.module("validation.data")
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


def test_rows_that_cannot_be_used_leave_no_folder_behind(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes("place,late\ngärten,1\n".encode("latin-1"))
    project, done = copied(tmp_path / "wrong", f"--data={tmp_path / 'rows.csv'}", "--target=late")
    assert done.code == 2 and "Windows-1252" in done.output, done.output
    assert "rows that have a value of 'late': 1" in done.output, done.output
    assert "Traceback" not in done.output and not project.path.exists()


def test_the_hooks_of_a_copy_let_through_what_lint_lets_through(tmp_path: Path) -> None:
    project, done = copied(tmp_path / "hooked")
    assert done.code == 0, done.output
    path, hooks = f"{front_python().parent}{os.pathsep}{os.environ['PATH']}", project.path / "model/hooks.py"
    environment = os.environ | WHO | {"PATH": path, "PRE_COMMIT_HOME": str(tmp_path / "hooks")}

    def run(*argv: str) -> Done:
        told = subprocess.run(
            argv, cwd=project.path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return Done(told.returncode, told.stdout)

    assert run("pre-commit", "install").code == 0
    kept = hooks.read_text(encoding="utf-8")
    add(hooks, "import os")
    stopped = run("git", "commit", "--all", "--message", "Import in vain")
    assert stopped.code == 1 and "F401" in stopped.output, stopped.output
    hooks.write_text(kept + "\n\nUSED = 1\n", encoding="utf-8")
    passed = run("git", "commit", "--all", "--message", "Add a value")
    assert passed.code == 0 and "nox -s lint" in passed.output, passed.output
