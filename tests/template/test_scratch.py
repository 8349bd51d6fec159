"""A scratch copy has a name, ports and a registry of its own, and can be removed again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateline.settings import load
from gateline.settings.errors import UsageError
from infra.host import unpacked
from infra.host.layout import Layout
from template.scratch import change_settings, copy_project, remove
from tests.infra import bundles
from tests.infra.tiny_project import ROOT


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project."""
    changes = {"model.parameters.max_iter": 7, "gates.model.min_f1": None, "notify.webhook": "http://x"}
    return copy_project(ROOT, tmp_path_factory.mktemp("scratch") / "a copy", "another", changes)


def test_name_ports_and_changes(copy: Path) -> None:
    own, original = load(copy / "pipeline.toml", {}), load(ROOT / "pipeline.toml", {})
    assert own.project.name == "another"
    ports = [settings.environments[name].port for settings in (own, original) for name in ("staging", "production")]
    assert len(set(ports)) == 4
    assert own.model.parameters["max_iter"] == 7 and own.notify.webhook == "http://x"
    assert own.gates.model.min_f1 is None and own.gates.model.min_accuracy == original.gates.model.min_accuracy


def test_it_holds_what_every_stage_reads_and_nothing_else(copy: Path) -> None:
    for name in (
        "noxfile.py",
        "tasks.py",
        "data/train.csv",
        "requirements/dev.txt",
        "infra/trials/integration/fixtures.py",
        ".gitignore",
    ):
        assert (copy / name).exists(), name
    assert not list(copy.rglob("__pycache__"))
    assert [path.name for path in (copy / ".gateline").iterdir()] == ["envs"]
    assert (copy / ".gateline" / "envs").resolve() == (ROOT / ".gateline" / "envs").resolve()


def test_everything_else_in_the_settings_stays(copy: Path) -> None:
    before = (copy / "pipeline.toml").read_text()
    change_settings(copy, {"service.workers": 2})
    after = (copy / "pipeline.toml").read_text()
    assert before.splitlines()[0] == after.splitlines()[0] and load(copy / "pipeline.toml", {}).service.workers == 2
    change_settings(copy, {"service.wrokers": 2})
    with pytest.raises(UsageError, match="wrokers"):
        load(copy / "pipeline.toml", {})
    (copy / "pipeline.toml").write_text(before)


def test_read_only_bundles_do_not_keep_it_from_being_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "copy"
    (copy / ".gateline").mkdir(parents=True)
    (tmp_path / "envs").mkdir()
    (copy / ".gateline" / "envs").symlink_to(tmp_path / "envs")
    release, archive = bundles.packed(tmp_path / "bundle")
    unpacked.fetch(Layout(copy / ".gateline", "tiny", "production"), release, archive)
    folder = copy / ".gateline" / "releases" / release.digest
    assert folder.stat().st_mode & 0o777 == 0o555
    original = shutil.rmtree

    def removing(path: Path) -> None:
        """Root may remove anything: what another account could not is looked for here."""
        assert all(each.stat().st_mode & 0o700 == 0o700 for each in path.rglob("*") if each.is_dir())
        original(path)

    monkeypatch.setattr(shutil, "rmtree", removing)
    remove(copy)
    assert not copy.exists() and (tmp_path / "envs").exists()
