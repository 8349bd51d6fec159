"""A scratch copy of this project, with a name, ports and a registry of its own: for the tour, and for trying things."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from infra.host.ports import free_ports

COPIED = (
    "gateline", "model", "training", "validation", "service", "load", "infra", "template", "data", "requirements",
    ".github", ".gitignore", "noxfile.py", "tasks.py", "pyproject.toml", "pipeline.toml",
)  # fmt: skip
ENVIRONMENTS = Path(".gateline/envs")


def copy_project(root: Path, target: Path, name: str, changes: Mapping[str, Any] | None = None) -> Path:
    """Copy the project in `root` into the new folder `target`; Python environments are shared with it, nothing else is.

    `changes` are settings by dotted key (`{"model.parameters.max_iter": 20}`); the two environments get free ports.
    """
    target.mkdir(parents=True)
    for entry in COPIED:
        _copy(root / entry, target / entry)
    shared = (root / ENVIRONMENTS).resolve()
    shared.mkdir(parents=True, exist_ok=True)
    (target / ENVIRONMENTS).parent.mkdir()
    (target / ENVIRONMENTS).symlink_to(shared)
    staging, production = free_ports(2, ())
    own = {"project.name": name, "environments.staging.port": staging, "environments.production.port": production}
    own |= {f"environments.{environment}.state": None for environment in ("staging", "production")}
    change_settings(target, own | dict(changes or {}))
    return target


def change_settings(project: Path, changes: Mapping[str, Any]) -> None:
    """Set keys of a project's `pipeline.toml`, keeping everything else in it as it is; None removes a key."""
    path = project / "pipeline.toml"
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    for dotted, value in changes.items():
        *tables, key = dotted.split(".")
        table: Any = document
        for part in tables:
            table = table.setdefault(part, tomlkit.table())
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


def remove(folder: Path) -> None:
    """Remove a scratch copy; the bundles of its releases are read-only, for the account that made them too."""
    for path in (folder / ".gateline" / "releases").rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    else:
        shutil.copyfile(source, target)
