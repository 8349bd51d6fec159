"""Which variables of the shell each process that Gateline starts gets: what it needs by name, nothing else.

The standard library alone: `noxfile.py` uses this before any environment is there.
"""

import os
import sys
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

AUDIT_KEY, SIGNING_KEY = "GATELINE_AUDIT_KEY", "GATELINE_SIGNING_KEY"
CALLERS = "GATELINE_API_KEY"
"""What callers of the services need."""
KEYS = (AUDIT_KEY, SIGNING_KEY)
"""What `variables.pass` can never pass on."""
PR_SET_DUMPABLE = 4
"""Of Linux' prctl.h: with 0, nobody but root may read the memory of a process, or trace it."""
PRIVATE = (
    *KEYS, "GATELINE_NOTIFY_WEBHOOK", "GATELINE_REDIS_URL", "GATELINE_REGISTRY_URL", "GATELINE_RUN",
    "GATELINE_SYNTHETIC_TOKEN", CALLERS,
)  # fmt: skip
"""Those of our own variables that hold a secret, or may, or are for one process alone."""

SYSTEM = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "XDG_*", "MACOSX_*",
    "TERM", "COLORTERM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PY_COLORS",
    "PYTHON*", "PYTEST_*", "COVERAGE_*", "HYPOTHESIS_*", "NOX_*", "MYPY*",
    "LD_LIBRARY_PATH", "DYLD_*", "OMP_*", "KMP_*", "OPENBLAS_*", "MKL_*", "BLIS_*", "VECLIB_*", "NUMEXPR_*", "LOKY_*",
    "CUDA_*", "NVIDIA_*", "SSL_CERT_*", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE",
    "GIT_AUTHOR_*", "GIT_COMMITTER_*", "GIT_CEILING_DIRECTORIES", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM", "GIT_TEST_*",
    "CI", "CI_COMMIT_*", "CI_DISPOSABLE_ENVIRONMENT", "CI_JOB_TIMEOUT", "CI_JOB_URL", "GITLAB_CI", "GITLAB_USER_LOGIN",
    "RUNNER_*", "GITHUB_ACTIONS", "GITHUB_ACTOR", "GITHUB_API_URL", "GITHUB_BASE_REF", "GITHUB_EVENT_NAME",
    "GITHUB_EVENT_PATH", "GITHUB_HEAD_REF", "GITHUB_JOB", "GITHUB_OUTPUT", "GITHUB_REF*", "GITHUB_REPOSITORY*",
    "GITHUB_RUN_*", "GITHUB_SERVER_URL", "GITHUB_SHA", "GITHUB_STEP_SUMMARY", "GITHUB_WORKFLOW*", "GITHUB_WORKSPACE",
    "GATELINE_*",
)  # fmt: skip
"""What every process gets; of our own, all but `PRIVATE`."""
NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy")
STORE = (*NETWORK, "GATELINE_REGISTRY_URL", "AWS_*", "FSSPEC_*", "GOOGLE_*", "CLOUDSDK_*", "AZURE_*")
"""For the registry and for rows that are elsewhere."""
INDEX = (*NETWORK, "UV_*", "PIP_*", "NETRC")
"""For what makes Python environments."""
DOCKER = ("DOCKER_*", "BUILDX_*", "BUILDKIT_*", "SSH_AUTH_SOCK", "ACTIONS_CACHE_*", "ACTIONS_RESULTS_URL", "ACTIONS_RUNTIME_*")
KUBERNETES = ("KUBECONFIG", "KUBERNETES_SERVICE_*")
"""Which cluster, and where a pod finds its own; a program that asks a cloud for a token takes what a store takes."""
EVENTS = (AUDIT_KEY, "ACTIONS_ID_TOKEN_REQUEST_*")
"""For what writes events: the key that seals them, and who acts."""
CHANGING = (*STORE, *INDEX, *DOCKER, *KUBERNETES, *EVENTS, "GATELINE_REDIS_URL", "GATELINE_NOTIFY_WEBHOOK", CALLERS)
TRYING = (*STORE, *INDEX, *DOCKER)
TOOLS = (*INDEX, *DOCKER)

NEEDS: dict[str, tuple[str, ...]] = {
    "lint": INDEX,
    "typecheck": (),
    "test": (*TOOLS, *KUBERNETES),
    "validate_data": STORE,
    "train": STORE,
    "validate_model": STORE,
    "build": (*TRYING, *EVENTS),
    "integration": TRYING,
    "benchmark": TRYING,
    "security": TRYING,
    "sign": (*STORE, *EVENTS, SIGNING_KEY),
    "deploy": CHANGING,
    "smoke": CHANGING,
    "canary": CHANGING,
    "drift": CHANGING,
    "pipeline": (*CHANGING, SIGNING_KEY),
    "install": INDEX,
    "image": TRYING,
    "tests of a release": (),
    "load": (CALLERS,),
    "notify": NETWORK,
    "supervisor": (),
}
"""What a stage, or another process, gets besides `SYSTEM`."""
NEVER = "PYTHONDONTWRITEBYTECODE"
"""Each of the many short processes of a stage would compile the same files again: where many images and CI servers set it, a
stage takes twice as long."""
WITHOUT_PASS = ("install", "load", "supervisor")
"""Neither model nor store is theirs."""


def variables(process: str, environ: Mapping[str, str] | None = None, config: Path = Path("pipeline.toml")) -> dict[str, str]:
    """Return what `process` gets of `environ` (this process's own): by `SYSTEM`, `NEEDS` and `variables.pass` in `config`.

    The keys reach those alone that need them, no matter what the settings say.
    """
    environ = os.environ if environ is None else environ
    needed = NEEDS.get(process, TOOLS)
    added = () if process in WITHOUT_PASS else _listed(config, "variables", "pass")

    def passes(name: str) -> bool:
        if name in KEYS or name == NEVER:
            return name in needed
        return named(name, (*needed, *added)) or (name not in PRIVATE and named(name, SYSTEM))

    return {name: value for name, value in environ.items() if passes(name)}


def without_keys(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return all of `environ` but the keys: for programs that work for the person at the keyboard, as git does."""
    return {name: value for name, value in (os.environ if environ is None else environ).items() if name not in KEYS}


def hide_keys() -> None:
    """Take the keys out of what other processes of this account can see of this one's environment; `os.environ` keeps them.

    What a process was started with, others read in /proc/PID/environ, or by `ps e`. It is overwritten there, and, on Linux,
    the process's memory is closed to others but root. Nothing happens where no key is set, or where the system is another.
    """
    held = {name: os.environ[name] for name in KEYS if os.environ.get(name)}
    if not held:
        return
    with suppress(Exception):
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        for start in _first_variables(libc):
            name, _, value = ctypes.string_at(start).partition(b"=")
            if os.fsdecode(name) in held:
                ctypes.memset(start + len(name) + 1, 0, len(value))
        os.environ.update(held)  # a copy elsewhere in memory, for what is started with all of the environment
        if sys.platform == "linux":
            libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def _first_variables(libc: Any) -> list[int]:
    """Return where in memory the variables are that this process was started with."""
    import ctypes

    if sys.platform == "linux":
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        start, end = int(fields[47]), int(fields[48])  # env_start and env_end, of man 5 proc
        held, found = ctypes.string_at(start, end - start), [start]
        return found + [start + at + 1 for at, sign in enumerate(held[:-1]) if not sign]
    libc._NSGetEnviron.restype = ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))
    listed, found = libc._NSGetEnviron().contents, []
    while listed[len(found)]:
        found.append(int(listed[len(found)]))
    return found


def signs(config: Path = Path("pipeline.toml")) -> bool:
    """Say whether `signing.keys` names any."""
    return bool(_listed(config, "signing", "keys"))


def _listed(config: Path, table: str, key: str) -> tuple[str, ...]:
    """A file that cannot be read, or holds something else, lists nothing: what loads the settings says so."""
    try:
        read = tomllib.loads(config.read_text(encoding="utf-8-sig")).get(table)
    except (OSError, ValueError):
        return ()
    found = read.get(key) if isinstance(read, dict) else None
    return tuple(str(name) for name in found) if isinstance(found, list) else ()


def named(name: str, patterns: Iterable[str]) -> bool:
    """Return whether a pattern (a name, `*` for any characters) fits a variable's name."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)
