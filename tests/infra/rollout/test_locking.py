"""One command at a time, and the name of the one that is at it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateline.settings import load
from gateline.settings.errors import OutsideError
from infra.engines import engine_for
from infra.engines.contract import Engine
from infra.rollout.locking import held, holder

HOLD = """
import sys, time
from pathlib import Path
from infra.engines import engine_for
from infra.rollout.locking import held
from gateline.settings import load
folder = Path(sys.argv[1])
with held(folder, engine_for(load("pipeline.toml", {}), "staging", folder), "invoke deploy", 0.0, print):
    print("held", flush=True)
    time.sleep(60)
"""


def engine(root: Path) -> Engine:
    """Return the engine of an environment that was never started."""
    return engine_for(load("pipeline.toml", {}), "staging", root)


def test_a_second_command_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    said: list[str] = []
    with (
        pytest.raises(OutsideError, match=rf"invoke deploy.*process {process.pid}") as caught,
        held(tmp_path, engine(tmp_path), "x", 0.3, said.append),
    ):
        pass
    assert "--wait" in caught.value.next_step and len(said) == 1
    process.kill()
    process.communicate()
    with held(tmp_path, engine(tmp_path), "invoke rollback", 5.0, said.append):
        assert "invoke rollback" in holder(tmp_path)
    assert holder(tmp_path) == "another command"


def test_the_lock_is_free_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ValueError), held(tmp_path, engine(tmp_path), "one", 0.0, print):
        raise ValueError
    with held(tmp_path, engine(tmp_path), "two", 0.0, print):
        pass
