"""Who is acting, from where, on which commit."""

import base64
import json
import os
import pwd
import re
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import httpx

from gateline.contracts.event import Actor
from gateline.contracts.git import ask

ISSUER = r"https://[\w.-]+\.actions\.githubusercontent\.com/"
"""GitHub's own token service: what another address answers is no more than what a variable says."""
SECONDS = 5.0
NO_GIT = "nogit"
"""What stands for a commit where git knows of none."""


def acting(environ: Mapping[str, str] = os.environ, issuer: str = ISSUER) -> Actor:
    """Return the CI identity where there is one, otherwise the account on this machine.

    In CI that is the subject of an OIDC token where the job is granted one; otherwise what variables say, marked `as given`.
    """
    host = socket.gethostname()
    if environ.get("GITHUB_ACTIONS") == "true":
        parts = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
        server, repository, run_id = (environ.get(part, "") for part in parts)
        run = f"{server}/{repository}/actions/runs/{run_id}"
        url, permit = (environ.get(f"ACTIONS_ID_TOKEN_REQUEST_{part}", "") for part in ("URL", "TOKEN"))
        vouched = _subject(url, permit) if re.match(issuer, url) else ""
        name = vouched or environ.get("GITHUB_ACTOR", "github-actions")
        return Actor(name=name, kind="ci", host=host, run=run, known_by="oidc" if vouched else "as given")
    if environ.get("GITLAB_CI") == "true":
        name, run = environ.get("GITLAB_USER_LOGIN", "gitlab-ci"), environ.get("CI_JOB_URL", "")
        return Actor(name=name, kind="ci", host=host, run=run, known_by="as given")
    try:
        name = pwd.getpwuid(os.getuid()).pw_name  # a variable such as USER may say anything
    except KeyError:
        name = f"uid {os.getuid()}"  # in a container it may have no name
    return Actor(name=name, kind="person", host=host, known_by="account")


@cache
def _subject(url: str, permit: str) -> str:
    """Return the subject of a token that the CI server issues for this job, or '': a change does not wait for it for long.

    The token is asked for from the server itself, so that its signature need not be checked against the server's keys.
    """
    try:
        claims = ask_for_token(url, permit).raise_for_status().json()["value"].split(".")[1]
        return str(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, LookupError, TypeError, AttributeError):
        return ""


def ask_for_token(url: str, permit: str) -> httpx.Response:
    """Ask the CI server for a token. The roots that come with httpx say who that is; `SSL_CERT_FILE` does not count."""
    roots, headers = httpx.create_ssl_context(trust_env=False), {"Authorization": f"bearer {permit}"}
    return httpx.get(f"{url}&audience=gateline", headers=headers, timeout=SECONDS, verify=roots)


def commit() -> str:
    """Return the commit that is checked out, with `-dirty` where tracked files differ from it; `nogit` without git."""
    head = ask(Path("."), "rev-parse", "HEAD")
    if not head:
        return NO_GIT
    return head + ("-dirty" if ask(Path("."), "status", "--porcelain", "--untracked-files=no") else "")
