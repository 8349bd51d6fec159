"""Regenerate the reference pages in docs/ from the code: every setting, command and rule.

Examples: nox -s reference · python -m template.reference
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from gateline.settings.front_door import front_door
from gateline.settings.reference import markdown
from gateline.settings.shown import tell
from template.reference import commands


def _rules(root: Path) -> str:
    """The rules of data and models bring pandas and scikit-learn: `--help` does without."""
    from template.reference import rules

    return rules.page(root)


PAGES: Mapping[str, Callable[[Path], str]] = {
    "docs/settings.md": lambda root: markdown(),
    "docs/reference/commands.md": commands.page,
    "docs/reference/rules.md": _rules,
}
"""The pages, and what makes each of the project's folder."""


def main() -> int:
    """Write every page."""
    parser = argparse.ArgumentParser(
        prog="python -m template.reference", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    for name, made in PAGES.items():
        text = made(Path("."))
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
        tell(f"{name}: {len(text.splitlines())} lines")
    return 0


if __name__ == "__main__":
    sys.exit(front_door(main))
