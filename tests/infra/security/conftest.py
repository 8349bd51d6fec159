"""A clean project and one real model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infra.security import projects


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project in which no scanner finds anything; its path holds a space."""
    folder = tmp_path / "a project"
    folder.mkdir()
    return projects.tree(folder)


@pytest.fixture(scope="session")
def model_file() -> bytes:
    """A real model file."""
    return projects.model()
