"""`python -m gateline.settings`: the resolved values, the reference, and the exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gateline.settings import load
from gateline.settings.__main__ import main
from gateline.settings.reference import markdown
from tests.gateline.settings.files import write

ROOT = Path(__file__).parents[3]


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GATELINE_")}
    command = [sys.executable, "-m", "gateline.settings", *arguments]
    return subprocess.run(command, cwd=ROOT, env=clean | environ, capture_output=True, text=True, check=False)


def test_it_prints_every_value_as_toml_and_exits_0(tmp_path: Path) -> None:
    done = run("--config", str(write(tmp_path, gates__model="min_accuracy = 0.85")))
    assert (done.returncode, done.stderr) == (0, "")
    again = tmp_path / "again.toml"
    again.write_text(done.stdout, encoding="utf-8")
    assert load(again, {}) == load(tmp_path / "pipeline.toml", {})
    assert tomllib.loads(done.stdout)["gates"]["model"]["min_accuracy"] == 0.85


def test_it_says_where_a_value_comes_from_and_hides_credentials(tmp_path: Path) -> None:
    done = run(
        "--config",
        str(write(tmp_path)),
        GATELINE_REDIS_URL="redis://app:hunter2@cache:6379/0",  # pragma: allowlist secret
        GATELINE_NOTIFY_WEBHOOK="https://hooks.example/services/T0/hunter3",
        GATELINE_AUDIT_KEY="hunter4",
        GATELINE_PORT_STAGING="9001",
    )
    lines = done.stdout.splitlines()
    assert 'service.redis_url = "redis://***@cache:6379/0"  # from GATELINE_REDIS_URL' in lines
    assert 'notify.webhook = "https://hooks.example/***"  # from GATELINE_NOTIFY_WEBHOOK' in lines
    assert "environments.staging.port = 9001  # from GATELINE_PORT_STAGING" in lines
    assert "hunter" not in done.stdout + done.stderr


def test_it_exits_2_with_one_message_where_the_file_is_wrong(tmp_path: Path) -> None:
    done = run("--config", str(write(tmp_path, gates__model="min_accuracy = 90")))
    assert done.returncode == 2
    assert done.stdout == ""
    assert "'gates.model.min_accuracy' is 90; allowed: at most 1" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_shows_examples() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "python -m gateline.settings --markdown > docs/settings.md" in done.stdout


def test_the_reference_page_is_the_one_the_types_make(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--markdown"]) == 0
    made = capsys.readouterr().out
    assert made == markdown()
    written = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert written == made, "run: python -m gateline.settings --markdown > docs/settings.md"


def test_the_reference_names_every_key_with_its_meaning(tmp_path: Path) -> None:
    page = markdown()
    for section in ("[project]", "[gates.canary]", "[environments.<name>]", "[notify]"):
        assert f"## {section}\n" in page
    assert "| `min_accuracy` | Lowest accuracy. | number | at least 0, at most 1 | not set |" in page
    assert "| `target` | The column to predict. | text | not empty | required |" in page
    assert "| `custom_min` | Lowest value of each custom metric, by name. | table | – | empty |" in page
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert all(row.split("|")[2].strip() for row in rows)
