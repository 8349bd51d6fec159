"""A GitHub workflow run on this host by act: a workspace for every job, stand-ins for the services of GitHub."""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.outside import variables

STAND_INS = Path(__file__).with_name("stand_ins")
USED = re.compile(r"uses: ([\w.-]+/[\w.-]+)[\w./-]*@([0-9a-f]{40})")
OURS = {"actions/checkout": ""}
"""What act brings itself."""
SECONDS = 1200.0
PR_SET_CHILD_SUBREAPER = 36
Told = Callable[[str, str], None]


@dataclass(frozen=True)
class Event:
    """What triggered the run."""

    name: str
    payload: Mapping[str, object]


@dataclass(frozen=True)
class Runner:
    """Runs workflows of one repository; what jobs keep lands in `artifacts`."""

    act: Path
    programs: Path
    repository: Path
    artifacts: Path

    def run(
        self, workflow: str, event: Event, environ: dict[str, str], told: Told, secrets: Mapping[str, str]
    ) -> dict[str, str]:
        """Return each job's conclusion, `success` or `failure`; `told` hears of it when the job ends.

        `environ` is what the runner sets; a secret reaches the steps that name it. What the jobs left running is ended, as a
        hosted runner is.
        """
        self.artifacts.mkdir(parents=True, exist_ok=True)
        payload = self.artifacts.parent / f"{event.name}.json"
        payload.write_text(json.dumps(event.payload), encoding="utf-8")
        argv = [*self._argv(workflow, event, payload), *_given("--env", environ | {"ARTIFACTS": str(self.artifacts)})]
        argv += _given("--secret", secrets)
        ended: dict[str, str] = {}
        adopt_orphans()
        before = _descendants()
        try:
            with (self.artifacts.parent / f"{event.name}.jsonl").open("w", encoding="utf-8") as log:
                for line in self._lines(argv):
                    log.write(line)
                    job, result = concluded(line)
                    if job:
                        ended[job] = result
                        told(job, result)
        finally:
            end_orphans(before)
        return ended

    def _lines(self, argv: list[str]) -> Iterator[str]:
        with subprocess.Popen(
            argv, cwd=self.repository, env=self._environ(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            limit = threading.Timer(SECONDS, process.kill)
            limit.start()
            try:
                assert process.stdout is not None
                yield from process.stdout
            finally:
                limit.cancel()

    def _environ(self) -> dict[str, str]:
        """A hosted runner has uv, and no Python environment that is active: each job makes its own."""
        tools = self.artifacts.parent / "tools"
        tools.mkdir(exist_ok=True)
        (tools / "uv").unlink(missing_ok=True)
        (tools / "uv").symlink_to(self.programs / "uv")
        there = os.environ["PATH"].split(os.pathsep)
        path = [part for part in there if not Path(part).with_name("pyvenv.cfg").exists()]
        return variables() | {"PATH": os.pathsep.join([str(tools), *path]), "UV_OFFLINE": "1"}

    def _argv(self, workflow: str, event: Event, payload: Path) -> list[str]:
        return [
            str(self.act),
            event.name,
            *("-W", f".github/workflows/{workflow}", "--eventpath", str(payload)),
            *("-P", "ubuntu-24.04=-self-hosted", "--pull=false", "--no-cache-server", "--json"),
            *(part for found in self._stand_ins() for part in ("--local-repository", found)),
        ]

    def _stand_ins(self) -> list[str]:
        """Actions that upload to a service are stood in for by nothing; those that jobs need by folders on this host."""
        texts = [path.read_text(encoding="utf-8") for path in sorted((self.repository / ".github").rglob("*.yml"))]
        used = {found.group(1, 2) for text in texts for found in USED.finditer(text)}
        folders = {name: STAND_INS / name.rpartition("/")[2] for name, _ in used}
        return [
            f"{name}@{commit}={folders[name] if folders[name].is_dir() else STAND_INS / 'nothing'}"
            for name, commit in sorted(used)
            if name not in OURS
        ]


def _given(option: str, values: Mapping[str, str]) -> list[str]:
    return [part for name, value in values.items() for part in (option, f"{name}={value}")]


def concluded(line: str) -> tuple[str, str]:
    """Return the job that a line of act's says to have ended, and how; both empty for every other line."""
    try:
        said = json.loads(line)
    except ValueError:
        return "", ""
    there = isinstance(said, dict) and "jobResult" in said
    return (str(said["jobID"]), str(said["jobResult"])) if there else ("", "")


def adopt_orphans() -> None:
    """Become the parent of what the jobs leave behind, so that it can be found. Linux alone can."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_orphans(before: Collection[psutil.Process]) -> None:
    """End what the jobs started and left: what descends from this process now and did not `before`."""
    left = [process for process in _descendants() if process not in before]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=10)


def _descendants() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)
