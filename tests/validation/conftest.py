"""Small models, trained once, and registries of their own for the tests that change them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateline.settings import Settings
from gateline.settings.service import Registry
from tests.training.conftest import Small, small
from training.run import Trained

__all__ = ["Own", "Small", "own", "small"]
Own = Callable[[str], tuple[Settings, Trained]]


@pytest.fixture
def own(small: Small, tmp_path: Path) -> Own:
    """Return a function that gives a small training whose registry may be changed."""

    def of(kind: str) -> tuple[Settings, Trained]:
        settings, trained = small(kind)
        url = str(tmp_path / "store")
        shutil.copytree(settings.registry.url, url)
        return settings.model_copy(update={"registry": Registry(url=url)}), trained

    return of
