"""A later version of the template comes into a copy that was edited and that serves; the copy goes on from where it was."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infra.host.ports import free_ports
from infra.host.python_env import python_for
from template.scratch import change_settings
from tests.acceptance.project import ROOT, WHO, Done, Project, add, front_python, git, share_environments
from tests.cluster import COMMAND

BEFORE = "b9d111f"
"""The last commit of the template before its packages moved into `gateline/`."""
OWN_TASK = '''

@task
def ours(_: Context) -> None:
    """Say whose model this is."""
    tell(f"{load().project.name} is ours")
'''
CONFLICT = re.compile(r"<<<<<<< [^\n]*\n.*?=======\n(.*?)>>>>>>> [^\n]*\n", re.DOTALL)
WARNING = "is now gateline."


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Project]:
    """A copy that is not there yet; what it runs is stopped."""
    project = Project(tmp_path / "my copy")
    yield project
    if project.path.exists():
        project.stop()


@pytest.mark.release
def test_a_later_version_comes_into_a_copy_that_was_edited(tmp_path: Path, made: Project) -> None:
    template, copy = tmp_path / "template", made.path
    git(tmp_path, "clone", "--quiet", "--no-local", str(ROOT), str(template))
    git(template, "remote", "remove", "origin")
    git(template, "tag", "v100.0.0")
    share_environments(template)
    subprocess.run([str(front_python()), "-m", "invoke", "new", str(copy), "--defaults"], cwd=template, check=True)
    share_environments(copy)
    made.change(environments__production__requires=["validate_model"], model__parameters={"max_iter": 20})
    first = made.release()
    assert made.invoke("deploy", "--env=production").code == 0
    pyproject = copy / "pyproject.toml"
    own = {"model": "tabulate", "storage": "s3fs"}
    for group, library in own.items():
        pyproject.write_text(pyproject.read_text().replace(f"{group} = [\n]", f'{group} = [\n    "{library}",\n]'))
    made.change(gates__model__min_accuracy=0.77)
    add(copy / "model/features.py", "# mine")
    git(copy, "add", "--all")
    git(copy, "commit", "--quiet", "--message", "mine")
    for name in ("service/app.py", "model/features.py", "pipeline.toml", "requirements/train.txt"):
        add(template / name, "# newer")
    text = (template / "pyproject.toml").read_text()
    (template / "pyproject.toml").write_text(text.replace('lint = ["flake8",', 'lint = ["flake8", "tomlkit",'))
    git(template, "commit", "--quiet", "--all", "--message", "newer")
    git(template, "tag", "v100.1.0")

    updated = made.invoke("update", **WHO)
    assert updated.code == 0, updated.output
    assert "_commit: v100.1.0" in (copy / ".copier-answers.yml").read_text()
    assert (copy / "service/app.py").read_text().endswith("# newer\n") and '"tomlkit",' in pyproject.read_text()
    assert all(f'"{library}"' in pyproject.read_text() for library in own.values())
    assert "<<<<<<<" not in pyproject.read_text()
    assert made.settings.gates.model.min_accuracy == 0.77
    for name in ("model/features.py", "pipeline.toml", "requirements/train.txt"):
        assert "# newer" not in (copy / name).read_text(), name
    locked = made.nox("lock")
    assert locked.code == 0, locked.output
    locks = {name: (copy / f"requirements/{name}.txt").read_text() for name in ("dev", "train", "security", "service")}
    assert {name for name, text in locks.items() if "tabulate==" in text} == {"train", "service"}
    assert {name for name, text in locks.items() if "s3fs==" in text} == {"dev", "train", "security"}

    made.change(model__seed=2)
    second = made.release()
    deployed = made.invoke("deploy", "--env=production", "--skip-canary")
    assert deployed.code == 0 and made.stable() == second, deployed.output
    undone = made.invoke("rollback", "--env=production")
    assert undone.code == 0 and made.stable() == first, (
        "the release from before the update comes back, by the updated copy"
    )
    assert made.invoke("smoke", "--env=production").code == 0


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """The template as it was before the packages moved, all of its history packed: copier looks at each file of `.git`."""
    folder = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", "--no-local", str(ROOT), str(folder))
    git(folder, "remote", "remove", "origin")
    git(folder, "branch", "--force", "newest", "HEAD")
    git(folder, "checkout", "--quiet", "--detach", BEFORE)
    share_environments(folder)
    return folder


@pytest.fixture
def old(template: Path, made: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy made by the template of that time, edited and committed; two of its releases serve, the second was promoted."""
    monkeypatch.delenv(COMMAND, raising=False)  # a variable that nobody knew then
    python = str(python_for(template / "requirements/dev.txt", ROOT))
    subprocess.run([python, "-m", "invoke", "new", str(made.path), "--defaults"], cwd=template, check=True)
    share_environments(made.path)
    staging, production = free_ports(2, ())
    ports = {"environments.staging.port": staging, "environments.production.port": production}
    quick = {"environments.production.requires": ["validate_model"], "environments.production.soak_seconds": 0.5}
    change_settings(made.path, ports | quick | {"model.parameters.max_iter": 20})
    add(made.path / "model/features.py", "OURS = 1")
    add(made.path / "model/hooks.py", "OURS = 1")
    tasks = made.path / "tasks.py"
    imported = "from settings.shown import tell\n"
    tasks.write_text(tasks.read_text().replace(imported, f"from settings import load\n{imported}") + OWN_TASK)
    commit(made.path, "Ours")

    def passes(*argv: str, code: int = 0) -> None:
        done = made.run(python, "-m", "invoke", *argv)
        assert done.code == code, done.output

    for module in ("training", "validation.model"):
        assert (done := made.module(module)).code == 0, done.output
    passes("build")
    passes("deploy", "--env=production")
    change_settings(made.path, {"service.max_rows": 900})
    commit(made.path, "Fewer rows a request")
    passes("build")
    passes("canary", "--env=production", "--seconds=1", code=3)  # nobody asks: it is held
    passes("promote", "--env=production")
    return made


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


def passed(project: Project, *task: str, **variables: str) -> str:
    """Run an invoke task that must pass; return what it printed."""
    done = project.invoke(*task, **variables)
    assert done.code == 0, done.output
    return done.output


def own_tests(project: Project) -> Done:
    """Run the copy's own tests, in the environment of these."""
    return project.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_project.py")


def update(project: Project) -> None:
    """Follow docs/copying.md: update, solve what conflicts, lock, commit."""
    updated = project.invoke("update", **WHO)
    assert updated.code == 1 and "1 of " in updated.output and "own changes: tasks.py\n" in updated.output, updated.output
    tasks = project.path / "tasks.py"
    merged = tasks.read_text()
    assert len(CONFLICT.findall(merged)) == 1
    tasks.write_text(CONFLICT.sub(r"from gateline.settings import load\n\1", merged))
    locked = project.nox("lock")
    assert locked.code == 0, locked.output
    commit(project.path, "Update")


def documented_change() -> str:
    """The command of docs/copying.md that changes the former imports."""
    page = (ROOT / "docs/copying.md").read_text(encoding="utf-8")
    (command,) = (line for line in page.splitlines() if line.startswith("sed "))
    return command


def test_a_serving_copy_from_before_the_packages_moved_goes_on(template: Path, old: Project) -> None:
    base = f"http://127.0.0.1:{old.port}"
    first, second = (str(slot["release"]) for slot in map(old.status()["slots"].get, ("previous", "stable")))
    kept = {name: (old.path / name).read_bytes() for name in ("pipeline.toml", "model/features.py", "model/hooks.py")}
    git(template, "checkout", "--quiet", "newest")
    update(old)
    assert {name: (old.path / name).read_bytes() for name in kept} == kept
    assert not (old.path / "template").exists()
    for former in ("registry", "rows", "report", "infra/process", "infra/scan"):
        assert not git(old.path, "ls-files", former), former
    assert "is ours" in passed(old, "ours")

    assert old.stable() == second and httpx.get(f"{base}/health/ready").json()["release"] == second
    passed(old, "smoke", "--env=production")
    assert "verified: " in passed(old, "audit")
    passed(old, "down", "--env=production")
    passed(old, "up", "--env=production")
    assert old.stable() == second
    passed(old, "rollback", "--env=production")
    assert old.stable() == first and httpx.get(f"{base}/health/ready").json()["release"] == first

    tested, trained, judged = own_tests(old), old.module("training"), old.module("validation.model")
    for done, former in ((tested, "contracts.samples"), (tested, "settings"), (trained, "contracts.schema")):
        assert done.code == 0 and f"{former} {WARNING}{former}" in done.output, done.output
    assert judged.code == 0 and "champion" in judged.output, "the model from before is loaded and compared with"
    passed(old, "build")
    passed(old, "deploy", "--env=production", "--skip-canary")
    assert old.stable() == old.chosen() not in (first, second)
    assert "verified: " in passed(old, "audit")

    changed = old.run("sh", "-c", documented_change())
    assert changed.code == 0 and {*git(old.path, "diff", "--name-only").split()} == {
        "model/estimators.py", "model/features.py", "tests/test_project.py",
    }, changed.output  # fmt: skip
    tested = own_tests(old)
    assert tested.code == 0 and WARNING not in tested.output, tested.output
    assert old.run(str(old.training_python()), "-W", "error", "-c", "import model.estimators").code == 0

    commit(old.path, "Import by the new names")
    add(template / "template/copying.py", "# newer")
    add(template / "service/app.py", "# newer")
    commit(template, "Newer")
    assert "service/app.py" in passed(old, "update", **WHO) + git(old.path, "diff", "--name-only")
    assert not (old.path / "template").exists() and (old.path / "contracts/schema.py").exists()
