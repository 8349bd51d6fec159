"""What the OpenAPI document says is so: schemathesis asks what it allows, and what it does not, with all of its checks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from infra.host.python_env import python_for
from tests.service import bundles, processes

LOCK = Path("requirements/openapi.txt")
SECONDS = 30
"""Time for each kind of model: what there is to try is drawn anew until it is spent."""


@pytest.mark.slow
@pytest.mark.parametrize("task", ["binary", "generated", "multiclass", "regression"])
def test_every_answer_is_one_that_the_document_promises(tmp_path: Path, task: str) -> None:
    root = Path(__file__).parents[2]
    program = python_for(root / LOCK, root).parent / "schemathesis"
    generated = task == "generated"
    bundles.write(tmp_path / "b", bundles.Recipe(task="binary" if generated else task, generated=generated))
    with processes.service(tmp_path / "b", tmp_path) as service:
        service.wait_for("/openapi.json")
        done = subprocess.run(
            [
                program, "run", f"{service.client.base_url}/openapi.json", "--checks", "all", "--seed", "1", "--no-color",
                "--max-time", str(SECONDS), "--max-examples", "50",
            ],
            cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=5 * SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr
        assert "14 selected / 14 total" in done.stdout and "No issues found" in done.stdout, done.stdout[-3000:]
        assert service.process.poll() is None
    logged = service.errors.read_text(encoding="utf-8")
    assert "Traceback" not in logged, logged[-3000:]
