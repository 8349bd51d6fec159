"""Synthetic traffic is real locust, for as long as the block lasts."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from gateline.contracts.slots import Slot
from infra.rollout import traffic as module
from infra.rollout.traffic import synthetic
from tests.infra.tiny_project import Site


@pytest.mark.slow
def test_it_flows_until_the_block_is_left(site: Site) -> None:
    (site.root / "data").mkdir(exist_ok=True)
    release = site.release()
    engine = site.put(stable=release)
    site.change({"data.schema": str(site.target().bundle(release) / "artifact" / "schema.json")})
    with synthetic(f"{site.url}/predict", 40.0, 60.0, "pipeline.toml") as process:
        end = time.monotonic() + 60
        while engine.metrics(Slot.STABLE).requests < 40:
            assert time.monotonic() < end and process.poll() is None, (site.root / ".gateline").iterdir()
            time.sleep(0.1)
    assert process.poll() is not None
    assert engine.metrics(Slot.STABLE).errors == 0


def test_one_that_ends_by_itself_says_why(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "python_for", lambda lock, root: sys.executable)
    with synthetic("nonsense", 10.0, 60.0, "pipeline.toml") as process:
        process.wait(30)
    said = capsys.readouterr().err
    assert "synthetic traffic ended by itself with 2" in said and "no such schema file" in said


def test_rows_are_those_of_an_artifact_as_far_as_it_remembers(tmp_path: Path) -> None:
    assert module._rows_of(None) == module._rows_of(tmp_path) == []
    (tmp_path / "schema.json").write_text("{}")
    assert module._rows_of(tmp_path) == ["--schema", str(tmp_path / "schema.json")]
    (tmp_path / "reference.json").write_text("{}")
    assert module._rows_of(tmp_path)[2:] == ["--reference", str(tmp_path / "reference.json")]
