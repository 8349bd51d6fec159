"""Bundles: packed the same way every time, unpacked safely, known by their digest."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from gateline.contracts.release import RELEASE_FILE
from gateline.settings.errors import GateRefused
from infra.host import bundle
from tests.infra import bundles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bundles.make(tmp_path / "made")
    return tmp_path / "made"


def archive_of(add: Callable[[tarfile.TarFile], None]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        add(archive)
    return packed.getvalue()


def plain(name: str, data: bytes = b"x") -> bytes:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    return archive_of(lambda archive: archive.addfile(member, io.BytesIO(data)))


def special(name: str, kind: bytes, target: str = "") -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return archive_of(lambda archive: archive.addfile(member))


def test_what_is_unpacked_is_what_was_packed(folder: Path, tmp_path: Path) -> None:
    bundle.unpack(bundle.pack(folder), tmp_path / "there")
    release = bundle.read_release(tmp_path / "there")
    bundle.verify(tmp_path / "there", release)
    assert bundle.digest_of(tmp_path / "there") == release.digest == bundle.digest_of(folder)
    assert (tmp_path / "there/service/__main__.py").read_text() == bundles.SOURCE.read_text()


def test_an_archive_depends_on_names_and_contents_alone(folder: Path) -> None:
    before = bundle.pack(folder)
    path = folder / "service.txt"
    os.utime(path, (1, 1))
    path.chmod(0o600)
    (folder / "service/__pycache__").mkdir()
    (folder / "service/__pycache__/x.pyc").write_bytes(b"x")
    assert bundle.pack(folder) == before
    path.write_text("changed")
    assert bundle.pack(folder) != before


@pytest.mark.parametrize("field", ["digest", "created", "commit"])
def test_the_digest_leaves_out_what_stands_next_to_it(folder: Path, field: str) -> None:
    before = bundle.digest_of(folder)
    record = json.loads((folder / RELEASE_FILE).read_text())
    (folder / RELEASE_FILE).write_text(json.dumps(record | {field: "2027"}, indent=7))
    assert bundle.digest_of(folder) == before


@pytest.mark.parametrize("change", ["file", "added", "removed", "version"])
def test_the_digest_covers_every_file_and_the_record(folder: Path, change: str) -> None:
    release = bundle.read_release(folder)
    record = json.loads((folder / RELEASE_FILE).read_text())
    if change == "file":
        (folder / "service/__main__.py").write_text("print('changed')")
    elif change == "added":
        (folder / "service/more.py").write_text("")
    elif change == "removed":
        (folder / "service/knobs.json").unlink()
    else:
        (folder / RELEASE_FILE).write_text(json.dumps(record | {"version": "2"}))
    with pytest.raises(GateRefused, match=rf"^digest: the files of 1\+{release.digest[:8]} have digest"):
        bundle.verify(folder, release)


def test_bytecode_that_a_digest_does_not_cover_is_refused(folder: Path) -> None:
    release = bundle.read_release(folder)
    (folder / "service/__pycache__").mkdir()
    with pytest.raises(GateRefused, match="digest: .*__pycache__ is no part of"):
        bundle.verify(folder, release)


@pytest.mark.parametrize("name", ["json", "service/deeper"])
def test_a_link_to_a_folder_which_no_digest_covers_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    release = bundle.read_release(folder)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "__init__.py").write_text("")
    (folder / name).symlink_to(tmp_path / "theirs")
    with pytest.raises(GateRefused, match=f"digest: .*{name} is no part of"):
        bundle.verify(folder, release)


HOSTILE = {
    "parent": (plain("../outside"), "leads out of the bundle"),
    "parent below": (plain("service/../../outside"), "leads out of the bundle"),
    "absolute": (plain("/tmp/outside"), "leads out of the bundle"),
    "backslash": (plain("service\\..\\outside"), "leads out of the bundle"),
    "symbolic link": (special("link", tarfile.SYMTYPE, "/etc/passwd"), "is no plain file"),
    "hard link": (special("link", tarfile.LNKTYPE, "../../outside"), "is no plain file"),
    "device": (special("device", tarfile.CHRTYPE), "is no plain file"),
    "pipe": (special("pipe", tarfile.FIFOTYPE), "is no plain file"),
    "folder": (special("folder", tarfile.DIRTYPE), "is no plain file"),
    "cache": (plain("service/__pycache__/app.pyc"), "is a cache"),
}


@pytest.mark.parametrize(("archive", "why"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_archive_leaves_nothing_behind(tmp_path: Path, archive: bytes, why: str) -> None:
    target = tmp_path / "releases" / "there"
    with pytest.raises(GateRefused, match=f"digest: archive member .* {why}"):
        bundle.unpack(archive, target)
    assert not target.parent.exists() and not (tmp_path / "outside").exists()


def test_one_name_twice_is_refused(tmp_path: Path) -> None:
    def twice(archive: tarfile.TarFile) -> None:
        archive.addfile(tarfile.TarInfo("a"))
        archive.addfile(tarfile.TarInfo("a"))

    archive = archive_of(twice)
    with pytest.raises(GateRefused, match="digest: archive member 'a' is there twice"):
        bundle.unpack(archive, tmp_path / "there")


def test_an_archive_that_fills_the_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "LARGEST", 1000)
    bundle.unpack(plain("small", b"x" * 1000), tmp_path / "small")
    with pytest.raises(GateRefused, match="larger than 1000 bytes"):
        bundle.unpack(plain("large", b"x" * 1001), tmp_path / "large")


SWELLS = 2**26
"""Bytes that the headers below claim, and that a few kB of the archive unpack to."""


def raw(*blocks: bytes) -> bytes:
    return gzip.compress(b"".join(blocks), 1)


def header(kind: bytes, size: int = SWELLS, name: str = "x") -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


def extended(**values: str) -> bytes:
    """Return a PAX header of these records; `_` stands for a dot."""
    records = (f" {keyword.replace('_', '.')}={value}\n" for keyword, value in values.items())
    text = "".join(f"{len(record) + 2}{record}" for record in records)
    return header(tarfile.XHDTYPE, len(text)) + text.encode().ljust(512, b"\0")


def goes_on(block: bytes) -> bytes:
    """Return the header of a sparse file, saying that its map goes on in the next block."""
    block = block[:148] + b" " * 8 + block[156:482] + b"\1" + block[483:]
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


MAP = b"1\n" * SWELLS
BOMBS = {
    "extended header": raw(header(tarfile.XHDTYPE), bytes(SWELLS)),
    "global header": raw(header(tarfile.XGLTYPE), bytes(SWELLS)),
    "Solaris' header": raw(header(tarfile.SOLARIS_XHDTYPE), bytes(SWELLS)),
    "long name": raw(header(tarfile.GNUTYPE_LONGNAME), b"n" * SWELLS),
    "long link": raw(header(tarfile.GNUTYPE_LONGLINK), b"n" * SWELLS),
    "old map of a sparse file": raw(
        goes_on(header(tarfile.GNUTYPE_SPARSE, 0)), (b"0" * 504 + b"\1" + bytes(7)) * (SWELLS // 512)
    ),
    "map of a sparse file": raw(
        extended(GNU_sparse_major="1", GNU_sparse_minor="0"), header(tarfile.REGTYPE, len(MAP)), b"99999999\n", MAP
    ),
    "headers about headers": raw(*[extended(comment="x")] * 5_000, header(tarfile.REGTYPE, 0)),
    "a size below nothing": raw(extended(size="-512"), header(tarfile.REGTYPE, 0), bytes(1024)),
    "a file below nothing": raw(header(tarfile.REGTYPE, -512), bytes(1024)),
    "a header below nothing": raw(header(tarfile.XHDTYPE, -1024), bytes(SWELLS)),
    "a name that is no text": raw(header(tarfile.REGTYPE, 0, "\udcff"), bytes(1024)),
    "a name that is too long": plain("n" * 256),
    "the folder itself": plain("./"),
}


@pytest.mark.parametrize("archive", BOMBS.values(), ids=BOMBS.keys())
@pytest.mark.parametrize("digest", ["", "0" * 64])
def test_a_header_that_swells_or_lies_is_refused_before_anything_is_written(
    tmp_path: Path, archive: bytes, digest: str
) -> None:
    tracemalloc.start()
    with pytest.raises(GateRefused, match="^digest: ") as caught:
        bundle.checked(archive, digest) if digest else bundle.unpack(archive, tmp_path / "releases/there")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23, f"{caught.value} took {peak} bytes"
    assert not (tmp_path / "releases").exists()


def test_more_files_than_a_release_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    archive = bundle.pack(folder)
    monkeypatch.setattr(bundle, "MOST", 3)
    with pytest.raises(GateRefused, match="holds more than 3 files"):
        bundle.unpack(archive, tmp_path / "there")


def test_a_model_of_many_names_and_zeros_is_no_bomb(folder: Path, tmp_path: Path) -> None:
    (folder / "model" / ("deep" * 30)).mkdir(parents=True)
    (folder / "model" / ("deep" * 30) / f"{'größe' * 20}.bin").write_bytes(bytes(2**22))
    bundle.unpack(bundle.pack(folder), tmp_path / "there")
    assert bundle.digest_of(tmp_path / "there") == bundle.digest_of(folder)


@pytest.mark.parametrize("change", ["", "file", "version", "python"])
def test_of_a_record_what_the_digest_covers_is_read_from_the_archive_itself(folder: Path, change: str) -> None:
    release = bundle.read_release(folder)
    record = json.loads((folder / RELEASE_FILE).read_text())
    record |= {"digest": "f" * 64} | ({change: "9.9"} if change in record else {})
    (folder / RELEASE_FILE).write_text(json.dumps(record))
    if change == "file":
        (folder / "service.txt").write_text("other")
    if not change:
        assert bundle.checked(bundle.pack(folder), release.digest) == release
        return
    with pytest.raises(GateRefused, match=rf"^digest: the archive of release {release.digest[:12]} holds "):
        bundle.checked(bundle.pack(folder), release.digest)


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"no archive", lambda data: b""])
def test_a_damaged_archive_is_named(folder: Path, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(GateRefused, match="digest: the release archive is damaged"):
        bundle.unpack(damage(bundle.pack(folder)), tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_an_archive_of_other_bytes_is_damaged(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(GateRefused, match="digest: the release archive is damaged"):
        bundle.unpack(gzip.compress(b"no tar" * 200), tmp_path / "there")


@pytest.mark.parametrize(
    ("content", "why"), [(None, "is missing"), ("{}", "is unreadable"), ("no JSON", "is unreadable")]
)
def test_a_folder_without_a_record_is_no_bundle(folder: Path, content: str | None, why: str) -> None:
    (folder / RELEASE_FILE).unlink()
    if content is not None:
        (folder / RELEASE_FILE).write_text(content)
    with pytest.raises(GateRefused, match=f"^digest: .*release.json {why}"):
        bundle.read_release(folder)
