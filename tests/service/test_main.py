"""The service as the engine runs it: a process, real HTTP, signals, exit codes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateline.contracts.release import Release
from gateline.settings import Service
from service.__main__ import not_loaded, options_of
from tests.service import bundles


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "service", *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_ends_the_process_with_the_reason(tmp_path: Path) -> None:
    bundles.write(tmp_path / "b", bundles.Recipe(golden_shift=0.5))
    ended = run("--port", "0", "--bundle", str(tmp_path / "b"))
    assert ended.returncode == 4
    assert "cannot be loaded: golden: row 0 of 20 golden rows scores otherwise" in ended.stderr
    assert "next:" in ended.stderr


@pytest.mark.slow
def test_a_taken_port_ends_with_4_and_says_so(bundle: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("--port", str(port), "--bundle", str(bundle))
    assert ended.returncode == 4
    assert ended.stderr.startswith(f"error: port {port} of 127.0.0.1 is taken by another process")
    assert "Traceback" not in ended.stderr


def test_no_bundle_ends_with_2_and_says_how_to_build_one(tmp_path: Path) -> None:
    ended = run("--bundle", str(tmp_path))
    assert ended.returncode == 2
    assert "there is no release bundle in" in ended.stderr and "invoke build" in ended.stderr


@pytest.mark.parametrize(("text", "said"), [("{}", "version: Field required"), ("[", "content: Invalid JSON")])
def test_a_broken_release_record_ends_with_2(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "release.json").write_text(text)
    ended = run("--bundle", str(tmp_path))
    assert ended.returncode == 2
    assert said in ended.stderr


def test_a_bundle_without_an_artifact_ends_with_2(tmp_path: Path, release: Release) -> None:
    (tmp_path / "release.json").write_text(release.model_dump_json())
    ended = run("--bundle", str(tmp_path))
    assert ended.returncode == 2
    assert "the bundle has no artifact/ folder" in ended.stderr


@pytest.mark.parametrize("port", ["70000", "-1", "http"])
def test_a_port_that_is_none_ends_with_2(port: str) -> None:
    ended = run(f"--port={port}")
    assert ended.returncode == 2
    assert f"'{port}' is no port; allowed: 0 to 65535" in ended.stderr


def test_a_redis_url_that_is_none_ends_with_2(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATELINE_REDIS_URL", "localhost:6379")
    ended = run("--port", "0", "--bundle", str(bundle))
    assert ended.returncode == 2
    assert "the Redis URL is not one" in ended.stderr and "GATELINE_REDIS_URL" in ended.stderr


def test_help_shows_examples() -> None:
    shown = run("--help")
    assert shown.returncode == 0
    assert "examples:" in shown.stdout and "GATELINE_REDIS_URL" in shown.stdout


WITHOUT = """
import sys
from pathlib import Path

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("pandas", "validation", "training", "infra", "report", "load"):
            raise ModuleNotFoundError(f"{name} is not in a release", name=name)

sys.meta_path.insert(0, Refuse())
from service.__main__ import read_release
from service.app import Application, Options
from service.state import load

bundle = Path(sys.argv[1])
release = read_release(bundle)
loaded = load(bundle, release)
Application(release, lambda: loaded, Options(), lambda: None).build()
scores = loaded.predictor.score(loaded.predictor.prepare([loaded.requests.typed_row(loaded.requests.example)]))
print(loaded.predictor.answer(scores)[0]["prediction"])
print({"pandas", "validation", "training", "infra", "report", "load"} & set(sys.modules))
"""


@pytest.mark.slow
def test_the_service_imports_neither_pandas_nor_any_package_that_it_may_not(bundle: Path) -> None:
    """Refused, not only looked for: where pandas is installed, scikit-learn itself would import it."""
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(bundle)], env=environment, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    prediction, imported = ran.stdout.splitlines()
    assert json.loads(prediction) in bundles.CLASSES["binary"]
    assert imported == "set()"


THREADS = """
from service.__main__ import one_thread_a_row
one_thread_a_row()
import numpy, sklearn.ensemble, threadpoolctl
print({pool["num_threads"] for pool in threadpoolctl.threadpool_info()})
"""


@pytest.mark.slow
@pytest.mark.parametrize("given", ["", "2"])
def test_a_row_is_scored_by_one_thread_unless_the_environment_says_otherwise(given: str) -> None:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    environment = kept | {"PYTHONPATH": os.getcwd()} | (dict.fromkeys(names, given) if given else {})
    ran = subprocess.run([sys.executable, "-c", THREADS], env=environment, capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == f"{{{given or 1}}}", ran.stderr


@pytest.mark.parametrize(
    ("environ", "folder", "url"),
    [
        ({}, None, "redis://release"),
        ({"GATELINE_REDIS_URL": "", "GATELINE_LOG_DIR": ""}, None, "redis://release"),
        ({"GATELINE_REDIS_URL": "redis://host", "GATELINE_LOG_DIR": "log"}, Path("log"), "redis://host"),
    ],
)
def test_the_environment_replaces_what_it_sets(
    release: Release, environ: dict[str, str], folder: Path | None, url: str
) -> None:
    named = release.model_copy(update={"service": Service(redis_url="redis://release")})
    options = options_of(named, environ)
    assert (options.log_folder, options.redis_url) == (folder, url)


def test_a_failure_that_nobody_foresaw_is_named_by_its_type(release: Release) -> None:
    error = not_loaded(release, ModuleNotFoundError("No module named 'nothing'"))
    assert error.exit_code == 4
    assert "ModuleNotFoundError: No module named 'nothing'" in error.message
    assert error.next_step == "read the stack trace above"


def test_an_error_of_the_copys_own_code_is_named_by_file_and_line(release: Release) -> None:
    error = not_loaded(release, raised_in_model("\n\nraise KeyError('plan')"))
    assert error.message.endswith("cannot be loaded: KeyError: 'plan' (model/hooks.py, line 3)")
    assert error.next_step == "correct model/hooks.py, then train and build again"


def raised_in_model(code: str) -> Exception:
    """Return the error of a module that is taken for the copy's own hooks."""
    try:
        exec(compile(code, str(Path("model/hooks.py").resolve()), "exec"))
    except Exception as error:
        return error
    raise AssertionError("it raised nothing")
