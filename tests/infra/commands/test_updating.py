"""A copy is updated, or it is said what is in the way: by a real git, and by copier where something is merged."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gateline.settings.errors import GateRefused, UsageError
from infra import commands
from infra.commands.answers import FILE, note
from infra.commands.updating import OWN, Origin
from infra.host.python_env import python_for

ROOT = Path(__file__).parents[3]
LOCK = "requirements/template.txt"
ANSWERS = "{{_copier_conf.answers_file}}.jinja"
FIRST = {
    "noxfile.py": "one\ntwo\nthree\nfour\nfive\nsix\nseven\n",
    "model/features.py": "the template's\n",
    "model/metrics.py": "metrics\n",
    "data/train.csv": "a\n1\n",
    "pipeline.toml": "[project]\n",
    "infra/old.py": "old\n",
    ".gitignore": ".gateline\n*.rej\n",
}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, encoding="utf-8", check=True)
    return done.stdout.strip()


def commit(folder: Path, message: str) -> str:
    """Commit everything; return the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Git knows a name, and nothing of this machine's settings."""
    for variable in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(variable, os.devnull)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "somebody@example.org")


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A small template with this one's questions and rules of copying."""
    folder = tmp_path / "a template"
    for name, text in FIRST.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for name in ("copier.yml", ANSWERS, LOCK):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "The template")
    return folder


@pytest.fixture
def copy(tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What copying leaves, committed: the answers, and the files without the questions. Commands run in it."""
    folder = tmp_path / "a copy"
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns(".git", "copier.yml", ANSWERS))
    said = {"_commit": git(template, "rev-parse", "--short", "HEAD"), "_src_path": str(template)}
    said |= {"name": "a copy", "task": "classification", "data": "flights", "target": "late"}
    (folder / FILE).write_text(yaml.safe_dump(said), encoding="utf-8")
    (folder / "README.md").write_text("mine\n", encoding="utf-8")
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "Mine")
    (folder / ".gateline").mkdir()
    (folder / ".gateline/envs").symlink_to(ROOT / ".gateline/envs")
    monkeypatch.chdir(folder)
    return folder


def refused(what: type[Exception], **given: str) -> str:
    with pytest.raises(what) as error:
        commands.update(**given)
    return str(error.value)


def test_what_is_not_committed_is_named(copy: Path) -> None:
    (copy / "noxfile.py").write_text("changed", encoding="utf-8")
    (copy / "größe neu.py").touch()
    assert refused(UsageError).startswith("not committed: noxfile.py, größe neu.py\n  next: commit this")


def test_a_template_that_moved_is_named_and_its_new_place_is_kept(
    copy: Path, template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = template.rename(template.with_name("moved"))
    said = refused(GateRefused)
    assert f"the template is not at {template}, where this copy comes from" in said
    assert "next: invoke update --template=WHERE" in said
    assert git(copy, "status", "--porcelain") == ""
    assert commands.update(template="../moved") == 0
    assert "up to date" in capsys.readouterr().out
    assert f"_src_path: {there}\n" in (copy / FILE).read_text(encoding="utf-8")
    assert git(copy, "status", "--porcelain") == "" and commands.update() == 0


def test_a_template_that_moved_to_where_none_is_changes_nothing(copy: Path, tmp_path: Path) -> None:
    before = git(copy, "rev-parse", "HEAD")
    assert "the template is not at" in refused(GateRefused, template=str(tmp_path / "nowhere"))
    assert git(copy, "rev-parse", "HEAD") == before and git(copy, "status", "--porcelain") == ""


def test_a_template_named_from_another_folder_is_asked_for(copy: Path) -> None:
    (copy / FILE).write_text((copy / FILE).read_text(encoding="utf-8").replace("_src_path: ", "_src_path: .#"), "utf-8")
    commit(copy, "as a plain copier copy leaves it")
    assert "relative to another one" in refused(GateRefused)


def test_a_copy_of_what_was_never_committed_is_told_the_nearest_commit(copy: Path, template: Path) -> None:
    nearest = git(template, "rev-parse", "--short=7", "HEAD")
    (copy / "infra/old.py").write_text("tried something\n", encoding="utf-8")
    (copy / "model/metrics.py").write_text("mine\n", encoding="utf-8")
    git(copy, "add", "--all")
    git(copy, "commit", "--quiet", "--amend", "-m", "Mine")
    note(copy, _commit="1234abc")
    commit(copy, "made from an edited clone")
    said = refused(GateRefused)
    assert f"this copy is at 1234abc, which the template at {template} does not have" in said
    assert f"Files that were not as in {nearest} from the first: infra/old.py\n" in said
    assert f"invoke update --since=COMMIT; the last one before this copy was made is {nearest}" in said
    assert commands.update(since=nearest) == 0
    assert commands.update() == 0, "it is noted and committed"


@pytest.mark.parametrize(
    "command", [["invoke", "update"], ["infra.within", "template", "copier", "update", "--defaults"]]
)
def test_both_ways_to_ask_end_with_1_and_no_traceback(copy: Path, template: Path, command: list[str]) -> None:
    template.rename(template.with_name("moved"))
    shutil.copyfile(ROOT / "tasks.py", copy / "tasks.py")
    commit(copy, "The menu")
    argv = [sys.executable, "-m", *command]
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, env=variables, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("error: the template is not at ") and "Traceback" not in done.stderr


def test_an_unknown_version_is_refused(copy: Path) -> None:
    assert "has no 'v9'" in refused(UsageError, to="v9")


def test_the_template_itself_and_a_folder_of_nobodys_are_refused(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(template)
    assert "this is the template itself" in refused(UsageError)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert f"{FILE} is missing" in refused(UsageError)


def test_a_copy_that_git_refuses_is_said_to_be_one(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert refused(UsageError).startswith("git cannot say what is committed here")


def test_a_template_of_another_account_is_said_to_be_one(copy: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(template.with_name("config")))
    subprocess.run(["git", "config", "--global", "--add", "safe.directory", str(copy)], check=True)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    said = refused(GateRefused)
    assert f"git refuses the template at {template}" in said and "next: git config --global --add safe.directory" in said


def test_a_copy_without_a_repository_is_refused(copy: Path) -> None:
    shutil.rmtree(copy / ".git")
    assert "in no git repository" in refused(UsageError)


@pytest.mark.parametrize(
    ("source", "address", "is_here"),
    [
        ("gh:owner/name", "https://github.com/owner/name", False),
        ("https://example.org/x.git", "https://example.org/x.git", False),
        ("git@example.org:x/y.git", "git@example.org:x/y.git", False),
        ("ssh://git@example.org/x", "ssh://git@example.org/x", False),
        ("/srv/template", "/srv/template", True),
    ],
)
def test_addresses_as_git_takes_them(source: str, address: str, is_here: bool) -> None:
    origin = Origin(source, "abc")
    assert (origin.address, origin.is_here) == (address, is_here)


def own(copy: Path) -> dict[str, str]:
    files = [path for name in OWN for path in ([copy / name] if (copy / name).is_file() else (copy / name).rglob("*"))]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("rules", ["as they are", "of an older template"])
def test_changes_are_merged_and_what_is_own_is_never_touched(
    copy: Path, template: Path, rules: str, capsys: pytest.CaptureFixture[str]
) -> None:
    python_for(ROOT / LOCK, ROOT)
    (copy / "model/metrics.py").unlink()
    (copy / "noxfile.py").write_text(FIRST["noxfile.py"] + "mine\n", encoding="utf-8")
    (copy / "model/features.py").write_text("mine\n", encoding="utf-8")
    (copy / "model/more").mkdir()
    (copy / "model/more/deep.py").write_text("mine\n", encoding="utf-8")
    (copy / "pipeline.toml").write_text("[project]\nname = 'mine'\n", encoding="utf-8")
    commit(copy, "Mine")
    before = own(copy)
    if rules == "of an older template":
        text = (template / "copier.yml").read_text(encoding="utf-8")
        (template / "copier.yml").write_text(text.replace("_copier_operation == 'update'", "false"), encoding="utf-8")
    for name, text in {
        "noxfile.py": "ONE\n" + FIRST["noxfile.py"].partition("\n")[2], "model/features.py": "the template's, later\n",
        "model/later.py": "x\n", "model/more/later.py": "x\n", "data/later.csv": "x\n", "pipeline.toml": "[later]\n",
        "README.md": "the template's\n", "infra/new.py": "new\n",
    }.items():  # fmt: skip
        (template / name).parent.mkdir(parents=True, exist_ok=True)
        (template / name).write_text(text, encoding="utf-8")
    (template / "infra/old.py").unlink()
    commit(template, "Later")
    assert commands.update() == 0
    assert own(copy) == before
    assert (copy / "noxfile.py").read_text(encoding="utf-8") == "ONE\n" + FIRST["noxfile.py"].partition("\n")[2] + "mine\n"
    assert (copy / "infra/new.py").exists() and not (copy / "infra/old.py").exists()
    said = capsys.readouterr().out
    assert "1 commit later" in said and "next: git diff, nox -s lock" in said
    commit(copy, "Updated")
    assert commands.update() == 0 and "up to date" in capsys.readouterr().out


@pytest.mark.slow
def test_a_conflict_ends_with_the_files_and_the_rest_merged(copy: Path, template: Path) -> None:
    python_for(ROOT / LOCK, ROOT)
    (copy / "noxfile.py").write_text(FIRST["noxfile.py"].replace("four", "mine"), encoding="utf-8")
    commit(copy, "Mine")
    (template / "noxfile.py").write_text(FIRST["noxfile.py"].replace("four", "theirs"), encoding="utf-8")
    (template / "infra/new.py").write_text("new\n", encoding="utf-8")
    commit(template, "Later")
    said = refused(GateRefused)
    assert "conflict with this copy's own changes: noxfile.py\n" in said and "git reset --hard" in said
    text = (copy / "noxfile.py").read_text(encoding="utf-8")
    assert "<<<<<<<" in text and "mine" in text and "theirs" in text and (copy / "infra/new.py").exists()


@pytest.mark.slow
def test_what_is_uncommitted_in_the_template_is_not_taken(copy: Path, template: Path) -> None:
    python_for(ROOT / LOCK, ROOT)
    (template / "infra/new.py").write_text("new\n", encoding="utf-8")
    later = commit(template, "Later")
    (template / "infra/new.py").write_text("tried something\n", encoding="utf-8")
    (template / "note.txt").write_text("mine\n", encoding="utf-8")
    assert commands.update() == 0
    assert (copy / "infra/new.py").read_text(encoding="utf-8") == "new\n" and not (copy / "note.txt").exists()
    noted = (copy / FILE).read_text(encoding="utf-8")
    assert git(template, "rev-parse", "--short", later) in noted


@pytest.mark.slow
def test_what_cannot_be_merged_is_named(copy: Path, template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Renamed or deleted here, removed there, no text: copier decides for one side, and says nothing."""
    python_for(ROOT / LOCK, ROOT)
    git(copy, "mv", "noxfile.py", "sessions.py")
    (copy / "infra/old.py").write_text("mine\n", encoding="utf-8")
    (copy / "infra/picture.png").write_bytes(b"\0mine")
    commit(copy, "Mine")
    (template / "noxfile.py").write_text("later\n", encoding="utf-8")
    (template / "infra/picture.png").write_bytes(b"\0theirs")
    (template / "infra/old.py").unlink()
    commit(template, "Later")
    said = refused(GateRefused)
    assert "removed or replaced the whole file: infra/old.py, infra/picture.png\n" in said
    assert "next: git restore --source=HEAD -- infra/old.py infra/picture.png brings yours back" in said
    assert "not updated, since this copy deleted or renamed them: noxfile.py\n" in capsys.readouterr().out
    git(copy, "restore", "--source=HEAD", "--", "infra/old.py", "infra/picture.png")
    assert (copy / "infra/old.py").read_text(encoding="utf-8") == "mine\n"
