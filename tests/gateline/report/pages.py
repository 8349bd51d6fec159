"""Reads a page the way a browser does, as far as a test asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "link", "br", "img", "input", "hr"}


@dataclass
class Page(HTMLParser):
    """Tags with their attributes, the text by enclosing tag, and tags that were not closed in order."""

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    @classmethod
    def read(cls, source: Path | str) -> Page:
        """Parse a file or a text."""
        page = cls()
        page.feed(source if isinstance(source, str) else source.read_text(encoding="utf-8"))
        page.close()
        page.unbalanced += page._open
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an empty tag."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost tag."""
        if not self._open or self._open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        """Note a text under the tag it stands in."""
        if data.strip():
            self.texts.append((self._open[-1] if self._open else "", " ".join(data.split())))

    def said(self, tag: str = "") -> list[str]:
        """Return the texts, of one tag or of the whole page without styles."""
        return [text for where, text in self.texts if (where == tag if tag else where != "style")]

    def attributes(self, name: str) -> list[str]:
        """Return every value of an attribute."""
        return [found[name] for _, found in self.tags if name in found]
