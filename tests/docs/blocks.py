"""The fenced blocks of the pages, in order. Sybil reads Markdown; what a block means is said here.

| language | what it is |
|---|---|
| `sh` | commands, run in order in a clone of the project; the folder and what is exported carry over |
| `text` | right after `sh`: what it prints, in order, numbers aside, `…` for anything; elsewhere a picture |
| `python` | run; with `# path/to/file.py` as its first line it is that file, or is added to it (`…, at the end`) |
| `toml` | settings, merged into `pipeline.toml` and loaded; with `# pyproject.toml` as its first line, into that |
| `diff` | an edit of the project's files, applied |
| `json`, `yaml` | data, parsed; JSON with `columns` is a schema |
| another | must be declared in tests/docs/apart.py |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sybil import Sybil
from sybil.document import Document
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer
from sybil.region import Region

ROOT = Path(__file__).parents[2]
RUN = ("sh", "python", "toml", "diff")
"""What changes something, and so is run in order."""
KNOWN = (*RUN, "text", "json", "yaml")
FILE = re.compile(r"# ([\w./-]+\.\w+)(, at the end)?\n")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str:
        """The file that its first line names, or nothing."""
        found = FILE.match(self.text)
        return found[1] if found else ""

    @property
    def added(self) -> bool:
        """Whether it is added to the file that it names."""
        found = FILE.match(self.text)
        return bool(found and found[2])


def pages() -> list[str]:
    """Return the pages whose blocks count."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page, in order."""
    document = Sybil(parsers=[_fenced]).parse(ROOT / page)
    return [
        Block(page, example.line, str(example.region.lexemes["language"]), str(example.parsed))
        for example in document.examples()
    ]


def all_blocks() -> list[Block]:
    """Return the blocks of all pages."""
    return [block for page in pages() for block in blocks(page)]


def _fenced(document: Document) -> list[Region]:
    """Find fenced blocks of every language; one without a language has the language `none`."""
    found = list(FencedCodeBlockLexer(language=r".*")(document))
    for region in found:
        region.lexemes = {**region.lexemes, "language": str(region.lexemes["language"]).strip() or "none"}
        region.parsed, region.evaluator = region.lexemes["source"], lambda example: None
    return found
