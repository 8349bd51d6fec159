"""A champion's own code is known by the checkout, its git history, or a training of this checkout; nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gateline.contracts.digest import of_tree, of_value
from gateline.contracts.manifest import MANIFEST_FILE
from gateline.settings.errors import GateRefused
from tests.gateline.registry.made import files, manifest
from validation.model import vouched


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git checkout below its repository's top, with two commits of model/; it is the working folder."""
    folder = tmp_path / "repository" / "copy"
    (folder / "model").mkdir(parents=True)
    git(folder, "init", "--quiet")
    for content in ("FIRST = 1\n", "SECOND = 2\n"):
        (folder / "model" / "__init__.py").write_text(content)
        (folder / "model" / "__init__.py.orig").write_text("left behind by a merge")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", content)
    (folder / "other.txt").write_text("x")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "another")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(vouched, "_folders", lambda: [folder / "model"])
    return folder


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def champion(model: str) -> dict[str, bytes]:
    made = manifest(inputs={"model": model})
    return files() | {MANIFEST_FILE: made.model_dump_json().encode()}


def digest_of(folder: Path, content: str) -> str:
    (folder / "model" / "__init__.py").write_text(content)
    return of_value(of_tree(folder / "model"))


def test_the_checkout_and_its_history_vouch_for_code(checkout: Path) -> None:
    for content in ("FIRST = 1\n", "SECOND = 2\n"):
        digest = digest_of(checkout, content)
        (checkout / "model" / "__init__.py").write_text("EDITED = 3\n")
        vouched.require(champion(digest))
    vouched.require(champion(of_value(of_tree(checkout / "model"))))


def test_code_that_nobody_knows_is_refused_until_it_was_trained_with_here(checkout: Path) -> None:
    digest = digest_of(checkout, "NEVER = 'committed'\n")
    (checkout / "model" / "__init__.py").write_text("EDITED = 3\n")
    with pytest.raises(GateRefused, match=f"vouched: it holds types of model/ as of {digest[:12]}, .*not loaded"):
        vouched.require(champion(digest))
    for _ in range(2):
        vouched.remember(manifest(inputs={"model": digest}))
    vouched.require(champion(digest))
    assert Path(".gateline/trained-code.txt").read_text() == f"{digest}\n"


def test_a_manifest_that_says_no_code_at_all_vouches_for_nothing(checkout: Path) -> None:
    with pytest.raises(GateRefused, match="as of no digest"):
        vouched.require(files() | {MANIFEST_FILE: manifest(inputs={}).model_dump_json().encode()})


def test_a_model_without_types_of_model_needs_nobody(checkout: Path) -> None:
    import skops.io
    from sklearn.linear_model import LogisticRegression

    plain = {"model.skops": skops.io.dumps(LogisticRegression())}
    vouched.require(champion("0" * 64) | plain)
