"""One hash-locked file per dependency group, made by uv; stale when the groups in pyproject.toml changed since.

The digest of a group's requirements is in the first lines of its lock file, so staleness shows offline and at once.
"""

import argparse
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

from gateline.contracts.digest import of_value
from gateline.contracts.programs import run
from gateline.settings.errors import GateRefused, OutsideError
from gateline.settings.front_door import front_door
from gateline.settings.shown import tell

PROJECT = Path("pyproject.toml")
FOLDER = Path("requirements")
INCLUDED_ONLY = {"infra", "model", "storage"}
PYTHON = "3.11"


def groups() -> dict[str, list[str]]:
    """Return the requirements of every group that is locked, included groups resolved."""
    tables = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["dependency-groups"]
    return {name: _flat(tables, name) for name in tables if name not in INCLUDED_ONLY}


def stale() -> list[str]:
    """Return the names of the groups whose lock is missing or was made from other requirements."""
    return [
        name
        for name, wanted in groups().items()
        if not (path := FOLDER / f"{name}.txt").exists()
        or not path.read_text(encoding="utf-8").startswith(_header(of_value(wanted)))
    ]


def write(upgrade: bool) -> None:
    """Lock every group. Versions already locked stay, unless `upgrade`; one version of a package across all groups."""
    shared = FOLDER / "constraints.txt"
    everything = sorted({line for lines in groups().values() for line in lines})
    _compile("all groups", everything, shared, ["--upgrade"] if upgrade else [], "all")
    for name, wanted in groups().items():
        options = ["--generate-hashes", "--upgrade", "--constraint", str(shared)]
        _compile(name, wanted, FOLDER / f"{name}.txt", options, of_value(wanted))


def _compile(label: str, wanted: list[str], target: Path, options: list[str], digest: str) -> None:
    import uv  # only here: `check` runs where uv is not installed

    tell(f"locking {label}: {len(wanted)} requirements")
    command = [
        uv.find_uv_bin(), "pip", "compile", "--quiet", "--universal", "--python-version", PYTHON,
        "--no-header", "--no-annotate",
        *options, "--output-file", str(target), "-",
    ]  # fmt: skip
    done = run(command, os.environ, given="\n".join(wanted))
    if done.code:
        raise OutsideError(f"uv could not lock {label}: {done.errors.strip()}", "fix the group in pyproject.toml")
    target.write_text(_header(digest) + target.read_text(encoding="utf-8"), encoding="utf-8")


def _flat(tables: dict[str, list[Any]], name: str) -> list[str]:
    lines: list[str] = []
    for entry in tables[name]:
        lines += _flat(tables, entry["include-group"]) if isinstance(entry, dict) else [entry]
    return sorted(set(lines))


def _header(digest: str) -> str:
    return f"# Made by: nox -s lock. Do not edit.\n# from: {digest}\n"


def main() -> int:
    """Check or write the locks."""
    parser = argparse.ArgumentParser(prog="python -m infra.host.locks", description=__doc__)
    parser.add_argument("action", choices=("check", "write"))
    parser.add_argument("--upgrade", action="store_true", help="take newer versions where the groups allow them")
    options = parser.parse_args()
    if options.action == "write":
        write(options.upgrade)
        return 0
    old = stale()
    if old:
        raise GateRefused(f"stale lock: {', '.join(f'requirements/{name}.txt' for name in old)}", "nox -s lock")
    return 0


if __name__ == "__main__":
    sys.exit(front_door(main))
