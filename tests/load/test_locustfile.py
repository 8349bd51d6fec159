"""`locust -f load/locustfile.py` works by hand."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.load.conftest import ROOT, Command


@pytest.mark.slow
def test_locust_finds_the_packages_by_itself(command: Command) -> None:
    argv = [
        str(Path(sys.executable).parent / "locust"),
        "-f",
        str(ROOT / "load" / "locustfile.py"),
        "--headless",
        "-u",
        "2",
        "-t",
        "60s",
    ]
    argv += ["--host", command.base, "--only-summary", "--exit-code-on-error", "1"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(argv, cwd=command.folder, env=environment, stderr=subprocess.PIPE, text=True)
    command.wait_for_requests("/predict", 5)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert re.search(r"POST +/predict +\d+ +0\(0.00%\)", said), said
