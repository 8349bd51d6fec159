"""Where an environment keeps its files on this machine: below the project's folder, or where its settings name another one."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gateline.contracts.event import Head
from gateline.settings import Settings
from gateline.settings.errors import OutsideError
from gateline.settings.variables import is_sample
from gateline.settings.secrets import redacted

STATE = Path(".gateline")
"""What every run writes, below the project's folder; git ignores it, and `git clean -x` removes it."""

BUILD, ENVIRONMENTS = "build", "environments"
HEAD, LOG = "audit-head", "audit-log"
"""The notes, files such as `audit-head.json`, in which each of them keeps the audit log's head as it was last seen, and of
which log: see `log_of`."""


def base(settings: Settings, environment: str, root: Path) -> Path:
    """Return the folder that holds state, releases and their Python environments of one environment.

    `environments.<name>.state` may name a folder that outlives the checkout; in it each project has a folder of its own, so
    that two checkouts of one project operate the same environment.
    """
    elsewhere = settings.environments[environment].state
    if not elsewhere:
        return root.resolve() / STATE
    return (root.resolve() / Path(elsewhere).expanduser()).resolve() / settings.project.name


def folder(settings: Settings, environment: str, root: Path) -> Path:
    """Return the folder of what one environment alone keeps: state, locks, logs, what commands wrote down for the next one."""
    return base(settings, environment, root) / ENVIRONMENTS / environment


def keeping(settings: Settings, root: Path) -> dict[str, Path]:
    """Return the folders in which this machine keeps what it has seen of the audit log, by who keeps it.

    A run on the sample has a log of its own, which no environment has seen.
    """
    if is_sample():
        return {BUILD: root / STATE / "build-sample"}
    return {BUILD: root / STATE / BUILD} | {name: folder(settings, name, root) for name in settings.environments}


def log_of(url: str, project: str) -> str:
    """Return what tells an audit log from others: its registry, without a secret, and the project."""
    return f"{redacted(url)} {project}"


def is_log(kept: str, asked: str) -> bool:
    """Say whether two such texts are of one log; a folder may be named from here or from the root."""
    one, other = (log if "://" in log else str(Path(log).absolute()) for log in (kept, asked))
    return one == other


def has_seen_events(settings: Settings, root: Path) -> bool:
    """Say whether this machine keeps a head of the audit log that the settings name: then there is one, wherever it is now."""
    return any(path.exists() for path in _heads(settings, root))


def heads_seen(settings: Settings, root: Path) -> list[Head]:
    """Return the heads of the audit log that the settings name, as this machine keeps them, if it can be read."""
    found = []
    for path in _heads(settings, root):
        with suppress(OSError, ValueError):
            found.append(Head.model_validate_json(path.read_text(encoding="utf-8", errors="replace")))
    return found


def _heads(settings: Settings, root: Path) -> Iterator[Path]:
    """Yield the files in which a head of this audit log is kept, or would be."""
    asked = log_of(settings.registry.url, settings.project.name)
    for folder in keeping(settings, root).values():
        kept = asked
        with suppress(OSError):
            kept = (folder / f"{LOG}.json").read_text(encoding="utf-8", errors="replace")
        if is_log(kept, asked):
            yield folder / f"{HEAD}.json"


def make(folder: Path) -> None:
    """Make a folder. Raises OutsideError, naming it, where this account cannot make it or write into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        why = "" if os.access(folder, os.W_OK | os.X_OK) else "this account may not write into it"
    except OSError as error:
        why = error.strerror or str(error)
    if why:
        raise OutsideError(
            f"{folder}, where this environment keeps its state, cannot be used: {why}",
            "make it writable for this account, or name another folder: environments.<name>.state in pipeline.toml",
        )
