"""Digests: of one value one digest, of two values two."""

from __future__ import annotations

import configparser
import hashlib
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

import pytest

from gateline.contracts.digest import (
    belongs,
    canonical,
    files_under,
    of_bytes,
    of_file,
    of_sources,
    of_tree,
    of_value,
    short,
)


def test_bytes_and_files_have_the_sha_256_that_everyone_computes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"gateline")
    assert of_bytes(b"gateline") == of_file(path) == hashlib.sha256(b"gateline").hexdigest()
    assert short(of_file(path)) == hashlib.sha256(b"gateline").hexdigest()[:12]


def test_a_value_has_one_form_in_any_order_of_its_keys() -> None:
    assert canonical({"b": [1, 2.5, None], "a": "é"}) == '{"a":"é","b":[1,2.5,null]}'.encode()
    assert of_value({"a": 1, "b": 2}) == of_value({"b": 2, "a": 1})
    assert of_value({"a": [1, 2]}) != of_value({"a": [2, 1]})


def test_a_value_that_json_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical({"a": float("nan")})


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_a_tree_lists_every_file_but_caches(tmp_path: Path) -> None:
    write(tmp_path, a="1", b__c="2")
    write(tmp_path / "b" / "__pycache__", x="3")
    assert [path.relative_to(tmp_path).as_posix() for path in files_under(tmp_path)] == ["a", "b/c"]
    assert of_tree(tmp_path) == {"a": of_bytes(b"1"), "b/c": of_bytes(b"2")}


ROOT = Path(__file__).parents[3]
LEFT_BEHIND = (
    ".DS_Store", "._features.py", ".features.py.swp", ".features.py.swo", "features.py~", "#features.py#", ".#features.py",
    ".ipynb_checkpoints/features-checkpoint.py", ".idea/workspace.xml", ".vscode/settings.json", "Thumbs.db", "desktop.ini",
    "features.py.orig", "features.py.rej", "features.py.bak", ".ruff_cache/x", "deep/.DS_Store", "__pycache__/x.pyc", "x.pyc",
)  # fmt: skip


@pytest.mark.parametrize("name", LEFT_BEHIND)
def test_what_editors_and_file_managers_leave_is_no_part_of_a_tree(tmp_path: Path, name: str) -> None:
    write(tmp_path, package__a="1")
    before = of_tree(tmp_path / "package"), of_sources(tmp_path, ["package"])
    left = tmp_path / "package" / name
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_bytes(b"\0")
    assert (of_tree(tmp_path / "package"), of_sources(tmp_path, ["package"])) == before


@pytest.mark.parametrize("name", [name for name in LEFT_BEHIND if name.endswith(".py")])
def test_what_is_left_behind_and_called_python_is_not_linted(name: str) -> None:
    config = configparser.RawConfigParser()
    config.read(ROOT / ".flake8", encoding="utf-8")
    patterns = config["flake8"]["exclude"].split(",")
    assert any(fnmatchcase(part, pattern) for part in PurePath(name).parts for pattern in patterns)


@pytest.mark.parametrize("name", ["features.py", "words.txt", "a~b.py", "swp/x.json", "tmp.csv", "issue#1.py", "weights.bin"])
def test_what_is_written_on_purpose_belongs_to_a_tree(name: str) -> None:
    assert belongs(PurePath("model") / name)


def test_a_folder_above_may_be_hidden(tmp_path: Path) -> None:
    write(tmp_path / ".gateline" / "x", a="1")
    assert of_tree(tmp_path / ".gateline" / "x") == {"a": of_bytes(b"1")}


@pytest.mark.parametrize("change", [{"package__b": "9"}, {"package__new": "x"}, {"lock": "9"}])
def test_sources_change_with_every_file_and_name(tmp_path: Path, change: dict[str, str]) -> None:
    write(tmp_path, package__a="1", package__b="2", lock="3", other="4")
    before = of_sources(tmp_path, ["package", "lock"])
    write(tmp_path, other="9")
    assert of_sources(tmp_path, ["lock", "package"]) == before
    write(tmp_path, **change)
    assert of_sources(tmp_path, ["package", "lock"]) != before


def test_a_renamed_file_changes_the_digest_of_its_sources(tmp_path: Path) -> None:
    write(tmp_path, package__a="1")
    before = of_sources(tmp_path, ["package"])
    (tmp_path / "package" / "a").rename(tmp_path / "package" / "b")
    assert of_sources(tmp_path, ["package"]) != before
