"""Faults that tests of rollouts plant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from infra.engines.process.engine import ProcessEngine
from tests.infra.tiny_project import Site


@contextmanager
def registry_gone(site: Site) -> Iterator[None]:
    """Move the registry away and leave a file in its place."""
    folder, away = site.root / ".gateline" / "registry", site.root / ".gateline" / "registry-away"
    folder.rename(away)
    folder.write_text("no folder")
    try:
        yield
    finally:
        folder.unlink()
        away.rename(folder)


def stop_at(monkeypatch: pytest.MonkeyPatch, name: str, number: int, error: BaseException) -> None:
    """Let the `number`-th call of an engine's method fail, this once."""
    original: Callable[..., Any] = getattr(ProcessEngine, name)
    calls: list[None] = []

    def failing(self: ProcessEngine, *arguments: Any) -> Any:
        calls.append(None)
        if len(calls) == number:
            raise error
        return original(self, *arguments)

    monkeypatch.setattr(ProcessEngine, name, failing)
