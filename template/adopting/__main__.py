"""Turn this copy into a project of its own, as the answers say. This is done once, right after copying.

Examples: invoke new ../my-project · nox -s adopt · nox -s adopt -- --time=joined --positive=fraud
"""

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from gateline.settings.errors import UsageError
from gateline.settings.front_door import front_door
from gateline.settings.shown import tell
from infra.commands.answers import EXAMPLE, FILE, Answers, read
from template.adopting.project import adopt, refuse_adopted, training_python
from template.adopting.proposal import propose


def source_of(root: Path, answers: Answers) -> Path:
    """Return the file of rows that the answers name. Raises UsageError if it is not a file."""
    source = Path(answers.data).expanduser()
    source = source if source.is_absolute() else root / source
    if not source.is_file():
        raise UsageError(
            f"data: {answers.data} is no file",
            f"name a CSV or Parquet file, or '{EXAMPLE}', in {FILE}; then nox -s adopt",
        )
    return source


def main() -> int:
    """Adopt the copy in this folder."""
    parser = argparse.ArgumentParser(
        prog="nox -s adopt", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--time", metavar="COLUMN", help="the column that says when a row happened, or 'none'")
    parser.add_argument("--positive", metavar="CLASS", help="the positive one of two classes")
    parser.add_argument("--missing", metavar="MARKS", help="texts that stand for a missing value, separated by commas")
    parser.add_argument("--encoding", metavar="NAME", help="the encoding of the data file, such as cp1251")
    given = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    root = Path(".").resolve()
    refuse_adopted(root)
    answers = replace(read(root), **given)
    proposal = None
    if answers.own_data:
        source = source_of(root, answers)
        tell(f"reading {source.name}")
        proposal = propose(source, answers)
        tell(*proposal.said)
    try:
        adopt(root, answers, proposal, partial(training_python, root, root))
    except SystemExit:
        tell(f"  then: nox -s adopt, which reads the answers in {FILE} again", error=True)
        raise
    tell("next: read pipeline.toml and data/schema.json, then nox -s pipeline")
    return 0


if __name__ == "__main__":
    sys.exit(front_door(main))
