"""A scratch copy of the project, worked on with the commands that a user types."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gateline.contracts import schema as schemas
from gateline.contracts.release import Image
from gateline.contracts.samples import rows
from gateline.settings import Settings, load
from infra.host.python_env import python_for
from template.scratch import ENVIRONMENTS, change_settings, copy_project
from tests.traffic import Traffic

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 300.0
WHO = {f"GIT_{part}_{what}": "test@example.org" for part in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@cache
def front_python() -> Path:
    """Return the interpreter of the environment that the README makes: it has no test's package."""
    return python_for(ROOT / "requirements" / "dev.txt", ROOT)


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    output: str


@dataclass(frozen=True)
class Project:
    """A scratch copy in a folder whose path holds a space."""

    path: Path

    @classmethod
    def copy(cls, folder: Path, name: str, changes: Mapping[str, Any] | None = None) -> Project:
        """Copy the project under test; production asks for the model's verdict alone unless `changes` say otherwise."""
        quick = {"environments.production.requires": ["validate_model"], "environments.staging.soak_seconds": 0.5}
        quick |= {"environments.production.soak_seconds": 0.5, "model.parameters.max_iter": 20}
        return cls(copy_project(ROOT, folder / "a project" / name, name, quick | dict(changes or {})))

    @property
    def settings(self) -> Settings:
        """Its settings now."""
        return load(self.path / "pipeline.toml", {})

    @property
    def port(self) -> int:
        """The port of its production."""
        return self.settings.environments["production"].port

    @property
    def url(self) -> str:
        """Where callers reach its production."""
        return f"http://127.0.0.1:{self.port}"

    def change(self, **changes: Any) -> None:
        """Set settings; `__` stands for a dot."""
        change_settings(self.path, {key.replace("__", "."): value for key, value in changes.items()})

    def nox(self, session: str, *arguments: str, **variables: str) -> Done:
        """Run a nox session; the arguments reach the stage."""
        return self.run(str(front_python()), "-m", "nox", "-s", session, "--", *arguments, **variables)

    def invoke(self, *arguments: str, **variables: str) -> Done:
        """Run an invoke task."""
        return self.run(str(front_python()), "-m", "invoke", *arguments, **variables)

    def module(self, name: str, *arguments: str, **variables: str) -> Done:
        """Run `python -m <module>` in the training environment."""
        return self.run(str(self.training_python()), "-m", name, *arguments, **variables)

    def run(self, *argv: str, **variables: str) -> Done:
        """Run a command in the project's folder."""
        done = subprocess.run(
            argv,
            cwd=self.path,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_SECONDS,
        )
        return Done(done.returncode, done.stdout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start an invoke task and leave it running."""
        argv = [str(front_python()), "-m", "invoke", *arguments]
        return subprocess.Popen(argv, cwd=self.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def training_python(self) -> Path:
        """Return the interpreter of the training environment."""
        return python_for(self.path / "requirements" / "train.txt", self.path)

    def release(self) -> str:
        """Train, judge and build; return the release's digest. Every command must pass."""
        for done in (self.module("training"), self.module("validation.model"), self.build()):
            assert done.code == 0, done.output
        return self.chosen()

    def build(self) -> Done:
        """Build a release that its production can start."""
        return self.invoke("build")

    def chosen(self) -> str:
        """Return the digest of the release built last."""
        return (self.path / ".gateline/registry" / self.settings.project.name / "aliases/release").read_text()

    def image(self) -> Image:
        """Return the image of the release built last, as it was pushed."""
        folder = self.path / ".gateline/registry" / self.settings.project.name / "images"
        [record] = folder.glob(f"{self.chosen()}-*.json")
        return Image.model_validate_json(record.read_bytes())

    def status(self, environment: str = "production") -> dict[str, Any]:
        """Return what `invoke status --json` says."""
        done = self.invoke("status", f"--env={environment}", "--json")
        assert done.code == 0, done.output
        body: dict[str, Any] = json.loads(done.output)[environment]
        return body

    def stable(self) -> str:
        """Return the digest of production's stable release."""
        return str(self.status()["slots"]["stable"]["release"])

    def replica(self) -> str:
        """Return where the first replica of production's stable release listens."""
        return f"http://{self.status()['slots']['stable']['replicas'][0]['address']}"

    def row(self) -> dict[str, Any]:
        """Return one row made from the schema."""
        data = self.settings.data
        schema = schemas.load(self.path / data.schema_path).with_roles(target=data.target, time=data.time)
        return dict(zip((column.name for column in schema.features), rows(schema, 9, seed=2)[-1], strict=True))

    def traffic(self, rate: float = 100.0, threads: int = 4, *, open_loop: bool = False) -> Traffic:
        """Return traffic of that row on production; it runs while it is open."""
        body = json.dumps({"features": self.row()}).encode()
        return Traffic(self.url, body, rate=rate, threads=threads, open_loop=open_loop)

    def break_hooks(self, code: str) -> None:
        """Append code to `model/hooks.py`: a fault in the release that no offline gate sees."""
        hooks = self.path / "model" / "hooks.py"
        hooks.write_text(hooks.read_text(encoding="utf-8") + code, encoding="utf-8")

    def stop(self) -> None:
        """Stop everything it runs."""
        for name in self.settings.environments:
            self.invoke("down", f"--env={name}")


def share_environments(folder: Path) -> None:
    """Let a copy use the Python environments that are made already."""
    shared = folder / ENVIRONMENTS
    if not shared.exists():
        shared.parent.mkdir(parents=True, exist_ok=True)
        shared.symlink_to(ROOT / ENVIRONMENTS)


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder; return what it prints."""
    done = subprocess.run(["git", *arguments], cwd=folder, env=os.environ | WHO, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def add(path: Path, line: str) -> None:
    """Append a line to a file."""
    path.write_text(path.read_text(encoding="utf-8") + f"{line}\n", encoding="utf-8")
