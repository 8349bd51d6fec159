"""What the blocks of a page change in a project: files, settings, edits."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from tests.docs.blocks import Block


def flat(table: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return the values of nested tables by dotted key."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return found


def merge(path: Path, text: str) -> None:
    """Set what a TOML text says in a file, keeping everything else in it as it is."""
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    for dotted, value in flat(tomllib.loads(text)).items():
        *tables, key = dotted.split(".")
        table: Any = document
        for part in tables:
            table = table.setdefault(part, tomlkit.table())
        table[key] = value
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


def write(folder: Path, block: Block) -> None:
    """Write the file that a block is, or add the block to it; the line that names the file stays out."""
    path = folder / block.file
    text = block.text.partition("\n")[2].lstrip("\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8").rstrip("\n") + "\n\n\n" if block.added else ""
    path.write_text(before + text, encoding="utf-8")


def patch(folder: Path, text: str) -> None:
    """Apply a diff as `git apply` does: what it removes and what stands around it must be there."""
    done = subprocess.run(["git", "apply", "-"], cwd=folder, input=text, capture_output=True, text=True)
    assert done.returncode == 0, f"the diff does not fit: {done.stderr}\n{text}"
