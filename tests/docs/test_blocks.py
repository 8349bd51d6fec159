"""Every block of the pages is judged: run, loaded, parsed, compared, or declared with the test that does it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.docs.apart import APART, Apart, is_apart, walked
from tests.docs.blocks import KNOWN, ROOT, Block, all_blocks, blocks, pages
from tests.docs.links import broken, gone, linked


def unknown(found: list[Block]) -> list[str]:
    """Complain of blocks of a language that nobody judges and nobody declared."""
    return [
        f"{block}: a block of language '{block.language}' is not run; allowed: {', '.join(KNOWN)}, or tests/docs/apart.py"
        for block in found
        if block.language not in KNOWN and not is_apart(block)
    ]


def stale(declared: tuple[Apart, ...], found: list[Block]) -> list[str]:
    """Complain of declarations that are not of exactly one block, give no reason, or name a test that is not there."""
    complaints = []
    for entry in declared:
        matching = [str(block) for block in found if entry.matches(block)]
        if len(matching) != 1:
            complaints.append(f"{entry.page}, '{entry.part}': declared apart, is of {len(matching)} blocks; allowed: 1")
        path, _, name = entry.test.partition("::")
        if not entry.reason or name not in _functions(ROOT / path):
            complaints.append(f"{entry.page}, '{entry.part}': no reason, or no test {entry.test}")
    return complaints


def _functions(path: Path) -> set[str]:
    body = ast.parse(path.read_text(encoding="utf-8")).body if path.is_file() else []
    return {node.name for node in body if isinstance(node, ast.FunctionDef)}


def test_every_block_is_judged_or_declared() -> None:
    complaints = unknown(all_blocks())
    assert not complaints, "\n".join(complaints)


def test_what_is_declared_is_there() -> None:
    complaints = stale(APART, all_blocks())
    assert not complaints, "\n".join(complaints)


def test_a_language_that_nobody_judges_is_named() -> None:
    [said] = unknown([Block("x.md", 3, "none", "ls\n"), Block("x.md", 9, "sh", "ls\n")])
    assert said.startswith("x.md:3: a block of language 'none'")


TEST = "tests/docs/test_blocks.py::test_what_is_declared_is_there"


@pytest.mark.parametrize(
    ("part", "reason", "test", "count"),
    [
        ("ls", "why", TEST, 0),
        ("cd", "why", TEST, 1),
        ("l", "why", TEST, 1),
        ("ls", "", TEST, 1),
        ("ls", "why", f"{TEST}_not", 1),
    ],
)
def test_a_stale_declaration_is_named(part: str, reason: str, test: str, count: int) -> None:
    found = [Block("x.md", 1, "sh", "ls\n"), Block("x.md", 5, "sh", "tail -l\n")]
    assert len(stale((Apart("x.md", part, reason, test),), found)) == count


def test_the_pages_and_their_blocks_are_seen() -> None:
    assert {"README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/tutorial.md", "docs/howto/metric.md"} <= set(pages())
    assert len(all_blocks()) > 60 and len(walked()) > 10
    [block] = [block for block in blocks("docs/contracts.md") if block.language == "json"]
    assert (
        block.text.startswith('{"columns"') and (ROOT / block.page).read_text().splitlines()[block.line] in block.text
    )


@pytest.mark.parametrize("page", pages())
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    assert broken(ROOT, page) == []


@pytest.mark.parametrize("page", [page for page in pages() if page.startswith("docs/")])
def test_a_page_that_copies_have_links_to_nothing_that_they_lack(page: str) -> None:
    lacking = [ROOT / name for name in ("benchmarks", "template", "tests", ".ci", "CONTRIBUTING.md", "SECURITY.md")]
    assert [link for link, path in linked(ROOT, page).items() if {path, *path.parents} & {*lacking}] == []


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("[a](a.md#top) [b](b.md) [c](https://example.org)", encoding="utf-8")
    assert broken(tmp_path, "a.md") == ["a.md: b.md"]


@pytest.mark.parametrize("page", [page for page in pages() if page != "CHANGELOG.md"])
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    assert gone(ROOT, page) == []


def test_a_file_that_is_gone_is_named_but_for_one_that_the_page_makes(tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra/__init__.py").touch()
    text = "`infra/__init__.py` `infra/old.py` `infra/new.py` `lib/theirs.rb`\n```python\n# infra/new.py\n```\n"
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    assert gone(tmp_path, "a.md") == ["a.md: infra/old.py"]
