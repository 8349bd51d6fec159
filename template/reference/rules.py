"""The page of all rules: what each gate judges, from the rules' own docstrings and the settings that they name."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateline.contracts.schema import Column, Schema
from gateline.settings.gates import Gates
from gateline.settings.reference import keys
from infra.rollout.smoke import QUESTIONS
from infra.security.running import OF_IMAGES, SCANNERS
from template.reference.refusals import REFUSALS
from validation.benchmark import gate as benchmark
from validation.canary import gate as canary
from validation.data import rules
from validation.drift import gate as drift
from validation.model import rules as model_rules

HEAD = """# Rules

Generated from the code by `nox -s reference`; a test fails if the two differ.

A gate fails if one rule fails, is inconclusive if a *required* rule could not judge or if none judged, and passes otherwise.
`required` and `rules` of each gate are [settings](../settings.md); the column shows their default. Keys without a dot are the
gate's own; those of the schema are keys of a column in `data/schema.json`, or of the schema itself.
"""
TABLE = "| rule | what it judges | required | settings |\n|---|---|---|---|\n"
INTEGRATION = Path("infra/trials/integration")
NAMED = re.compile(r"`([a-z0-9_<>.]+)`")
DEFAULTS = Gates()
SCHEMA = {field.alias or name for kind in (Column, Schema) for name, field in kind.model_fields.items()}


@dataclass(frozen=True)
class Gate:
    """A stage that judges by the rules of a settings' section."""

    stage: str
    section: str
    rules: Mapping[str, Callable[..., Any]]


GATES = (
    Gate("validate_data", "data", rules.RULES),
    Gate("validate_model", "model", model_rules.RULES),
    Gate("benchmark", "benchmark", benchmark.RULES),
    Gate("security", "security", SCANNERS),
    Gate("canary", "canary", canary.RULES),
    Gate("drift", "drift", drift.RULES),
)


def page(root: Path) -> str:
    """Return the whole page."""
    gates = "".join(_gate(gate) for gate in GATES)
    return HEAD + gates + _smoke() + _integration(root / INTEGRATION) + _refusals()


def about(rule: Callable[..., Any]) -> str:
    """Return the first paragraph of a rule's docstring in one line."""
    first = " ".join((inspect.getdoc(rule) or "").partition("\n\n")[0].split()).removeprefix("Judge ")
    return first[:1].upper() + first[1:]


def settings_of(section: str, text: str) -> Iterator[str]:
    """Yield the settings that a rule's description names. Raises KeyError for a name that is no setting and no schema key."""
    gate = type(getattr(DEFAULTS, section)).model_fields
    for name in dict.fromkeys(NAMED.findall(text)):
        if name in gate or "<metric>" in name or name in keys():
            yield f"`{name}`"
        elif name in SCHEMA:
            yield f"`{name}` of the schema"
        else:
            raise KeyError(f"a rule of [gates.{section}] names `{name}`, which is no setting")


def _gate(gate: Gate) -> str:
    required = getattr(DEFAULTS, gate.section).required
    lines = []
    for name, rule in gate.rules.items():
        must = "yes" if name in required else "no"
        must = "where an environment runs containers" if name in OF_IMAGES and name in required else must
        named = ", ".join(settings_of(gate.section, about(rule)))
        lines.append(f"| `{name}` | {about(rule)} | {must} | {named or '–'} |\n")
    return f"\n## `{gate.stage}`: [gates.{gate.section}]\n\n{TABLE}{''.join(lines)}"


def _smoke() -> str:
    lines = "".join(f"| `{name}` | {about(ask)} | yes | – |\n" for name, ask in QUESTIONS)
    return f"\n## `smoke`\n\nNo settings; `deploy` and `canary` ask the same before a release gets traffic.\n\n{TABLE}{lines}"


def _integration(folder: Path) -> str:
    """Each test is judged by itself; tests of one file are one rule with several subjects."""
    lines = []
    for path in sorted(folder.glob("test_*.py")):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        lines.append(f"| `{path.stem.removeprefix('test_')}` | {' '.join(text.split())} | yes | – |\n")
    said = (
        "Every test in `infra/trials/integration/`, and of your own in `tests/integration/`, is judged; "
        "the rule is named after its file."
    )
    return f"\n## `integration`\n\n{said}\n\n{TABLE}{''.join(lines)}"


def _refusals() -> str:
    lines = "".join(f"| `{word}` | {text} |\n" for word, text in REFUSALS.items())
    said = "Commands refuse these no matter what the gates say. The message begins with the word."
    return f"\n## Refusals\n\n{said}\n\n| word | when |\n|---|---|\n{lines}"
