"""Who may import whom: packages, front doors and heavy libraries; and files that import each other."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.architecture.source import FRONT_DOORS, files, imports, module_of, modules, packages, tree, where

LOW = {f"gateline.{name}" for name in ("stages", "settings", "contracts", "registry")}
"""What a release holds of the ground, and what runs where nothing is trained or judged."""
GROUND = {*LOW, "gateline.rows", "gateline.report"}
ENGINES = {*LOW, "infra.host", "infra.haproxy", "infra.releases", "infra.engines"}
GATES = {f"validation.{gate}" for gate in ("data", "model", "benchmark", "canary", "drift")}
TABLE: Mapping[str, set[str]] = {
    "gateline": set(),
    "gateline.stages": set(),
    "gateline.settings": set(),
    "gateline.contracts": {"gateline.settings"},
    "gateline.registry": {"gateline.settings", "gateline.contracts"},
    "gateline.rows": {"gateline.settings", "gateline.contracts"},
    "gateline.report": {"gateline.stages", "gateline.settings", "gateline.contracts"},
    "contracts": {"gateline", "gateline.contracts"},
    "settings": {"gateline", "gateline.settings"},
    "model": {"gateline.contracts"},
    "validation": GROUND,
    **{gate: {*GROUND, "validation"} for gate in sorted(GATES)},
    "training": {*GROUND, "model", "validation", "validation.model"},
    "service": {*LOW, "model"} - {"gateline.stages"},
    "load": {"gateline.settings", "gateline.contracts"},
    "infra": set(),
    "infra.host": LOW,
    "infra.within": {"gateline.settings", "infra.host"},
    "infra.haproxy": {"gateline.settings", "gateline.contracts"},
    "infra.releases": {*LOW, "infra.host"},
    "infra.releases.fast_path": {*GROUND, "validation"},
    "infra.engines": {*ENGINES, "infra.engines.process", "infra.engines.docker", "infra.engines.kubernetes"},
    "infra.engines.process": ENGINES,
    "infra.engines.docker": ENGINES,
    "infra.engines.kubernetes": ENGINES,
    "infra.rollout": {*GROUND, *ENGINES, "validation.canary"},
    "infra.trials": {*GROUND, *ENGINES, "validation.benchmark"},
    "infra.drift": {*GROUND, *ENGINES, "infra.rollout", "validation.drift"},
    "infra.monitoring": {*GROUND, *ENGINES, "infra.rollout", "infra.drift"},
    "infra.security": {*GROUND, "infra.host", "infra.releases"},
    "infra.site": {*GROUND, *ENGINES, "infra.rollout"},
    "infra.line": {*GROUND, *ENGINES, "infra.rollout"},
    "infra.commands": {
        *GROUND,
        *ENGINES,
        *(f"infra.{name}" for name in ("rollout", "trials", "drift", "monitoring", "site", "line")),
    },
    "template": {*GROUND, *(f"infra.{name}" for name in ("host", "rollout", "security", "commands")), "validation", *GATES},
    "noxfile": set(),
    "tasks": {"gateline.settings", "infra.host", "infra.line", "infra.commands"},
}
"""What each package may import beside itself; the noxfile, which runs before all is installed, nothing of ours."""

LAZY = {"pandas", "sklearn", "scipy", "locust", "pyarrow", "skops", "joblib"}
"""Libraries that these packages may import inside a function alone, so that errors and reuse stay fast."""
LAZY_PACKAGES = (
    "gateline.settings", "gateline.contracts", "gateline.registry", "gateline.report", "infra", "template", "noxfile", "tasks",
)  # fmt: skip
NEVER = {
    "gateline.settings": {"numpy", "pandas", "sklearn"},
    "gateline.contracts": {"pandas", "sklearn"},
    "service": {"pandas", "locust"},
    "load": {"pandas", "sklearn", "skops"},
    "infra": {"pandas", "sklearn", "locust", "fastapi", "uvicorn"},
}
"""Libraries that a package imports nowhere."""
READERS = ("gateline/contracts/programs.py", "gateline/contracts/git.py")
"""The one way to run a program, and git's, whose archives are bytes."""
FREE = ("benchmarks", "model")
WALLED = ("gateline", "validation", "infra")
"""Packages whose folders are packages with walls of their own."""


def package_of(module: str) -> str:
    """Return the longest package of the table that a module is in, or its first name."""
    parts = module.split(".")
    ways = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((way for way in ways if way in TABLE), parts[0])


def crossings(root: Path) -> list[str]:
    """Complain of every import that the table does not allow, and of every package that it does not name."""
    named = {tuple(name.split(".")) for name in TABLE}
    strangers = [f"{name}/: is a package that the table does not name" for name in packages(root) if name not in TABLE]
    for top in WALLED:
        for path in files(root, top):
            parts = path.relative_to(root).parts[:-1]
            if len(parts) > 1 and parts[:2] not in named:
                strangers.append(f"{'/'.join(parts[:2])}/: is a package that the table does not name")
    return sorted(set(strangers)) + [
        complaint for top in (*packages(root), *FRONT_DOORS) for complaint in _crossings(root, top)
    ]


def _crossings(root: Path, top: str) -> Iterator[str]:
    for path in files(root, top):
        package = package_of(module_of(root, path))
        allowed = TABLE.get(package, set()) | {package}
        for each in imports(path):
            for other in sorted({package_of(f"{each.module}.{name}") for name in each.names or ("",)}):
                if other in TABLE and other not in allowed:
                    yield f"{where(root, path, each.line)}: {package} imports {other}; allowed: {', '.join(sorted(allowed))}"
                elif other == "tests":
                    yield f"{where(root, path, each.line)}: {package} imports the tests"


def measured(root: Path) -> dict[str, Counter[str]]:
    """Return, for each package of the table, how many import statements name each other package."""
    found: dict[str, Counter[str]] = {name: Counter() for name in TABLE}
    for path in files(root, *packages(root), *FRONT_DOORS):
        package = package_of(module_of(root, path))
        for each in imports(path):
            others = {package_of(f"{each.module}.{name}") for name in each.names or ("",)}
            found.setdefault(package, Counter()).update(other for other in others if other in TABLE and other != package)
    return found


def upward(root: Path) -> list[str]:
    """Complain of a package that imports one below it in the table; the dict of engines alone names its own folders."""
    order = list(TABLE)
    return [
        f"{package} imports {other}, which stands above it in tests/architecture/borders.py"
        for package, others in measured(root).items()
        for other in others
        if order.index(other) > order.index(package) and not other.startswith(f"{package}.")
    ]


def heavy(root: Path) -> list[str]:
    """Complain of heavy libraries where a package may import them late, or not at all."""
    return [
        complaint
        for top in (*packages(root), *FRONT_DOORS)
        for path in files(root, top)
        for complaint in _heavy(root, path)
    ]


def _heavy(root: Path, path: Path) -> Iterator[str]:
    module = module_of(root, path)

    def is_in(package: str) -> bool:
        return module == package or module.startswith(f"{package}.")

    never = set().union(*(libraries for package, libraries in NEVER.items() if is_in(package)))
    for each in imports(path):
        library = each.module.partition(".")[0]
        if library in never:
            yield f"{where(root, path, each.line)}: {package_of(module)} imports {library}; allowed: nowhere in this package"
        elif library in LAZY and each.eager and any(map(is_in, LAZY_PACKAGES)):
            yield f"{where(root, path, each.line)}: {package_of(module)} imports {library} at the top; allowed: in a function"


def engine_names(root: Path) -> set[str]:
    """Return the names of the engines, as their folders have them."""
    return {path.parent.name for path in (root / "infra" / "engines").glob("*/*.py")}


def engines(root: Path) -> list[str]:
    """Complain of an engine's name outside its own folder, the dict of engines and the settings that choose one."""
    folder, names = root / "infra" / "engines", engine_names(root)
    known = (folder / "__init__.py", root / "gateline" / "settings" / "environments.py")
    return [
        f"{where(root, path, node.lineno)}: compares with '{each.value}', an engine's name; ask the engine, or the settings"
        for path in files(root, *packages(root))
        if path not in known and not any(folder / name in path.parents for name in names)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Compare)
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and each.value in names
    ]


def programs(root: Path) -> list[str]:
    """Complain of a program whose words are read in another way than the one that there is."""
    return [
        f"{where(root, path, node.lineno)}: reads what a program says; use gateline.contracts.programs.run"
        for path in files(root, *packages(root))
        if path.relative_to(root).as_posix() not in READERS and path.relative_to(root).parts[0] not in FREE
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("subprocess.")
        if any(keyword.arg == "capture_output" for keyword in node.keywords) or ast.unparse(node.func).endswith("check_output")
    ]


def relatives(root: Path) -> list[str]:
    """Complain of relative imports."""
    return [
        f"{where(root, path, each.line)}: relative import; name the module in full"
        for path in files(root, *packages(root), *FRONT_DOORS)
        for each in imports(path)
        if each.relative
    ]


def circles(root: Path) -> list[str]:
    """Complain of files that import each other, by any way round; what only the type checker imports counts as well."""
    graph = {name: _neighbours(root, name, path) for name, path in modules(root).items()}
    return [f"{name} imports {' which imports '.join(way)}" for name in graph if (way := _way(graph, name, name))]


def _neighbours(root: Path, name: str, path: Path) -> set[str]:
    known = modules(root)
    named = {(each.module, one) for each in imports(path) if not each.relative for one in each.names or ("",)}
    found = {f"{module}.{one}" if f"{module}.{one}" in known else module for module, one in named}
    return {other for other in found if other in known and other != name}


def _way(graph: Mapping[str, set[str]], start: str, goal: str) -> list[str]:
    """Return the modules on a way from `start` back to `goal`, or nothing where there is none."""
    ways = [[near] for near in sorted(graph.get(start, set()))]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        if way[-1] == goal:
            return way
        if way[-1] not in seen:
            seen.add(way[-1])
            ways += [[*way, near] for near in sorted(graph.get(way[-1], set()))]
    return []
