"""Rule `image_policy`: what is wrong with the image of a release, layer by layer."""

import io
import json
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, cast

from gateline.contracts.digest import of_bytes
from gateline.settings.errors import OutsideError
from infra.host.docker import Docker, ImageNotFound, connect, reaching
from infra.releases.image.listing import Entry, listing
from infra.security.finding import Finding, Scan, ScannerFailed
from infra.security.secrets import secrets_in
from infra.security.subject import Subject

LIBRARIES = "opt/gateline/site/"
"""Wheels that the lock names by hash: they are what was published, and are judged by `vulnerabilities`."""
RELEASE = "opt/gateline/release/"
LARGEST = 2**20
UNSEEN = "image_policy: not read in the image: its libraries, compiled files, and what its base brings"
SETUID, STICKY, WRITABLE = 0o6000, 0o1000, 0o002


def scan(subject: Subject) -> Scan:
    """The user the image runs as, what it could be misused for, and secrets in its layers.

    It is the release's image on this machine's daemon. Nothing of it is run.
    """
    image = subject.image
    if image is None:
        raise ScannerFailed("the release has no image: invoke build")
    try:
        client = connect("")
        with reaching():
            about = client.images.get(image.id).attrs
            base = client.images.get(image.base_id).attrs["RootFS"]["Layers"]
    except OutsideError as error:
        raise ScannerFailed(error.message) from None
    except ImageNotFound:
        raise ScannerFailed(f"{image.tags[0]} or its base is not on this machine's daemon: invoke build") from None
    layers = about["RootFS"]["Layers"]
    if layers[: len(base)] != base or len(layers) == len(base):
        client.close()
        raise ScannerFailed(
            f"{image.tags[0]} does not stand on its base with layers of its own: its secrets cannot be searched"
        )
    entries = listing(client, image.id)
    found = [*configured(about["Config"]), *placed(entries), *other_code(entries, subject)]
    found += _given_away(client, image.id, len(base))
    client.close()
    tools = ("image_policy", "detect-secrets")
    return Scan(len(entries), "files of the image", tools, tuple(found), notes=(UNSEEN,))


def configured(config: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with an image's configuration."""
    user = str(config.get("User") or "").partition(":")[0]
    if not user.isdecimal() or int(user) == 0:
        yield _finding("root", f"runs as {user or 'root'}; it must be a number that is not 0")
    if not config.get("Healthcheck"):
        yield _finding("health", "has no HEALTHCHECK: an engine cannot see that it hangs")


def placed(entries: Iterable[Entry]) -> Iterator[Finding]:
    """Yield the files that give a process more rights, and those that anybody may change."""
    for entry in entries:
        if entry.kind == "file" and entry.mode & SETUID:
            yield _finding("setuid", f"/{entry.path} has the setuid or setgid bit")
        if entry.kind in ("file", "folder") and entry.mode & WRITABLE and not entry.mode & STICKY:
            yield _finding("writable", f"/{entry.path} can be written by everybody")


def other_code(entries: Iterable[Entry], subject: Subject) -> Iterator[Finding]:
    """Yield what the image runs that the release does not carry, and what it carries otherwise: that was judged, not this.

    Compiled files are made in the image: `listing` shows their names, nothing shows what is in them.
    """
    if not subject.bundle:
        return
    carried = dict(subject.bundle) | {f"artifact/{name}": data for name, data in subject.artifact.items()}
    placed_there = [entry for entry in entries if entry.path.startswith(RELEASE) and entry.kind != "folder"]
    here = {entry.path.removeprefix(RELEASE): entry.sha256 for entry in placed_there}
    for name in sorted({*carried, *here}):
        if name not in carried and not name.endswith(".pyc"):
            yield _finding("code", f"/{RELEASE}{name} is no file of the release")
        elif name in carried and here.get(name) != of_bytes(carried[name]):
            yield _finding("code", f"/{RELEASE}{name} is not the file of the release")


def _given_away(client: Docker, image: str, base_layers: int) -> Iterator[Finding]:
    """Yield the secrets in each layer above the base: what a later layer removes is still in the earlier one."""
    with tempfile.TemporaryDirectory(prefix="gateline-layers-") as scratch, tempfile.TemporaryFile() as saved:
        with reaching():
            saved.writelines(client.images.get(image).save())
        saved.seek(0)
        with tarfile.open(fileobj=cast(io.BufferedReader, saved)) as members:
            listed = json.loads(_content(members, "manifest.json"))[0]["Layers"]  # the lowest first
            for number, layer in list(enumerate(listed, start=1))[base_layers:]:
                folder = Path(scratch) / str(number)
                names = _texts(_content(members, layer), folder)
                for name, kind, line in secrets_in(folder, names):
                    told = f"layer {number}: /{name}, line {line}, looks like a secret ({kind}); revoke it"
                    yield _finding("secret", told)


def _content(members: tarfile.TarFile, member: str | tarfile.TarInfo) -> bytes:
    stream = members.extractfile(member)
    return stream.read() if stream else b""


def _texts(layer: bytes, folder: Path) -> list[str]:
    """Write a layer's small text files below `folder`; return their names."""
    names = []
    with tarfile.open(fileobj=io.BytesIO(layer)) as members:
        for member in members:
            path = PurePosixPath(member.name)
            if not member.isfile() or member.size > LARGEST or member.name.startswith(LIBRARIES) or ".." in path.parts:
                continue
            data = _content(members, member)
            if b"\0" not in data:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(data)
                names.append(str(path))
    return names


def _finding(code: str, message: str) -> Finding:
    return Finding("image_policy", code, f"the image {message}" if not message.startswith(("/", "layer")) else message)
