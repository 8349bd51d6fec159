"""Follow a page to the letter in a clone of the project: commands, files, settings and edits, in the page's order."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.host.ports import free_ports
from template.scratch import ENVIRONMENTS
from tests.acceptance.project import ROOT, front_python
from tests.docs.blocks import Block
from tests.docs.edits import merge, patch, write
from tests.outside import variables

LIMIT_SECONDS = 600.0
LOCK = "requirements/dev.txt"
SHIPPED_PORTS = ("8100", "8101", "8746", "8747")
"""The ports that the pages name, the example's and those of two copies; in a walk others stand for them everywhere."""
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
TABLE = re.compile(r"[\u2500-\u257f]+|\s+")
"""Lines of tables and spaces are as wide as what stands between them."""
KEPT = "export -p > '{state}/exported'; pwd > '{state}/folder'"


def clone(target: Path, ports: Mapping[str, str], name: str) -> Path:
    """Clone the project under test as it lies here, with ports and a name of its own; Python environments are shared."""
    target.mkdir(parents=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    there = "\0".join(each for each in found.split("\0") if each and (ROOT / each).is_file())
    copied = ["tar", "--create", "--null", "--files-from=-"]
    packed = subprocess.run(copied, cwd=ROOT, input=there.encode(), capture_output=True, check=True)
    subprocess.run(["tar", "--extract"], cwd=target, input=packed.stdout, check=True)
    settings = target / "pipeline.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('name = "flights"', f'name = "{name}"'), "utf-8")
    _own_ports(settings, ports)
    shared = ROOT / ENVIRONMENTS
    shared.mkdir(parents=True, exist_ok=True)
    (target / ENVIRONMENTS).parent.mkdir()
    (target / ENVIRONMENTS).symlink_to(shared)
    return target


def equip(folder: Path) -> None:
    """Make the environment that the README makes, from the same lock, by the faster uv."""
    uv = str(front_python().parent / "uv")
    installed = ["pip", "install", "--quiet", "--python", ".venv", "--require-hashes", "-r", LOCK]
    for argv in (["venv", "--quiet", ".venv"], installed):
        subprocess.run([uv, *argv], cwd=folder, check=True)


def other_ports() -> dict[str, str]:
    """Return a free port for each that the pages name."""
    return dict(zip(SHIPPED_PORTS, map(str, free_ports(len(SHIPPED_PORTS), ())), strict=True))


@dataclass
class Walk:
    """One reader: a folder, a shell that remembers where it is and what it exported, and what was printed last."""

    folder: Path
    ports: Mapping[str, str]
    instead: Mapping[str, str] = field(default_factory=dict)
    """Other words that stand for the page's own, beside the ports."""
    equipped: bool = False
    """Whether the environment that the README makes is active already."""
    printed: str = ""

    @property
    def home(self) -> Path:
        """The reader's home, with a git that knows a name."""
        return self.folder.parent / "home"

    @property
    def here(self) -> Path:
        """Where the reader is now."""
        kept = self.home / "folder"
        return Path(kept.read_text(encoding="utf-8").strip()) if kept.exists() else self.folder

    def follow(self, blocks: Iterable[Block]) -> None:
        """Do what each block says. Raises AssertionError naming the block that does not hold."""
        before = ""
        for block in blocks:
            if block.language == "sh":
                self.sh(block)
            elif block.language == "text" and before == "sh":
                self.compare(block)
            elif block.language == "diff":
                patch(self.here, self._told(block.text))
            elif block.language == "toml":
                merge(self.here / (block.file or "pipeline.toml"), self._told(block.text))
            elif block.language == "python" and block.file:
                write(self.here, block)
            elif block.language == "python":
                self._run(block, [sys.executable, "-c", self._told(block.text)])
            before = block.language

    def sh(self, block: Block) -> None:
        """Run commands as a shell that stops at the first that fails."""
        state = self.home
        again = f'. "{state}/exported"; cd "{self.here}"\n' if (state / "exported").exists() else ""
        script = f"{again}{self._told(block.text)}\n{KEPT.format(state=state)}\n"
        self._run(block, ["bash", "-euo", "pipefail", "-c", script])
        for settings in self.folder.parent.glob("*/pipeline.toml"):
            _own_ports(settings, self.ports)

    def compare(self, block: Block) -> None:
        """See that what the page shows was printed, line by line in this order; numbers may differ, `…` is anything."""
        lines = iter(_plain(line) for line in self.printed.splitlines())
        for shown in filter(str.strip, block.text.splitlines()):
            wanted = re.compile(".*".join(re.escape(part) for part in _plain(shown).split("…")))
            assert any(wanted.search(line) for line in lines), f"{block}: was not printed: {shown}\n{self.printed}"

    def _told(self, text: str) -> str:
        for word, other in {**self.ports, **self.instead}.items():
            text = re.sub(rf"(?<!\d){re.escape(word)}(?!\d)", other, text)
        return text

    def _run(self, block: Block, argv: list[str]) -> None:
        with subprocess.Popen(
            argv,
            cwd=self.here,
            env=self._variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                self.printed = process.communicate(timeout=LIMIT_SECONDS)[0]
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        assert process.returncode == 0, f"{block} ended with {process.returncode}:\n{block.text}\n{self.printed}"

    def _variables(self) -> dict[str, str]:
        """Those of this process, and a home of the reader's own."""
        cache = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache/uv")
        self.home.mkdir(exist_ok=True)
        (self.home / ".gitconfig").write_text("[user]\n\tname = Reader\n\temail = reader@example.org\n", "utf-8")
        own = {"HOME": str(self.home), "UV_CACHE_DIR": cache, "COLUMNS": "120"}
        path = f"{self.folder / '.venv/bin'}{os.pathsep}{os.environ['PATH']}" if self.equipped else os.environ["PATH"]
        return variables() | own | {"PATH": path}

    def stop(self) -> None:
        """Stop every environment of every project beside this one."""
        for settings in self.folder.parent.glob("*/pipeline.toml"):
            for name in ("staging", "production"):
                argv = [str(front_python()), "-m", "invoke", "down", f"--env={name}"]
                subprocess.run(argv, cwd=settings.parent, capture_output=True, timeout=LIMIT_SECONDS)


def _own_ports(settings: Path, ports: Mapping[str, str]) -> None:
    """A copy's ports depend on its folder: they become those that stand for the page's own, as a reader replaces them."""
    copies = () if settings.parent.name == "gateline" else tuple(ports.values())[2:]

    def instead(found: re.Match[str]) -> str:
        port = found[2]
        if port in ports.values():
            return found[0]
        return found[1] + (ports.get(port) or (copies[int(port) % 2] if copies else port))

    text = re.sub(r"(?m)^(port = )([0-9]+)\b", instead, settings.read_text(encoding="utf-8"))
    if text != settings.read_text(encoding="utf-8"):
        settings.write_text(text, encoding="utf-8")


def _plain(line: str) -> str:
    return NUMBER.sub("0", TABLE.sub(" ", line)).strip()
