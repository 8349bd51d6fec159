"""Who is acting, from where, on which commit."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from pathlib import Path

from contracts.event import Actor
from contracts.git import ask


def acting(environ: Mapping[str, str] = os.environ) -> Actor:
    """Return the CI identity where there is one, otherwise the account on this machine."""
    host = socket.gethostname()
    if environ.get("GITHUB_ACTIONS") == "true":
        parts = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
        server, repository, run_id = (environ.get(part, "") for part in parts)
        run = f"{server}/{repository}/actions/runs/{run_id}"
        return Actor(name=environ.get("GITHUB_ACTOR", "github-actions"), kind="ci", host=host, run=run)
    if environ.get("GITLAB_CI") == "true":
        return Actor(
            name=environ.get("GITLAB_USER_LOGIN", "gitlab-ci"), kind="ci", host=host, run=environ.get("CI_JOB_URL", "")
        )
    return Actor(name=_account(), kind="person", host=host)


def commit() -> str:
    """Return the commit that is checked out, with `-dirty` where tracked files differ from it; `nogit` without git."""
    head = ask(Path("."), "rev-parse", "HEAD")
    if not head:
        return "nogit"
    return head + ("-dirty" if ask(Path("."), "status", "--porcelain", "--untracked-files=no") else "")


def _account() -> str:
    """In a container the account may have no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return f"uid {os.getuid()}"
