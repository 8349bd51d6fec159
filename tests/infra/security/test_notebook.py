"""Notebooks: a picture is no secret, and every secret in a cell, an output or an attribute is found on its line."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from typing import Any

import pytest

from infra.security import secrets
from tests.infra.security.projects import subject, write

BEGINNINGS = {
    "png": b"\x89PNG\r\n\x1a\n",
    "jpeg": b"\xff\xd8\xff\xe0",
    "gif": b"GIF89a",
    "webp": b"RIFF\x10\x10\x00\x00WEBP",
    "pdf": b"%PDF-1.7\n",
    "mp4": b"\x00\x00\x00\x18ftypmp42",
}
VALUE = "Kx9" * 6 + "hunter"
SECRETS = {
    "keyword, double quotes": f'pass{""}word = "{VALUE}"',
    "keyword, single quotes": f"api_{''}key = '{VALUE}'",
    "aws": "key = 'AKIA" + "IOSFODNN7EXAMPLZ'",
    "github": "t = 'ghp_" + "z1y2x3w4v5u6" * 3 + "'",
    "private key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "base64": "k = '" + base64.b64encode(random.Random(4).randbytes(30)).decode() + "'",
}


def picture(kind: str, size: int = 442) -> str:
    return base64.b64encode(BEGINNINGS[kind] + random.Random(6).randbytes(size)).decode()


def cell(source: Any = (), *outputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "outputs": list(outputs), "source": source, **more}


def shown(**data: Any) -> dict[str, Any]:
    kinds = {key.replace("_", "/"): value for key, value in data.items()}
    return {"output_type": "display_data", "metadata": {}, "data": kinds}


def found(root: Path, *cells: dict[str, Any], indent: int | None = 1) -> tuple[str, list[tuple[str, int]]]:
    """Write a notebook; return its text, and kind and line of what is found in it."""
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=indent)
    write(root, "notebooks/look.ipynb", text + "\n")
    return text, [(kind, line) for _, kind, line in secrets.secrets_in(root, ["notebooks/look.ipynb"])]


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_a_picture_is_no_secret_however_it_stands_there(root: Path, kind: str) -> None:
    inside, mime = picture(kind), f"image_{kind}"
    lines = [inside[at : at + 76] + "\n" for at in range(0, len(inside), 76)]
    cells = [
        cell([], shown(**{mime: inside})),
        cell([], shown(**{mime: lines})),
        cell([], shown(**{mime: "".join(lines)})),
        cell([], shown(text_html=f'<img src="data:image/{kind};base64,{inside}"/>')),
        cell(f'src = "{inside}"', attachments={"a.png": {f"image/{kind}": inside}}),
    ]
    assert found(root, *cells)[1] == []
    assert found(root, *cells, indent=None)[1] == []


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
@pytest.mark.parametrize("where", ["source", "one string", "stream", "text/plain", "metadata"])
def test_a_secret_next_to_a_picture_is_found_on_its_line(root: Path, secret: str, where: str) -> None:
    plot = shown(image_png=picture("png"))
    lines = ["import x\n", f"{secret}\n"]
    holder = {
        "source": cell(lines, plot),
        "one string": cell("".join(lines), plot),
        "stream": cell([], plot, {"output_type": "stream", "name": "stdout", "text": lines}),
        "text/plain": cell([], shown(image_png=picture("png"), **{"text_plain": lines})),
        "metadata": cell([], plot, **{"metadata": {"note": secret}}),
    }[where]
    text, seen = found(root, holder)
    written = json.dumps(secret)[1:-1]
    expected = next(number for number, line in enumerate(text.splitlines(), start=1) if written in line)
    assert {line for _, line in seen} == {expected}


def test_what_is_found_is_told_once_with_its_place_and_not_shown(root: Path) -> None:
    found(root, cell([f"{SECRETS['aws']}\n"]))
    findings = secrets.scan(subject(root)).findings
    assert [finding.where for finding in findings] == ["notebooks/look.ipynb:8"]
    assert "AKIA" not in findings[0].message


@pytest.mark.parametrize("kind", ["image/bmp", "image/tiff", "image/x-icon", "audio/flac"])
def test_what_is_said_to_be_a_picture_is_one_with_any_first_bytes(root: Path, kind: str) -> None:
    inside = base64.b64encode(random.Random(6).randbytes(442)).decode()
    lines = [inside[at : at + 76] + "\n" for at in range(0, len(inside), 76)]
    source = f"{SECRETS['aws']}\n"
    cells = [
        cell([], shown(**{kind.replace("/", "_"): inside})),
        cell([], shown(**{kind.replace("/", "_"): lines})),
        cell([], shown(text_html=f'<img src="data:{kind};base64,{inside}"/>')),
        cell([source], shown(**{"application/vnd.plotly.v1+json": {"data": [{"x": {"dtype": "f8", "bdata": inside}}]}})),
    ]
    for indent in (1, None):
        assert [name for name, _ in found(root, *cells, indent=indent)[1]] == ["AWS Access Key"]


def test_a_marked_line_of_a_cell_is_left(root: Path) -> None:
    secret = SECRETS["keyword, double quotes"]
    assert found(root, cell([f"{secret}  # {secrets.MARK}\n"]))[1] == []
    assert len(found(root, cell([f"{secret}\n"]))[1]) == 1


def test_a_key_that_begins_like_a_picture_is_too_short_for_one(root: Path) -> None:
    key = "/9j/" + base64.b64encode(random.Random(5).randbytes(27)).decode()
    assert len(key) == 40 and len(found(root, cell([f"k = '{key}'\n"]))[1]) == 1


def test_a_notebook_that_a_merge_broke_is_searched_all_the_same(root: Path) -> None:
    text, _ = found(root, cell([f"{SECRETS['aws']}\n"], shown(image_png=picture("png"))))
    write(root, "notebooks/look.ipynb", text.replace(' "metadata": {},', "<<<<<<< ours\n", 1) + "\xff")
    assert [kind for _, kind, _ in secrets.secrets_in(root, ["notebooks/look.ipynb"])] == ["AWS Access Key"]


def test_lines_stay_where_they_are() -> None:
    text = json.dumps({"a": picture("png"), "text/plain": "x", "b": [picture("gif"), "abc/"], "c": ["", "abc"]}, indent=1)
    bare = secrets.without_pictures(text)
    assert json.loads(bare) == {"a": "", "text/plain": "x", "b": ["", ""], "c": ["", "abc"]}
    assert bare.count("\n") == text.count("\n")
    assert list(secrets.strings('{"a": "x\\ny",\n "b": 1}')) == [(1, "a"), (1, "x\ny"), (2, "b")]
