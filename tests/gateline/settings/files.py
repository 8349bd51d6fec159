"""A small good settings file, and ways to spoil it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateline.settings import Settings, load
from gateline.settings.errors import UsageError

GOOD = {
    "project": 'name = "flights"',
    "data": 'target = "late"',
    "environments.staging": "port = 8101",
    "environments.production": "port = 8100\nreplicas = 2",
}


def write(folder: Path, head: str = "", **sections: str) -> Path:
    """Write the good file with lines added to sections; `gates__model` names `[gates.model]`."""
    lines = dict(GOOD)
    for name, added in sections.items():
        section = name.replace("__", ".")
        lines[section] = f"{lines.get(section, '')}\n{added}"
    path = folder / "pipeline.toml"
    path.write_text("\n".join([head, *(f"[{name}]\n{body}" for name, body in lines.items())]), encoding="utf-8")
    return path


def good(folder: Path, environ: Mapping[str, str] | None = None, /, **sections: str) -> Settings:
    """Return the settings of the good file with lines added."""
    return load(write(folder, **sections), environ or {})


def refusal(path: Path, environ: Mapping[str, str] | None = None) -> str:
    """Return the message a file is refused with, its path taken out."""
    with pytest.raises(UsageError) as caught:
        load(path, environ or {})
    return str(caught.value).replace(str(path), "pipeline.toml")
