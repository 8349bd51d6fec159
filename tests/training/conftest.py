"""Small models, trained once for all tests that only look at them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from gateline.settings import Settings
from tests.training.example import settings_of, trained
from training.run import Trained

Small = Callable[[str], tuple[Settings, Trained]]


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Return a function that gives settings and result of a small `binary`, `multiclass` or `regression` training."""

    @cache
    def of(kind: str) -> tuple[Settings, Trained]:
        settings = settings_of(tmp_path_factory.mktemp(kind), kind)
        return settings, trained(settings)

    return of
