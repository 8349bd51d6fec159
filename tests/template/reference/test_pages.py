"""The reference is what the code says now, and says it of everything."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateline.settings.errors import OutsideError
from template.reference import commands
from template.reference.__main__ import PAGES
from template.reference.refusals import REFUSALS
from template.reference.rules import DEFAULTS, GATES, Gate, about, settings_of
from tests.architecture.source import files, packages
from tests.ci.commands import front_doors
from tests.infra.tiny_project import ROOT

SPOKEN = ("GateRefused", "TakenOver", "Unsigned")
"""What names the rule that refuses."""


SLOW = {"docs/reference/commands.md"}
"""Asks every module for its help."""


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in PAGES])
def test_it_is_what_the_code_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    written = (ROOT / name).read_text(encoding="utf-8")
    assert written == PAGES[name](Path(".")), "run: nox -s reference"


def test_every_session_task_and_module_stands_in_it() -> None:
    page, doors = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8"), front_doors(ROOT)
    assert re.findall(r"^### `python -m (\S+)`", page, re.MULTILINE) == commands.modules(ROOT)
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == doors.sessions
    assert set(re.findall(r"^### `invoke (\w+)`", page, re.MULTILINE)) == set(doors.tasks)
    for task, options in doors.tasks.items():
        section = page.partition(f"### `invoke {task}`")[2].partition("###")[0]
        assert all(option in section or option.replace("--", "--[no-]") in section for option in options), task


def test_a_command_that_cannot_explain_itself_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match="no_such_module --help ended with 1"):
        commands.explained("no_such_module")


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.section)
def test_every_rule_and_every_limit_of_a_gate_is_explained(gate: Gate) -> None:
    settings = getattr(DEFAULTS, gate.section)
    assert tuple(gate.rules) == settings.rules
    told = {name.split("`")[1] for rule in gate.rules.values() for name in settings_of(gate.section, about(rule))}
    patterns = [re.escape(name).replace("<metric>", ".+") for name in told]
    for key in set(type(settings).model_fields) - {"rules", "required"}:
        assert any(re.fullmatch(pattern, key) for pattern in patterns), f"no rule of [gates.{gate.section}] names {key}"
    for rule in gate.rules.values():
        assert about(rule).endswith("."), about(rule)


def test_a_rule_that_names_what_is_no_setting_is_refused() -> None:
    with pytest.raises(KeyError, match="max_surprise"):
        list(settings_of("data", "At most `max_surprise`."))


def test_every_limit_is_read_where_it_is_judged() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in files(ROOT, "validation", "infra", "training", "template"))
    keys = {key for gate in GATES for key in type(getattr(DEFAULTS, gate.section)).model_fields}
    metrics = {key for key in keys if key.startswith(("min_", "max_")) and key in type(DEFAULTS.model).model_fields}
    for key in keys - metrics - {f"max_p{number}_ms" for number in (50, 95, 99)}:
        assert f".{key}" in sources, key


def test_every_refusal_in_the_code_is_explained_and_no_other() -> None:
    assert {word for path in files(ROOT, *packages(ROOT)) for word in _refusals(path)} == set(REFUSALS)


def _refusals(path: Path) -> Iterator[str]:
    """Yield the rule of every refusal in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in SPOKEN:
            rules = [keyword.value for keyword in node.keywords if keyword.arg == "rule"]
            yield from (str(rule.value) for rule in rules if isinstance(rule, ast.Constant))
