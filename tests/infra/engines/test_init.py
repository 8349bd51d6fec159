"""The dict of engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.settings import Environment
from gateline.settings.errors import UsageError
from infra.engines import ENGINES, engine_for
from infra.engines.contract import Engine
from infra.engines.process.engine import ProcessEngine
from tests.infra.engines.process.conftest import settings


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
