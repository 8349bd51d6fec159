"""Where an environment of the process engine keeps its files."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
from pathlib import Path

from gateline.contracts import layout
from gateline.contracts.digest import of_bytes
from gateline.contracts.files import RESERVE
from gateline.contracts.layout import ENVIRONMENTS
from gateline.settings import Settings
from gateline.settings.errors import OutsideError

PROXY_CONFIG = "haproxy.cfg"
LONGEST_SOCKET_FOLDER = 28
"""macOS allows 104 bytes for a socket's path, and HAProxy binds a longer temporary name first; its own TMPDIR is too long."""


class Layout:
    """The folders and files of one environment, below `base`: `.gateline` of the project, or where its settings say."""

    def __init__(self, base: Path, project: str, environment: str) -> None:
        """Name them; nothing is read or made."""
        self.base, self.project, self.environment = base, project, environment
        self.releases = base / "releases"
        """Unpacked bundles, by digest; shared by the environments of the project."""
        self.envs = base / "envs"
        """The Python environments of the releases, by their lock."""
        self.folder = base / ENVIRONMENTS / environment
        """Everything of this environment alone."""
        self.state = self.folder / "state.json"
        """What should run; written by commands, read by the supervisor."""
        self.record = self.folder / "supervisor.json"
        """What runs; written by the supervisor, read by commands."""
        self.lock = self.folder / "supervisor.lock"
        """Held by the one supervisor for as long as it lives."""
        self.pulse = self.folder / "supervisor.pulse"
        """Stamped by the supervisor for as long as it is at work."""
        self.logs = self.folder / "logs"
        """What proxy, supervisor and services say."""
        self.predictions = self.folder / "predictions"
        """The services' prediction logs."""
        self.proxy_config = self.folder / PROXY_CONFIG
        """The proxy's configuration, as it was last started."""

    @classmethod
    def of(cls, settings: Settings, environment: str, root: Path) -> Layout:
        """Return where the settings say that an environment of the project in `root` keeps its files."""
        return cls(layout.base(settings, environment, root), settings.project.name, environment)

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def bundle(self, digest: str) -> Path:
        return self.releases / digest

    def clear(self) -> None:
        """Remove what was running here from the disk: state, logs, counted predictions. Nothing may run any more."""
        for path in (self.state, self.record, self.pulse, self.proxy_config):
            path.unlink(missing_ok=True)
        for folder in (self.logs, self.predictions, self.folder / RESERVE, self.runtime()):
            shutil.rmtree(folder, ignore_errors=True)

    def runtime(self) -> Path:
        """Return a short path to put this environment's sockets at, the same for every command run alike.

        The account's own runtime folder comes first. Python's own search for a temporary folder writes a file: where that
        disk is full, it would be another folder, or none.
        """
        own, shared = os.environ.get("XDG_RUNTIME_DIR", ""), os.environ.get("TMPDIR", "")
        if _fits(own) and _is_private(Path(own)):
            folder = Path(own)
        else:
            folder = Path(shared if _fits(shared) else "/tmp")  # nosec B108: the folder inside is this account's alone (0700)
        name = f"{self.project[:12]}-{self.environment[:12]}-{of_bytes(str(self.base).encode())[:8]}"
        return folder / f"gateline-{os.getuid()}" / name


def make_private(folder: Path) -> None:
    """Make a folder that this account alone can enter. Raises OutsideError if somebody else made it first."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if _is_private(folder):
        return
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode):
        wrong = "is a link, or no folder"
    elif about.st_uid != os.getuid():
        wrong = f"belongs to {_account(about.st_uid)}, not to {_account(os.getuid())}"
    else:
        wrong = f"is open to other accounts (mode {stat.S_IMODE(about.st_mode):04o}; allowed: 0700)"
    raise OutsideError(
        f"{folder} {wrong}: anyone who can write there could take over the proxy, so nothing was put there",
        f"remove {folder} (its owner or root can), or set XDG_RUNTIME_DIR to a short folder of your own (mode 0700)",
    )


def _fits(folder: str) -> bool:
    return 0 < len(folder) <= LONGEST_SOCKET_FOLDER and " " not in folder and Path(folder).is_dir()


def _is_private(folder: Path) -> bool:
    try:
        about = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o077


def _account(uid: int) -> str:
    try:
        return f"the account {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"the account {uid}"
