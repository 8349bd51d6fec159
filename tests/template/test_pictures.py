"""The README's pictures are there, light and dark, small, and can be taken again."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from gateline.settings.errors import OutsideError
from template import pictures
from template.pictures import BROWSERS, MOST_BYTES, PAGES, SCHEMES, main, take
from tests.infra.tiny_project import ROOT

PNG = b"\x89PNG\r\n\x1a\n"
BOTH = '<style>body{background:#fff}@media(prefers-color-scheme:dark){body{background:#000}}</style>'
needs_browser = pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="no Chromium on PATH")


def test_the_readme_shows_them_all_each_within_the_limit() -> None:
    shown = set(re.findall(r'(?:srcset|src)="(docs/pictures/[^"]+)"', (ROOT / "README.md").read_text(encoding="utf-8")))
    assert shown == {f"docs/pictures/{name}-{scheme}.png" for name in PAGES for scheme in SCHEMES}
    for path in shown:
        content = (ROOT / path).read_bytes()
        assert content.startswith(PNG) and len(content) <= MOST_BYTES, path


@needs_browser
def test_a_page_is_taken_light_and_dark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "a page.html"
    page.write_text(BOTH, encoding="utf-8")
    for scheme in SCHEMES:
        take(page, 60, scheme, tmp_path / f"{scheme}.png")
    light, dark = ((tmp_path / f"{scheme}.png").read_bytes() for scheme in ("light", "dark"))
    assert light.startswith(PNG) and dark.startswith(PNG) and light != dark
    monkeypatch.setattr(pictures, "MOST_BYTES", 100)
    with pytest.raises(OutsideError, match="bytes, limit 100"):
        take(page, 60, "light", tmp_path / "again.png")


def test_a_missing_page_or_browser_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["pictures"])
    with pytest.raises(OutsideError, match="reports/index.html is not there"):
        main()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutsideError, match="none of chromium, .* is on PATH"):
        take(tmp_path / "page.html", 60, "light", tmp_path / "x.png")
