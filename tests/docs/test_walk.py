"""A walk does what a page says, remembers where it is, and complains of what does not hold."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.acceptance.walk import Walk
from tests.docs.blocks import Block
from tests.docs.edits import patch

PAGE = "x.md"


@pytest.fixture()
def reader(tmp_path: Path) -> Walk:
    folder = tmp_path / "a place" / "project"
    folder.mkdir(parents=True)
    (folder / "pipeline.toml").write_text("[environments.production]\nport = 8100 # mine\n[model]\nseed = 1\n", "utf-8")
    return Walk(folder, {"8100": "23456"}, {"flights": "other"})


def block(language: str, text: str) -> Block:
    return Block(PAGE, 1, language, text)


def test_what_is_exported_and_where_it_is_carry_over(reader: Walk) -> None:
    reader.follow(
        [block("sh", "mkdir -p 'in here'; cd 'in here'; export WHO='a b'\n"), block("sh", 'echo "$PWD $WHO"\n')]
    )
    assert reader.printed.strip() == f"{reader.folder}/in here a b"


def test_a_command_that_fails_is_named_with_its_output(reader: Walk) -> None:
    with pytest.raises(AssertionError, match=r"(?s)x\.md:1 ended with 3.*said so"):
        reader.follow([block("sh", "echo said so; (exit 3)\necho never\n")])
    with pytest.raises(AssertionError, match="ended with 1"):
        reader.follow([block("sh", "false | true\n")])


def test_other_ports_and_names_stand_for_the_pages(reader: Walk) -> None:
    reader.follow([block("sh", "echo 127.0.0.1:8100/18100 registry/flights; cat pipeline.toml\n")])
    assert "127.0.0.1:23456/18100 registry/other" in reader.printed
    reader.follow([block("toml", "[environments.production]\nport = 8100\n")])
    assert tomllib.loads((reader.folder / "pipeline.toml").read_text())["environments"]["production"]["port"] == 23456


def test_files_settings_and_edits_reach_the_project(reader: Walk) -> None:
    said = "# model/own.py, at the end\ndef two() -> int:\n    return 2\n"
    reader.follow(
        [
            block("python", "# model/own.py\ndef one() -> int:\n    return 1\n"),
            block("toml", "[model]\nseed = 7\nparameters.depth = 3\n"),
            block(
                "diff",
                "--- a/model/own.py\n+++ b/model/own.py\n@@ -1,2 +1,2 @@\n def one() -> int:\n-    return 1\n+    return 11\n",
            ),
            block("python", said),
            block(
                "python",
                "import sys\nsys.path.insert(0, '.')\nfrom model.own import one, two\nassert one() + two() == 13\n",
            ),
        ]
    )
    settings = tomllib.loads((reader.folder / "pipeline.toml").read_text())
    assert (
        settings["model"] == {"seed": 7, "parameters": {"depth": 3}}
        and "# mine" in reader.folder.joinpath("pipeline.toml").read_text()
    )
    with pytest.raises(AssertionError, match="the diff does not fit"):
        patch(reader.folder, "--- a/model/own.py\n+++ b/model/own.py\n@@ -1,1 +1,1 @@\n-not there\n+x\n")


@pytest.mark.parametrize(
    ("shown", "good"),
    [
        ("passed in 9.9 s\n✓ done … here\n", True),
        ("✓ done\n", True),
        ("│ slot │ 12 % │\n", True),
        ("✓ done … here\npassed in 1 s\n", False),
        ("✗ done\n", False),
    ],
)
def test_what_is_shown_must_be_printed_in_this_order(reader: Walk, shown: str, good: bool) -> None:
    printed = block("sh", "printf 'passed in 12.5 s\\n✓ done and dusted here\\n┃ slot ┃   3 %% ┃\\n'\n")
    if good:
        reader.follow([printed, block("text", shown)])
    else:
        with pytest.raises(AssertionError, match="was not printed"):
            reader.follow([printed, block("text", shown)])


def test_a_picture_is_no_output(reader: Walk) -> None:
    reader.follow([block("sh", "true\n"), block("toml", "[model]\nseed = 2\n"), block("text", "a ──▶ b\n")])
