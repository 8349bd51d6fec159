"""The page shows the schema to people and loads nothing from elsewhere."""

from __future__ import annotations

import re
from html import unescape

from gateline.contracts import schema as schemas
from gateline.contracts.release import Release
from service.docs import page
from service.requests import Requests
from service.state import Loaded
from tests.service.bundles import NAMED


def test_every_column_has_type_range_and_example(release: Release, loaded: Loaded) -> None:
    text = unescape(page(release, loaded.requests))
    for name in NAMED:
        assert f"<td>{name}</td>" in text
    for words in (
        "a whole number from 0 to 23",
        'one of "AA", "B6", "UA"',
        "text that matches [A-Z]{3}, or null",
        "Airline",
    ):
        assert f"<td>{words}</td>" in text
    assert release.version in text


def test_nothing_is_loaded_from_elsewhere(release: Release, loaded: Loaded) -> None:
    text = page(release, loaded.requests)
    assert not re.search(r"https?:|//[a-z]|<link|@import|src=", text)


def test_what_the_schema_says_is_text_not_markup(release: Release, loaded: Loaded) -> None:
    hostile = "</td><script>alert(1)</script>"
    columns = [
        {"name": "a", "dtype": "string", "description": hostile, "categories": ["</textarea><script>x</script>"]}
    ]
    requests = Requests(schemas.parse({"columns": columns}), 3, ["</textarea><script>x</script>"])
    text = page(release, requests)
    assert text.count("<script>") == 1
    assert text.count("</textarea>") == 1
