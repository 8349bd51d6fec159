"""A package whose libraries are missing: where it goes on, and when it says that it cannot."""

from __future__ import annotations

import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from gateline.settings import front_door as door
from gateline.settings.errors import UsageError
from gateline.settings.front_door import front_door


def missing() -> int:
    """Need a library that nobody has."""
    raise ModuleNotFoundError("No module named 'no_such_library'", name="no_such_library")


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run instead."""
    found: list[list[str]] = []

    def call(argv: list[str]) -> int:
        found.append(argv)
        return 3

    monkeypatch.setattr(subprocess, "call", call)
    monkeypatch.setattr(sys, "argv", ["data.py", "--data-path", "a b.csv"])
    monkeypatch.setattr(sys, "prefix", "/home/somebody/.venv")
    return found


@pytest.mark.parametrize(
    ("module", "group"),
    [("validation.data", "train"), ("training.__main__", "train"), ("load.__main__", "load")],
)
def test_it_goes_on_in_the_environment_of_its_lock(
    called: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    module: str,
    group: str,
) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", ModuleSpec(module, None))
    assert front_door(missing) == 3
    name = module.removesuffix(".__main__")
    assert called == [[sys.executable, "-m", "infra.host.within", group, name, "--data-path", "a b.csv"]]
    assert f"going on in the environment of requirements/{group}.txt" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("module", "prefix"), [("somebody.else", "/home/.venv"), ("validation.data", "/p/.gateline/envs/0123")]
)
def test_what_no_other_environment_has_is_named(
    called: list[list[str]], monkeypatch: pytest.MonkeyPatch, module: str, prefix: str
) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", ModuleSpec(module, None))
    monkeypatch.setattr(sys, "prefix", prefix)
    with pytest.raises(UsageError, match="the library no_such_library is not installed") as caught:
        door.go_on("no_such_library")
    assert "nox -s lock" in caught.value.next_step and front_door(missing) == 2 and not called


def test_an_environment_that_cannot_make_another_says_what_is_missing(
    called: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", ModuleSpec("validation.data", None))
    monkeypatch.setattr(door, "MAKES_ENVIRONMENTS", ("no_such_library_either",))
    assert front_door(missing) == 2 and not called


def test_within_runs_a_module_in_the_environment_of_a_lock(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    argv = [sys.executable, "-m", "infra.host.within", "proxy", "platform", "--terse"]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout, done.stderr
    unknown = subprocess.run([*argv[:3], "no-such-group", "platform"], cwd=root, capture_output=True, text=True)
    assert unknown.returncode == 2 and "there is no such lock" in unknown.stderr
