"""What was answered when the template was copied."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from gateline.settings.errors import UsageError

FILE = Path(".copier-answers.yml")
EXAMPLE = "flights"
"""The answer to `data` that keeps the example's."""
READ = "read: "
"""What stands before a line that says how the rows were read."""
NO_TIME = "none"
"""The answer to `time` that splits rows without one."""
LONGEST = 40
ASKED, ALSO = ("name", "task", "data", "target"), ("time", "positive", "missing", "encoding")
HEAD = "# The answers that this copy was made from; `invoke update` reads them.\n"


@dataclass(frozen=True)
class Answers:
    """The four answers that every copy keeps, and what may be asked for besides them; '' is found out from the rows."""

    name: str
    task: str
    data: str
    target: str
    time: str = ""
    """The column that says when, or `none`."""
    positive: str = ""
    """The positive class of two."""
    missing: str | None = None
    """The marks that stand for a missing value, with commas between."""
    encoding: str = ""
    """The encoding of the data file."""
    task_given: bool = True
    """Whether somebody asked for the task."""

    @property
    def slug(self) -> str:
        """The name as settings take it: lower-case letters, digits and dashes, a letter first."""
        plain = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")
        named = plain if plain[:1].isalpha() else f"project-{plain}"
        return named[:LONGEST].strip("-")

    @property
    def own_data(self) -> bool:
        """Whether the data is the user's own."""
        return self.data != EXAMPLE


def read(root: Path) -> Answers:
    """Return the answers of a copy. Raises UsageError where there are none."""
    try:
        found = yaml.safe_load((root / FILE).read_text(encoding="utf-8"))
        also = {key: str(found[key]) for key in ALSO if key in found}
        return replace(Answers(*(str(found[key]) for key in ASKED)), **also)  # type: ignore[arg-type]
    except FileNotFoundError:
        raise UsageError(f"{FILE} is missing: this is no copy of the template", "invoke new ../my-project") from None
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise UsageError(f"{FILE} is damaged: {type(error).__name__}: {error}", "copy the template again") from None


def note(root: Path, **changed: str) -> None:
    """Change what is kept of the answers, for updates to come."""
    path = root / FILE
    kept = yaml.safe_load(path.read_text(encoding="utf-8")) | changed
    path.write_text(HEAD + yaml.safe_dump(kept, allow_unicode=True), encoding="utf-8")
