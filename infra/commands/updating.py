"""`invoke update`: bring a copy up to the template as it is now, by copier; what is in the way is said with its files."""

import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from gateline.contracts.git import ask
from gateline.contracts.programs import run
from gateline.report.words import plural
from gateline.settings import passing
from gateline.settings.errors import GateRefused, OutsideError, UsageError
from gateline.settings.secrets import redacted
from gateline.settings.shown import tell
from infra.commands.answers import FILE, note
from infra.host.python_env import python_for

GIVE_UP = "to give the update up: git reset --hard && git clean -fd"
QUESTIONS = Path("copier.yml")
LOCK = Path("requirements/template.txt")
OWN = ("model", "data", "pipeline.toml", "README.md", "CHANGELOG.md")
"""What belongs to the copy alone: an update changes, adds and brings back nothing there."""
SHORT = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
"""Copier's short forms of addresses."""
ELSEWHERE = re.compile(r"^(\w[\w+.-]*://|[\w.-]+@[\w.-]+:)")
MOVED = "invoke update --template=WHERE, the address or folder where it is now"


@dataclass(frozen=True)
class Origin:
    """Where a copy's template is, and the commit of it that the copy is at."""

    source: str
    commit: str

    @property
    def address(self) -> str:
        """The source as git takes it."""
        if self.is_here:
            return str(Path(self.source).expanduser())
        return SHORT.get(self.source[:3], self.source[:3]) + self.source[3:]

    @property
    def is_here(self) -> bool:
        """Whether it is a folder of this machine."""
        return self.source[:3] not in SHORT and not ELSEWHERE.match(self.source)


def update(to: str = "", template: str = "", since: str = "") -> int:
    """Merge what changed in the template since this copy was made, or updated last; `model/` and data stay as they are.

    Raises UsageError where there is nothing to update or something is not committed, and GateRefused where the template is
    not there, does not have the copy's commit, or conflicts with the copy's own changes.
    """
    root = Path(".")
    kept = _origin(root)
    _refuse_uncommitted(root)
    origin = Origin(_from_here(template) or kept.source, since or kept.commit)
    with _cloned(origin) as clone:
        old, new = _known(clone, origin, root), _commit(clone, to or "HEAD")
        if not new:
            where = redacted(origin.source)
            raise UsageError(f"the template at {where} has no '{to}'", "name a branch, tag or commit of it")
        changes = int(ask(clone, "rev-list", "--count", f"{old}..{new}") or 0)
        both = _changed_by_both(root, clone, old, new)
    if origin != kept:
        _note(root, origin)
    if old == new:
        tell(f"this copy is up to date: the template is at {new[:7]}")
        return 0
    tell(f"updating from {old[:7]} to {new[:7]} of the template, {plural(changes, 'commit')} later")
    _run_copier(root, new)
    _give_back_what_is_own(root)
    return _told(root, both)


def _from_here(template: str) -> str:
    """A folder on the command line is named from where the command is given; what is kept must mean the same everywhere."""
    given = Origin(template, "")
    return str(Path(given.address).resolve()) if template and given.is_here else template


def _origin(root: Path) -> Origin:
    if QUESTIONS.exists():
        raise UsageError("this is the template itself: it is its copies that are updated", "run it in a copy")
    try:
        answers = yaml.safe_load((root / FILE).read_text(encoding="utf-8"))
        return Origin(str(answers["_src_path"]), str(answers["_commit"]))
    except FileNotFoundError:
        raise UsageError(f"{FILE} is missing: this is no copy of the template", "make one: invoke new FOLDER") from None
    except (yaml.YAMLError, KeyError, TypeError):
        raise UsageError(
            f"{FILE} does not say where the template is and which commit of it this copy was made from",
            f"bring it back: git log -- {FILE}",
        ) from None


def _refuse_uncommitted(root: Path) -> None:
    listed = _status(root)
    if listed is None and (root / ".git").exists():
        raise UsageError("git cannot say what is committed here", "git status says why")
    if listed is None:
        raise UsageError(
            "this copy is in no git repository: what an update changes could not be told", "git init, then commit it"
        )
    if listed:
        raise UsageError(
            f"not committed: {_some([*listed])}", "commit this, so that the update stands apart, then invoke update"
        )


def _status(root: Path, *flags: str) -> dict[str, str] | None:
    """Return git's two letters for each file that is not as it was committed; None where git cannot tell."""
    listed = ask(root, "status", "--porcelain", "-z", "--no-renames", *flags)
    return None if listed is None else {line[3:]: line[:2] for line in listed.split("\0") if line}


@contextmanager
def _cloned(origin: Origin) -> Iterator[Path]:
    """The template's history in a folder of its own, at any address. Raises GateRefused where it is not there."""
    where = redacted(origin.source)
    if origin.is_here and not Path(origin.address).is_absolute():
        raise GateRefused(f"the template is at '{where}', a folder that is named relative to another one", MOVED)
    with tempfile.TemporaryDirectory(prefix="gateline-template-") as scratch:
        argv = ["git", "clone", "--quiet", "--bare", origin.address, f"{scratch}/template"]
        done = run(argv, passing.without_keys())
        if done.code:
            lines = [redacted(line.strip()) for line in done.said()]
            cure = next((line for line in lines if line.startswith("git config")), "")
            if cure:
                raise GateRefused(f"git refuses the template at {where}: {lines[0]}", cure)
            raise GateRefused(f"the template is not at {where}, where this copy comes from: {lines[0]}", MOVED)
        yield Path(scratch, "template")


def _commit(clone: Path, name: str) -> str:
    return ask(clone, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") or ""


def _known(clone: Path, origin: Origin, root: Path) -> str:
    """Return the commit that the copy is at. Raises GateRefused where the template does not have it."""
    found = _commit(clone, origin.commit)
    if found:
        return found
    made, date = (ask(root, "log", "-1", "--diff-filter=A", "--format=%H %cI", "--", str(FILE)) or " ").split(" ")
    near = ask(clone, "rev-list", "-1", f"--before={date}", "HEAD") if date else ""
    guess, others = "", ""
    if near:
        guess = f"; the last one before this copy was made is {near[:7]}"
        differ = _some(_otherwise(root, made, clone, near)) or "none"
        others = f". Files that were not as in {near[:7]} from the first: {differ}"
    raise GateRefused(
        f"this copy is at {origin.commit}, which the template at {redacted(origin.source)} does not have: "
        f"it was made from changes that were never committed there, or that history was rewritten{others}",
        f"name the template's commit that it is nearest to: invoke update --since=COMMIT{guess}",
    )


def _otherwise(root: Path, made: str, clone: Path, near: str) -> list[str]:
    """Return the files that a copy's first commit and a commit of the template both have, and that differ."""
    ours, theirs = (_blobs(folder, commit) for folder, commit in ((root, made), (clone, near)))
    return sorted(name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name] and not _is_own(name))


def _blobs(folder: Path, commit: str) -> dict[str, str]:
    """Return the digest of each file of a commit, by its path below `folder`."""
    listed = (ask(folder, "ls-tree", "-r", "-z", commit) or "").split("\0")
    return {name: about.split(" ")[2] for about, _, name in (entry.partition("\t") for entry in listed) if name}


def _changed_by_both(root: Path, clone: Path, old: str, new: str) -> dict[str, str | None]:
    """Return the files that this copy and the template have both changed, by what they are in the template: None if removed.

    One that this copy deleted or renamed counts as changed.
    """
    ours, before, after = _blobs(root, "HEAD"), _blobs(clone, old), _blobs(clone, new)
    listed = ask(root, "log", "--diff-filter=D", "--no-renames", "--relative", "--format=", "--name-only", "-z") or ""
    here = ours.keys() | set(listed.split("\0"))
    theirs = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name) and not _is_own(name)]
    return {
        name: after.get(name)
        for name in sorted(theirs)
        if name in here and ours.get(name) not in (before.get(name), after.get(name))
    }


def _is_own(name: str) -> bool:
    return name.split("/")[0] in OWN


def _note(root: Path, origin: Origin) -> None:
    """Write what was named into the answers and commit it: copier reads them, and takes no uncommitted file."""
    note(root, _src_path=origin.address if origin.is_here else origin.source, _commit=origin.commit)
    if ask(root, "diff", "--quiet", "--", str(FILE)) is not None:
        return
    if ask(root, "commit", "--quiet", "-m", "Name where the template is", "--", str(FILE)) is None:
        raise OutsideError(f"git cannot commit {FILE}", f"git commit {FILE} says why; once it is in, invoke update")


def _run_copier(root: Path, new: str) -> None:
    argv = [str(python_for(LOCK, root)), "-m", "copier", "update", "--defaults", "--quiet", f"--vcs-ref={new}"]
    done = run(argv, passing.without_keys(), folder=root)
    if done.code:
        raise GateRefused(
            f"copier could not update this copy: {redacted(done.said()[-1].strip())}",
            "git reset --hard && git clean -fd takes back what it changed; by hand: " + shlex.join(["python", *argv[1:]]),
        )


def _give_back_what_is_own(root: Path) -> None:
    """An older template's list of what is never touched may be shorter. All was committed, so it comes back."""
    there = [name for name in OWN if ask(root, "status", "--porcelain", "--", name)]
    known = [name for name in there if ask(root, "ls-tree", "--name-only", "HEAD", "--", name)]
    if known:
        ask(root, "restore", "--source=HEAD", "--staged", "--worktree", "--", *known)
    if there:
        ask(root, "clean", "-d", "--force", "--quiet", "--", *there)


def _told(root: Path, both: Mapping[str, str | None]) -> int:
    """Say what was changed. Raises GateRefused for conflicts, with the files."""
    status = _status(root, "--ignored") or {}
    conflicts = sorted(name for name, letters in status.items() if "U" in letters or letters == "AA" or name.endswith(".rej"))
    changed = [name for name, letters in status.items() if letters != "!!"]
    left = [name for name, blob in both.items() if blob and not (root / name).exists()]
    if left:
        tell(f"not updated, since this copy deleted or renamed them: {_some(left)}")
    lost = [name for name, blob in both.items() if name not in left and _is_lost(root / name, blob)]
    if lost:
        raise GateRefused(
            f"without this copy's own changes now, since the template removed or replaced the whole file: {_some(lost)}"
            + (f"; other conflicts: {_some(conflicts)}" if conflicts else ""),
            f"git restore --source=HEAD -- {shlex.join(lost)} brings yours back; {GIVE_UP}",
        )
    if conflicts:
        raise GateRefused(
            f"{len(conflicts)} of {plural(len(changed), 'changed file')} conflict with this copy's own changes: "
            f"{_some(conflicts)}",
            "edit what stands between <<<<<<< and >>>>>>> in them, git add them, then nox -s lock; "
            f"{GIVE_UP}",
        )
    tell(f"updated: {plural(len(changed), 'file')} changed; {', '.join(OWN[:3])} are as they were")
    tell("next: git diff, nox -s lock, nox -s lint typecheck test, then commit")
    return 0


def _is_lost(path: Path, theirs: str | None) -> bool:
    """Say whether a file that both have changed is the template's alone: lines are merged, all else is replaced."""
    if theirs is None:
        return not path.exists()
    return b"\0" in path.read_bytes() and ask(path.parent, "hash-object", "--", path.name) == theirs


def _some(files: list[str], most: int = 10) -> str:
    more = f" and {len(files) - most} more" if len(files) > most else ""
    return ", ".join(files[:most]) + more
