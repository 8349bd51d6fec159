"""The pages that a copy has of its own: README, change log, and a first test."""

from __future__ import annotations

from pathlib import Path

from infra.commands.answers import Answers

TEMPLATES = Path(__file__).with_name("pages")
PAGES = {"README.md": "README.md", "CHANGELOG.md": "CHANGELOG.md", "test_project.txt": "tests/test_project.py"}


def write(root: Path, answers: Answers) -> None:
    """Write the pages; one that the user has changed already is left alone."""
    for template, target in PAGES.items():
        if not (root / target).exists():
            text = (TEMPLATES / template).read_text(encoding="utf-8")
            (root / target).parent.mkdir(parents=True, exist_ok=True)
            (root / target).write_text(text.replace("{{ name }}", answers.name), encoding="utf-8")
    (root / "tests" / "__init__.py").touch()
