"""One table of stages: the menus hold each, settings ask for those it names, and README tells of all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

from gateline.settings.environments import Stage
from gateline.stages import APART, JUDGING, ORDER, PIPELINE, REQUIRABLE, judges
from tests.ci.commands import front_doors

ROOT = Path(__file__).parents[2]


def test_the_menus_hold_every_stage_under_its_command() -> None:
    doors = front_doors(ROOT)
    for stage in (*PIPELINE, *APART):
        assert stage.name in (doors.sessions if stage.program == "nox" else doors.tasks)


def test_settings_ask_for_the_verdicts_that_are_signed() -> None:
    assert REQUIRABLE == get_args(Stage) == ("validate_data", "validate_model", "integration", "benchmark", "security")


def test_what_a_verdict_is_about() -> None:
    assert {name: judges(name) for name in JUDGING} == {
        "validate_data": "data", "train": "artifact", "validate_model": "artifact", "integration": "release",
        "benchmark": "release", "security": "release", "smoke": "release", "canary": "release", "drift": "release",
    }  # fmt: skip
    assert judges("a stage of one's own") == "release"


def test_the_readme_tells_of_every_stage() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("## The stages")[2].partition("\n## ")[0]
    assert [name for name in ORDER if f"-s {name}`" not in table and f"invoke {name}" not in table] == []


def test_it_imports_nothing_of_ours() -> None:
    code = "import sys, gateline.stages; print(sorted(name for name in sys.modules if name.startswith('gateline')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "['gateline', 'gateline.stages']"
