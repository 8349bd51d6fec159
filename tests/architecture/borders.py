"""Who may import whom: rooms, front doors and heavy libraries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.architecture.source import FRONT_DOORS, files, imports, rooms, where

GROUND = {"gateline.settings", "gateline.contracts", "gateline.registry", "gateline.rows", "gateline.report"}
LOW = {"gateline.settings", "gateline.contracts", "gateline.registry"}
"""What a release holds of the ground, and what runs where nothing is trained or judged."""
ENGINES = {*LOW, "infra.host", "infra.haproxy", "infra.releases", "infra.engines"}
TABLE: Mapping[str, set[str]] = {
    "gateline": set(),
    "gateline.settings": set(),
    "gateline.contracts": {"gateline.settings"},
    "gateline.registry": {"gateline.settings", "gateline.contracts"},
    "gateline.rows": {"gateline.settings", "gateline.contracts"},
    "gateline.report": {"gateline.settings", "gateline.contracts"},
    "model": {"gateline.contracts"},
    "validation": GROUND,
    **{f"validation.{gate}": {*GROUND, "validation"} for gate in ("data", "model", "benchmark", "canary", "drift")},
    "training": {*GROUND, "model", "validation", "validation.model"},
    "service": {*LOW, "model"},
    "load": {"gateline.settings", "gateline.contracts"},
    "infra": set(),
    "infra.host": LOW,
    "infra.haproxy": {"gateline.settings", "gateline.contracts"},
    "infra.releases": {*LOW, "infra.host"},
    "infra.engines": ENGINES,
    "infra.engines.process": ENGINES,
    "infra.engines.docker": ENGINES,
    "infra.rollout": {*GROUND, *ENGINES, "validation.canary"},
    "infra.trials": {*GROUND, *ENGINES, "validation.benchmark"},
    "infra.drift": {*GROUND, *ENGINES, "infra.rollout", "validation.drift"},
    "infra.security": {*GROUND, "infra.host", "infra.releases"},
    "infra.site": {*GROUND, *ENGINES, "infra.rollout"},
    "infra.line": {*GROUND, *ENGINES, "infra.rollout"},
    "infra.commands": {*GROUND, *ENGINES, *(f"infra.{name}" for name in ("rollout", "trials", "drift", "site", "line"))},
    "template": {*GROUND, *(f"infra.{name}" for name in ("host", "rollout", "security", "commands")), "validation"},
    "noxfile": set(),
    "tasks": {"gateline.settings", "infra.host", "infra.line", "infra.commands"},
}
"""What each package may import beside itself; the noxfile, which runs before all is installed, nothing of ours."""

LAZY = {"pandas", "sklearn", "scipy", "locust", "pyarrow", "skops", "joblib"}
"""Libraries that these rooms may import inside a function alone, so that errors and reuse stay fast."""
LAZY_ROOMS = ("settings", "contracts", "registry", "report", "infra", "noxfile", "tasks")
NEVER = {
    "settings": {"numpy", "pandas", "sklearn"},
    "contracts": {"pandas", "sklearn"},
    "service": {"pandas", "locust"},
    "load": {"pandas", "sklearn", "skops"},
    "infra": {"pandas", "sklearn", "locust", "fastapi", "uvicorn"},
}
"""Libraries that a room imports nowhere."""


def crossings(root: Path) -> list[str]:
    """Complain of every import that the table does not allow, and of every room that it does not name."""
    strangers = [f"{room}/: is a room that the table does not name" for room in rooms(root) if room not in TABLE]
    return strangers + [complaint for room in TABLE for complaint in _crossings(root, room)]


def _crossings(root: Path, room: str) -> Iterator[str]:
    allowed = TABLE[room] | {room} | (set() if room == "noxfile" else {"settings"})
    for path in files(root, room):
        for each in imports(path):
            other = each.module.partition(".")[0]
            if other in TABLE and other not in allowed:
                yield f"{where(root, path, each.line)}: {room} imports {other}; allowed: {', '.join(sorted(allowed))}"
            elif other == "tests":
                yield f"{where(root, path, each.line)}: {room} imports the tests"


def heavy(root: Path) -> list[str]:
    """Complain of heavy libraries where a room may import them late, or not at all."""
    return [complaint for room in TABLE for complaint in _heavy(root, room)]


def _heavy(root: Path, room: str) -> Iterator[str]:
    for path in files(root, room):
        for each in imports(path):
            library = each.module.partition(".")[0]
            if library in NEVER.get(room, set()):
                yield f"{where(root, path, each.line)}: {room} imports {library}; allowed: nowhere in this room"
            elif room in LAZY_ROOMS and library in LAZY and each.eager:
                yield f"{where(root, path, each.line)}: {room} imports {library} at the top; allowed: inside a function"


def relatives(root: Path) -> list[str]:
    """Complain of relative imports."""
    return [
        f"{where(root, path, each.line)}: relative import; name the module in full"
        for path in files(root, *rooms(root), *FRONT_DOORS)
        for each in imports(path)
        if each.relative
    ]


def cycles(root: Path) -> list[str]:
    """Complain of rooms that import each other, by whatever way round."""
    graph = {room: _neighbours(root, room) for room in rooms(root)}
    return [f"{room} imports {' which imports '.join(way)}" for room in graph if (way := _way(graph, room, room))]


def _neighbours(root: Path, room: str) -> set[str]:
    named = {each.module.partition(".")[0] for path in files(root, room) for each in imports(path) if not each.relative}
    return {name for name in named if name != room and (root / name).is_dir()}


def _way(graph: Mapping[str, set[str]], start: str, goal: str) -> list[str]:
    """Return the rooms on a way from `start` back to `goal`, or nothing where there is none."""
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
