"""Mistakes get a message that names the value and the next step, the right exit code, and change nothing."""

from __future__ import annotations

import re
import resource
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.project import Project


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("deploy", "--env=prodution"), 2, ("prodution", "did you mean 'production'")),
        (("deploy", "--env=production", "--release=nope"), 2, ("no release 'nope'",)),
        (("canary", "--env=production", "--traffic=fake"), 2, ("fake", "real, synthetic")),
        (("canary", "--env=production", "--resume"), 2, ("no canary is held",)),
        (("promote", "--env=production"), 2, ("no canary",)),
        (("rollback", "--env=production"), 2, ("nothing to go back to", "--list")),
        (("rollback", "--env=production", "--to=nope"), 2, ("no earlier release 'nope'",)),
        (("rollback", "--env=staging"), 2, ("nothing runs in staging",)),
        (("smoke", "--env=staging"), 2, ("nothing runs in staging",)),
        (("audit", "--trace=nope"), 2, ("'nope'",)),
        (("build", "--model=nope"), 2, ("'nope'",)),
    ],
)
def test_wrong_words(project: Project, arguments: tuple[str, ...], code: int, words: tuple[str, ...]) -> None:
    done = project.invoke(*arguments)
    assert done.code == code, done.output
    assert "Traceback" not in done.output
    for word in words:
        assert word in done.output, done.output


def test_what_runs_already_is_not_deployed_again(project: Project) -> None:
    for command in ("deploy", "canary"):
        done = project.invoke(command, "--env=production")
        assert done.code == 0 and "already" in done.output, done.output


def test_unreadable_settings_change_nothing(project: Project) -> None:
    path = project.path / "pipeline.toml"
    text = path.read_text()
    try:
        path.write_text(text.replace("min_accuracy = 0.85", "min_accuracy = 90"))
        for done in (
            project.module("training"),
            project.module("validation.model"),
            project.invoke("deploy", "--env=production"),
        ):
            assert done.code == 2 and "min_accuracy" in done.output and "90" in done.output, done.output
        path.write_text(text + "[gates.modle]\n")
        done = project.invoke("status")
        assert done.code == 2 and "modle" in done.output and "'model'" in done.output, done.output
    finally:
        path.write_text(text)


def test_missing_and_empty_data(project: Project) -> None:
    data = project.path / "data" / "train.csv"
    away = data.with_suffix(".away")
    data.rename(away)
    try:
        done = project.module("training")
        assert done.code == 2 and "train.csv" in done.output and "Traceback" not in done.output, done.output
        data.write_text("")
        done = project.module("training")
        assert done.code == 2 and "empty" in done.output, done.output
        done = project.module("validation.data")
        assert done.code == 1 and "Traceback" not in done.output, done.output
    finally:
        away.replace(data)


def test_a_wrong_target_names_the_nearest_column(project: Project) -> None:
    path = project.path / "pipeline.toml"
    text = path.read_text()
    try:
        path.write_text(text.replace('target = "late"', 'target = "lates"'))
        done = project.module("training")
        assert done.code == 2 and "lates" in done.output and "'late'" in done.output, done.output
    finally:
        path.write_text(text)


def test_a_taken_port_is_named(project: Project) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = project.invoke("deploy", "--env=staging", GATELINE_PORT_STAGING=str(port))
    assert done.code == 4 and str(port) in done.output, done.output
    project.invoke("down", "--env=staging")


def test_a_full_disk_leaves_the_registry_as_it_was(project: Project) -> None:
    registry = project.path / ".gateline" / "registry"
    before = sorted(path for path in registry.rglob("*") if path.is_file())
    project.change(model__parameters__max_iter=33)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    argv = [str(project.training_python()), "-m", "training"]
    done = subprocess.run(argv, cwd=project.path, capture_output=True, text=True, preexec_fn=limit)
    said = done.stdout + done.stderr
    assert done.returncode == 4 and "Traceback" not in said, said
    assert sorted(path for path in registry.rglob("*") if path.is_file()) == before
    project.change(model__parameters__max_iter=20)


def test_a_release_that_crashes_on_start_leaves_the_old_one_serving(project: Project) -> None:
    before = project.stable()
    hooks = project.path / "model" / "hooks.py"
    text = hooks.read_text()
    try:
        fault = "\n\nimport sys\nif 'service' in sys.argv[0]:\n    raise RuntimeError('a mistake at import')\n"
        project.break_hooks(fault)  # where training imports it, it is told before anything is fitted
        project.release()
        done = project.invoke("deploy", "--env=production", "--skip-canary")
        assert done.code in (1, 4) and "a mistake at import" in done.output, done.output
    finally:
        hooks.write_text(text)
    assert project.stable() == before
    assert "canary" not in project.status()["slots"]


def test_a_flipped_byte_in_the_model_is_refused(project: Project) -> None:
    model = next((project.path / ".gateline/registry/mistakes/artifacts").glob("*/model.skops"))
    kept = model.read_bytes()
    model.write_bytes(kept[:100] + bytes([kept[100] ^ 1]) + kept[101:])
    try:
        done = project.invoke("build", f"--model={model.parent.name}")
        assert done.code == 1 and "digest" in done.output, done.output
    finally:
        model.write_bytes(kept)


def test_a_pickle_is_not_loaded(project: Project, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    pickle = tmp_path / "model.pkl"
    pickle.write_bytes(b"cos\nsystem\n(S'touch " + str(marker).encode() + b"'\ntR.")
    done = project.module("validation.model", "--model", str(pickle))
    assert done.code == 2 and "nox -s train" in done.output, done.output
    assert not marker.exists()


def test_outside_ci_a_remote_environment_needs_a_word(project: Project) -> None:
    project.change(environments__staging__local=False)
    try:
        done = project.invoke("deploy", "--env=staging")
        assert done.code == 2 and "--from-laptop" in done.output, done.output
    finally:
        project.change(environments__staging__local=True)


def test_a_command_that_waits_says_for_whom(project: Project) -> None:
    code = (
        "import time; from infra.rollout.target import Target\n"
        "with Target.open('production').exclusively('invoke canary', 0):\n"
        "    print('held', flush=True); time.sleep(30)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], cwd=project.path, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        done = project.invoke("rollback", "--env=production", "--wait=0.5")
        assert done.code == 4 and "invoke canary" in done.output and str(holder.pid) in done.output, done.output
    finally:
        holder.kill()
        holder.communicate()


def test_a_lock_with_another_hash_is_refused(project: Project) -> None:
    lock = project.path / "requirements" / "lean.txt"  # that of a release with a fast path
    text = lock.read_text()
    shutil.copyfile(lock, lock.with_suffix(".kept"))
    start = text.index("msgspec==")
    end = text.index("==", start + len("msgspec=="))
    lock.write_text(text[:start] + re.sub(r"sha256:........", "sha256:00000000", text[start:end]) + text[end:])
    try:
        assert project.module("training").code == 0
        done = project.invoke("build")
        assert done.code == 4 and "hash" in done.output.lower(), done.output
    finally:
        lock.with_suffix(".kept").replace(lock)
