"""The pipeline in one go, as a newcomer runs it: once from nothing, once with nothing changed."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.acceptance.project import Project

pytestmark = pytest.mark.live

# What the pipeline's own checks judge is this very test run: they are left out here, and run by themselves before it.
SKIP = "--skip=lint,typecheck,test"


def without_servers(folder: Path) -> str:
    """Return a PATH of git alone: the Redis and the proxy must come with what the README installs."""
    folder.mkdir()
    (folder / "git").symlink_to(str(shutil.which("git")))
    return str(folder)


def committed(folder: Path) -> None:
    """Make the folder a repository, as a copy is."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for step in (("init", "-q"), ("add", "--all"), ("commit", "-qm", "Start")):
        subprocess.run(["git", *who, *step], cwd=folder, check=True)


def test_from_nothing_to_production_and_again(tmp_path: Path) -> None:
    bare = without_servers(tmp_path / "bin")
    project = Project.copy(tmp_path, "line", {"environments.production.requires": None})
    committed(project.path)
    try:
        first = project.nox("pipeline", SKIP, PATH=bare)
        assert first.code == 0, first.output
        assert "first release" in first.output
        request = urllib.request.Request(
            f"http://127.0.0.1:{project.port}/predict",
            json.dumps({"features": project.row()}).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            assert json.load(answer)["model_version"] == project.status()["slots"]["stable"]["version"]
        events = project.invoke("audit").output.count("\n")

        again = project.nox("pipeline", SKIP, PATH=bare)
        assert again.code == 0, again.output
        assert "nothing changed" in again.output
        assert project.invoke("audit").output.count("\n") == events, "nothing was changed, so nothing is recorded"

        project.change(model__parameters__max_iter=22)
        canaried = project.nox("pipeline", SKIP, PATH=bare)
        assert canaried.code == 0, canaried.output
        assert "canary" in canaried.output and project.stable() == project.chosen()
        overview = (project.path / "reports" / "index.html").read_text()
        assert "stages passed on these sources" in overview and "sources not compared" not in overview
        for stage in (
            "validate_data",
            "train",
            "validate_model",
            "integration",
            "benchmark",
            "security",
            "smoke",
            "canary",
        ):
            assert (project.path / "reports" / stage / "index.html").exists(), stage
            assert stage in overview
    finally:
        project.stop()
