"""The dict of engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.engines import ENGINES, engine_for
from infra.engines.engine import Engine
from infra.process.engine import ProcessEngine
from settings import Environment
from settings.errors import UsageError
from tests.infra.process.conftest import settings


def test_an_environment_gets_the_engine_it_names(tmp_path: Path) -> None:
    engine: Engine = engine_for(settings(20_000), "production", tmp_path)
    assert isinstance(engine, ProcessEngine) and list(tmp_path.iterdir()) == []


def test_an_unknown_environment_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"no environment 'prodction'; did you mean 'production'\? \(known: production\)"
    ):
        engine_for(settings(20_000), "prodction", tmp_path)


def test_every_engine_that_settings_allow_is_there() -> None:
    assert set(ENGINES) == set(Environment.model_fields["engine"].annotation.__args__)  # type: ignore[union-attr]
