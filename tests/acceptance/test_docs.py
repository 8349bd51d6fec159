"""The pages are followed to the letter: the tutorial as a newcomer reads it, all others in one project that serves already."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from template.scratch import change_settings
from tests.acceptance.project import Project
from tests.acceptance.walk import Walk, clone, equip, other_ports
from tests.docs.apart import is_apart, walked
from tests.docs.blocks import Block, blocks

TUTORIAL = "docs/tutorial.md"
LOAD = "docs/load.md"
SIGNS = "docs/signing.md"
"""It signs what was trained and built last, and other pages train."""
NAME = "docs-flights"


@pytest.mark.release
def test_the_tutorial_works_to_the_letter(tmp_path: Path) -> None:
    ports = other_ports()
    reader = Walk(clone(tmp_path / "a place" / "gateline", ports, "flights"), ports)
    reader.sh(Block(TUTORIAL, 0, "sh", "git init --quiet; git add --all; git commit --quiet -m Clone"))
    try:
        reader.follow(blocks(TUTORIAL))
    finally:
        reader.stop()


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """A clone with a model in both environments, small and asked for the model's verdict alone."""
    ports = other_ports()
    folder = clone(tmp_path_factory.mktemp("docs") / "a place" / "gateline", ports, NAME)
    quick = {"environments.production.requires": ["validate_model"], "environments.staging.soak_seconds": 0.5}
    change_settings(folder, quick | {"environments.production.soak_seconds": 0.5, "model.parameters.max_iter": 20})
    equip(folder)
    reader = Walk(folder, ports, {f"{under}/flights": f"{under}/{NAME}" for under in ("registry", "models")}, equipped=True)
    project = Project(folder)
    try:
        reader.sh(Block("", 0, "sh", "git init --quiet; git add --all; git commit --quiet -m Clone"))
        project.release()
        for environment in ("staging", "production"):
            done = project.invoke("deploy", f"--env={environment}")
            assert done.code == 0, done.output
        yield reader
    finally:
        reader.stop()


@pytest.mark.parametrize("page", [page for page in walked() if page not in (TUTORIAL, LOAD)])
def test_the_commands_of_a_page_run_in_its_order(serving: Walk, page: str) -> None:
    walk(serving, page)


@pytest.mark.release
def test_the_commands_that_measure_latency_run_in_their_order(serving: Walk) -> None:
    walk(serving, LOAD)


def walk(serving: Walk, page: str) -> None:
    """Follow a page, and leave the project as it was."""
    try:
        if page == SIGNS:
            Project(serving.folder).release()
        serving.sh(Block(page, 0, "sh", f"cd '{serving.folder}'"))
        serving.follow(block for block in blocks(page) if not is_apart(block))
    finally:
        for undo in (("checkout", "--quiet", "--", "."), ("clean", "--quiet", "-fd")):
            subprocess.run(["git", *undo], cwd=serving.folder, check=True)
