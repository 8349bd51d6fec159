"""Print the table of packages, from the ground up, with what each really imports: python -m tests.architecture."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.architecture.borders import measured, package_of, upward
from tests.architecture.source import FRONT_DOORS, files, module_of, packages


def table(root: Path) -> Table:
    """Return a row for each package that has files: how large it is, and how often it imports which other."""
    sizes: dict[str, list[int]] = {}
    for path in files(root, *packages(root), *FRONT_DOORS):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        sizes.setdefault(package_of(module_of(root, path)), []).append(lines)
    shown = Table("package", "files", "lines", "imports of ours")
    for package, others in measured(root).items():
        if package in sizes:
            named = ", ".join(f"{other} {count}" for other, count in sorted(others.items()))
            shown.add_row(package, str(len(sizes[package])), f"{sum(sizes[package]):,}", named)
    return shown


if __name__ == "__main__":
    Console().print(table(Path()))
    print(f"{len(upward(Path()))} imports of a package that stands above the one that imports it")
