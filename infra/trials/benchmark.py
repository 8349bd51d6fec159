"""The trial `benchmark`: locust against the release, its figures against the limits."""

from __future__ import annotations

import secrets
import subprocess
from pathlib import Path

from gateline.contracts.digest import of_sources, of_value
from gateline.contracts.headers import TOKEN_VARIABLE
from gateline.contracts.load_sample import LoadSample
from gateline.contracts.manifest import SCHEMA_FILE
from gateline.contracts.release import ARTIFACT_FOLDER
from gateline.contracts.verdict import Verdict
from gateline.settings import Settings, passing
from gateline.settings.errors import OutsideError
from infra.host.python_env import python_for
from infra.trials.trial import Subject
from validation.benchmark.gate import judge

LOCK = Path("requirements/load.txt")
SOURCES = (
    "load",
    "validation/benchmark/gate.py",
    "validation/benchmark/plots.py",
    "gateline/contracts/load_sample.py",
    "gateline/contracts/samples.py",
    "requirements/load.txt",
)
SAMPLE = Path("reports/benchmark/sample.json")


class Benchmark:
    """Loads one replica with the profile of the settings."""

    def inputs(self, settings: Settings, root: Path) -> dict[str, str]:
        """The profile, the limits, and the code that sends and judges."""
        return {
            "profile": of_value(settings.load.model_dump(mode="json")),
            "limits": of_value(settings.gates.benchmark.model_dump(mode="json")),
            "sources": of_sources(root, SOURCES),
        }

    def judge(self, subject: Subject, judged: dict[str, str]) -> Verdict:
        """Load the release with locust, with payloads made from its own schema, and judge the sample."""
        SAMPLE.parent.mkdir(parents=True, exist_ok=True)
        SAMPLE.unlink(missing_ok=True)
        token = {TOKEN_VARIABLE: secrets.token_hex(16)}
        with subject.started(token) as url:
            argv = [str(python_for(subject.root / LOCK, subject.root)), "-m", "load", "--url", f"{url}/predict"]
            argv += ["--schema", str((subject.folder / ARTIFACT_FOLDER / SCHEMA_FILE).resolve())]
            argv += ["--config", subject.config, "--json", str(SAMPLE)]
            done = subprocess.run(argv, cwd=subject.root, env=passing.variables("load") | token)
        if not SAMPLE.exists():
            raise OutsideError(f"locust ended with {done.returncode} and left no figures", "see its output above")
        sample = LoadSample.model_validate_json(SAMPLE.read_bytes())
        return judge(sample, subject.settings.gates.benchmark, subject.release.digest, judged)
