"""What a notebook says, apart from its pictures: JSON hides quotes from a search, and a picture looks like a key to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

SUFFIX = ".ipynb"
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
BASE64 = r"(?:[A-Za-z0-9+/=]|\\n|\\/)"
BEGINNINGS = r"iVBORw0KGg|/9j/|R0lGOD[lh]|UklGR|JVBERi0|AAAA[A-Za-z0-9+/]{2}Z0eX"
"""Base64 of the first bytes of PNG, JPEG, GIF, WebP, PDF and MP4."""
PICTURE = re.compile(rf"(?<![A-Za-z0-9+/])(?:{BEGINNINGS}){BASE64}{{56,}}")
"""No key of 40 characters is that long and begins so."""
SAID = r'"(?:(?:image|audio|video)/[\w.+-]+|bdata)"\s*:\s*(?:\[\s*)?"|data:(?:image|audio|video)/[\w.+-]+;base64,'
"""What says that a picture or a sound follows, whatever its format, or the numbers that Plotly draws one from."""
SAID_TO_BE = re.compile(rf"({SAID}){BASE64}{{57,}}")
GONE = "\0"
FURTHER = re.compile(rf'(?<="{GONE}")(?:\s*,\s*"{BASE64}+"(?!\s*:))+')
"""The other lines of a picture that is written as a list of lines; what a colon follows is the name of something else."""


def without_pictures(text: str) -> str:
    """Return a notebook's text with nothing where pictures stood, its lines where they were."""
    gone = SAID_TO_BE.sub(rf"\1{GONE}", PICTURE.sub(GONE, text.replace(GONE, "")))
    return FURTHER.sub(_emptied, gone).replace(GONE, "")


def strings(text: str) -> Iterator[tuple[int, str]]:
    """Yield each string of a JSON text as its reader sees it, with the line it begins on. Text that is no JSON has none."""
    line, seen = 1, 0
    for found in STRING.finditer(text):
        line, seen = line + text.count("\n", seen, found.start()), found.start()
        try:
            yield line, json.loads(found.group())
        except ValueError:
            continue


def _emptied(found: re.Match[str]) -> str:
    return re.sub(r'"[^"]*"', '""', found.group())
