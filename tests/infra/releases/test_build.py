"""A real artifact packed with the real service: equal inputs give an equal release, and what was packed answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateline.contracts.digest import canonical, of_bytes, of_file, of_tree, of_value
from gateline.contracts.event import PACKAGED, PUBLISHED
from gateline.contracts.release import PACKED, RELEASE_FILE, SCORER_FILE, Release
from gateline.contracts.verdict import Outcome
from gateline.registry.artifacts import CANDIDATE
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.settings import Settings, load
from gateline.settings.errors import GateRefused, UsageError
from infra import commands
from infra.commands.building import build_recorder
from infra.host.bundle import read_release, unpack, verify
from infra.releases.build import GROUND, build
from infra.releases.scorer import FULL, LEAN, TRAIN
from infra.rollout.smoke import Expected, judge
from infra.trials.subject import running, unpacked
from template.scratch import change_settings
from tests.infra.tiny_project import ROOT
from tests.training.example import artifacts_of, project, trained


class Shop:
    """A project with a trained candidate and our packages, in the working directory."""

    def __init__(self, root: Path) -> None:
        """Copy and train."""
        self.root = root
        for path in (package.replace(".", "/") for package in PACKED):
            shutil.copytree(ROOT / path, root / path, ignore=shutil.ignore_patterns("__pycache__"))
        for path in GROUND:
            shutil.copyfile(ROOT / path, root / path)
        (root / FULL).parent.mkdir()
        for lock in (FULL, LEAN, TRAIN):
            shutil.copyfile(ROOT / lock, root / lock)
        (root / ".gateline").mkdir()
        (root / ".gateline" / "envs").symlink_to(ROOT / ".gateline" / "envs")
        (ROOT / ".gateline" / "envs").mkdir(parents=True, exist_ok=True)
        project(root)
        change_settings(root, {"service.fast_path": False})
        settings = load(root / "pipeline.toml")
        artifacts_of(settings).point(CANDIDATE, trained(settings).manifest.identity)

    @property
    def settings(self) -> Settings:
        """The settings now."""
        return load(self.root / "pipeline.toml")

    @property
    def releases(self) -> Releases:
        """What was built."""
        return Releases(Store.of(self.settings))

    def build(self, reference: str = "candidate") -> tuple[Release, str]:
        """Build; return the release and what was said."""
        said: list[str] = []
        release = build(self.settings, reference, self.root, said.append)
        return release, "\n".join(said)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, trained once."""
    return Shop(tmp_path_factory.mktemp("shop") / "a project").root


@pytest.fixture()
def shop(made: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The project as the working directory, put back as it was."""
    shop = Shop.__new__(Shop)
    shop.root = made
    monkeypatch.chdir(made)
    for name in ("GATELINE_AUDIT_KEY", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return shop


def test_twice_gives_the_same_release_and_packs_once(shop: Shop) -> None:
    first, said = shop.build()
    assert f"built {first.name}: " in said or "built already" in said
    again, said = shop.build()
    assert again == first and said.endswith(f"\n{first.name} is built already: nothing to do")
    assert shop.releases.all() == [first]


def test_the_archive_holds_what_the_release_says(shop: Shop, tmp_path: Path) -> None:
    release, _ = shop.build()
    unpack(shop.releases.archive(release.digest), tmp_path / "bundle")
    verify(tmp_path / "bundle", release)
    assert read_release(tmp_path / "bundle") == release
    assert {path.name for path in (tmp_path / "bundle").iterdir()} == {
        "service",
        "model",
        "gateline",
        "artifact",
        "release.json",
        "service.txt",
    }
    assert release.project == "small" and release.service == shop.settings.service


def test_an_artifact_is_not_packed_with_another_model_than_it_was_trained_with(shop: Shop) -> None:
    before, _ = shop.build()
    features = shop.root / "model" / "features.py"
    text = features.read_text()
    try:
        features.write_text(text + "\n# changed\n")
        with pytest.raises(
            GateRefused, match=f"digest: model/ is not as it was when {before.version} was trained"
        ) as caught:
            shop.build()
    finally:
        features.write_text(text)
    assert caught.value.next_step.startswith("nox -s train")
    assert shop.releases.all() == [before]


@pytest.mark.parametrize(
    ("path", "same"),
    [
        ("service/app.py", False),
        ("requirements/service.txt", False),
        ("service/__pycache__/app.cpython-311.pyc", True),
        ("training/fit.py", True),
    ],
)
def test_what_is_packed_makes_another_release(shop: Shop, path: str, same: bool) -> None:
    before, _ = shop.build()
    changed = shop.root / path
    text = changed.read_text() if changed.exists() else None
    changed.parent.mkdir(exist_ok=True)
    try:
        changed.write_text((text or "") + "\n# changed\n")
        after, _ = shop.build()
        assert (after.digest == before.digest) is same
        assert after.version == before.version and after in shop.releases.all()
    finally:
        changed.unlink()
        if text is not None:
            changed.write_text(text)


def test_the_service_settings_are_part_of_a_release(shop: Shop) -> None:
    before, _ = shop.build()
    change_settings(shop.root, {"service.cache_seconds": 7})
    after, _ = shop.build()
    change_settings(shop.root, {"service.cache_seconds": None})
    assert after.digest != before.digest and after.artifact == before.artifact


def test_a_candidate_that_the_settings_no_longer_describe_is_built_by_its_version_alone(shop: Shop) -> None:
    before, _ = shop.build()
    change_settings(shop.root, {"model.seed": 8})
    try:
        with pytest.raises(
            GateRefused, match="is not what pipeline.toml describes now: model.seed was 7, is 8"
        ) as caught:
            shop.build()
        assert caught.value.next_step.endswith(f"invoke build --model={before.version}")
        assert shop.build(before.version)[0] == before
    finally:
        change_settings(shop.root, {"model.seed": 7})


def test_an_unknown_model(shop: Shop) -> None:
    with pytest.raises(UsageError, match="'nope'"):
        shop.build("nope")


def test_an_artifact_that_was_changed_is_not_packed(shop: Shop) -> None:
    model = next((shop.root / "store/small/artifacts").glob("*/model.skops"))
    kept = model.read_bytes()
    model.write_bytes(kept[:100] + bytes([kept[100] ^ 1]) + kept[101:])
    try:
        with pytest.raises(GateRefused, match="digest: model.skops"):
            shop.build()
    finally:
        model.write_bytes(kept)


@pytest.mark.slow
def test_the_command_records_a_build_once_and_each_push(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    change_settings(shop.root, {"service.cache_seconds": 8})
    monkeypatch.setenv("GATELINE_REDIS_URL", "redis://:password@host/0")
    monkeypatch.setenv("GITHUB_OUTPUT", str(shop.root / "output"))
    assert commands.build("candidate", False) == commands.build("candidate", True) == 0
    release = shop.releases.chosen()
    assert (shop.root / "output").read_text(encoding="utf-8") == f"release={release.digest}\n" * 2
    change_settings(shop.root, {"service.cache_seconds": None})
    said = capsys.readouterr().out
    assert f"published {release.digest} in " in said and "next: nox -s integration" in said
    assert release.service.redis_url == "", "what the environment says is no part of a release"
    events = [event for event in build_recorder(shop.settings).log.events() if event.subject == release.digest]
    assert [event.type for event in events] == [PACKAGED, PUBLISHED]
    assert events[0].data["release"]["version"] == release.version


@pytest.fixture()
def fast(shop: Shop) -> Iterator[Shop]:
    """The project with a fast path."""
    change_settings(shop.root, {"service.fast_path": True})
    yield shop
    change_settings(shop.root, {"service.fast_path": False})


def test_a_release_with_a_fast_path_holds_its_scorer_and_says_what_was_compared(fast: Shop, tmp_path: Path) -> None:
    release, said = fast.build()
    assert (release.scorer, release.scorer_reason) == ("generated", "")
    assert release.lock == of_file(ROOT / LEAN)
    line = next(line for line in said.splitlines() if line.startswith("fast path: "))
    assert line.startswith("fast path: scorer.py scores, without scikit-learn; 20 golden, 600 test, 10,")
    assert " drawn rows compared, largest difference 0; a row takes " in line
    unpack(fast.releases.archive(release.digest), tmp_path / "bundle")
    assert (tmp_path / "bundle" / SCORER_FILE).is_file()
    (tmp_path / "bundle" / SCORER_FILE).write_text("def score(row): return [1.0, 0.0]")
    with pytest.raises(GateRefused, match="digest"):
        verify(tmp_path / "bundle", release)
    again, _ = fast.build()
    assert again.digest == release.digest


@pytest.mark.slow
def test_without_a_lean_lock_the_worker_carries_what_scikit_learn_needs(fast: Shop) -> None:
    (fast.root / LEAN).rename(fast.root / "kept")
    other, said = fast.build()
    (fast.root / "kept").rename(fast.root / LEAN)
    assert (other.scorer, other.lock) == ("generated", of_file(ROOT / FULL))
    assert "there is no requirements/lean.txt (nox -s lock makes it): the worker carries scikit-learn" in said


def test_without_it_scikit_learn_serves_and_the_record_says_why(shop: Shop) -> None:
    release, said = shop.build()
    assert (release.scorer, release.scorer_reason) == ("scikit-learn", "service.fast_path is false")
    assert "fast path: none, scikit-learn scores: service.fast_path is false" in said
    assert release.lock == of_file(ROOT / FULL)


def test_a_release_of_the_old_format_keeps_its_digest_and_is_verified(shop: Shop, tmp_path: Path) -> None:
    release, _ = shop.build()
    folder = tmp_path / "bundle"
    unpack(shop.releases.archive(release.digest), folder)
    old = json.loads(release.model_dump_json(exclude={"scorer", "scorer_reason"}))
    old["service"].pop("fast_path")
    covered = old | {"digest": "", "created": "", "commit": ""}
    tree = {name: digest for name, digest in of_tree(folder).items() if name != RELEASE_FILE}
    old["digest"] = of_value({**tree, RELEASE_FILE: of_bytes(canonical(covered))})  # as it was computed before
    (folder / RELEASE_FILE).write_text(json.dumps(old), encoding="utf-8")
    read = read_release(folder)
    assert (read.scorer, read.scorer_reason, read.service.fast_path) == ("scikit-learn", "", True)
    verify(folder, read)
    assert json.loads(read.model_dump_json()) == old


@pytest.mark.slow
@pytest.mark.parametrize("fast_path", [False, True])
def test_what_was_packed_answers_as_offline(shop: Shop, fast_path: bool) -> None:
    change_settings(shop.root, {"service.fast_path": fast_path})
    release, _ = shop.build()
    change_settings(shop.root, {"service.fast_path": False})
    assert (release.scorer == "generated") is fast_path
    folder = unpacked(release, shop.releases, shop.root)
    with running(release, folder, shop.root, {}) as url:
        verdict = judge(url, Expected.of(folder, release))
    assert verdict.outcome is Outcome.PASS, [rule.reason for rule in verdict.failed]
