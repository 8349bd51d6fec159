"""What is told of environments: what runs in each, as its engine said. Values alone; who asks the engines fills them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Held:
    """What runs in one slot. `since` is empty where the audit log does not know."""

    slot: str
    release: str
    digest: str
    share: float
    alive: int
    replicas: int
    restarts: int = 0
    since: str = ""
    by: str = ""
    known: bool = False
    """Whether the release has a page."""


@dataclass(frozen=True)
class Environment:
    """One environment; `unreachable` says why nothing is known of it."""

    name: str
    engine: str
    url: str = ""
    slots: tuple[Held, ...] = ()
    attention: tuple[str, ...] = ()
    """What someone should look after, each with the next step."""
    unreachable: str = ""
    next_step: str = ""
    rehearsal: bool = False


@dataclass(frozen=True)
class Serving:
    """All environments, as they were at one time."""

    project: str
    read: str
    environments: tuple[Environment, ...] = ()
