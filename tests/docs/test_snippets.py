"""What the pages show of settings, data and programs is of this version: loaded, parsed, and its imports found."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateline.contracts import schema as schemas
from gateline.settings import Settings, load
from gateline.settings.errors import UsageError
from tests.docs.blocks import ROOT, Block, all_blocks
from tests.docs.edits import flat, merge

SETTINGS = "pipeline.toml"


def of(*languages: str) -> list[Any]:
    """Return the blocks of these languages, named by page and line."""
    return [pytest.param(block, id=str(block)) for block in all_blocks() if block.language in languages]


def loaded(block: Block, folder: Path) -> Settings:
    """Merge a block into the settings that ship, and load them. Raises UsageError for what they do not know."""
    (folder / SETTINGS).write_bytes((ROOT / SETTINGS).read_bytes())
    merge(folder / SETTINGS, block.text)
    return load(folder / SETTINGS, {})


def after_an_edit(block: Block) -> bool:
    """Say whether the page changes what settings know before this block: then the walk alone can load it."""
    edits = [other for other in of_page(block.page, "diff") if "b/gateline/settings/" in other.text]
    return any(other.line < block.line for other in edits)


def of_page(page: str, language: str) -> list[Block]:
    """Return the blocks of a page in one language."""
    return [block for block in all_blocks() if block.page == page and block.language == language]


SETTLED = [param for param in of("toml") if not after_an_edit(param.values[0])]


@pytest.mark.parametrize("block", SETTLED)
def test_settings_are_loaded(block: Block, tmp_path: Path) -> None:
    if block.file in ("", SETTINGS):
        loaded(block, tmp_path)
    else:
        known = tomllib.loads((ROOT / block.file).read_text(encoding="utf-8"))
        assert set(flat(tomllib.loads(block.text))) <= set(flat(known)), (
            f"{block}: a key that {block.file} does not have"
        )


def test_a_setting_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown key 'image.repositry'; did you mean 'repository'"):
        loaded(Block("x.md", 1, "toml", '[image]\nrepositry = "x"\n'), tmp_path)


@pytest.mark.parametrize("block", of("json", "yaml"))
def test_data_is_parsed(block: Block) -> None:
    value = json.loads(block.text) if block.language == "json" else yaml.safe_load(block.text)
    if isinstance(value, dict) and "columns" in value:
        assert schemas.parse(value, str(block)).columns


@pytest.mark.parametrize("block", of("python"))
def test_programs_import_what_there_is(block: Block) -> None:
    """What a page itself makes is there only once it is walked through."""
    made = {Path(other.file).stem for other in all_blocks() if other.page == block.page and other.file}
    for node in ast.walk(ast.parse(block.text, str(block))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.rpartition(".")[2] not in made:
            module = importlib.import_module(node.module)
            assert all(hasattr(module, alias.name) or _module(f"{node.module}.{alias.name}") for alias in node.names), (
                block
            )
        elif isinstance(node, ast.Import):
            assert all(_module(alias.name) for alias in node.names), block


def _module(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
