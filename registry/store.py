"""Named objects below one fsspec URL: read, write whole, create exclusively."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from settings import Settings
from settings.errors import OutsideError


class Store:
    """The objects of one project. Names are posix paths below `<url>/<project>/`.

    Every write is whole or not at all. Raises OutsideError where the place behind the URL cannot be reached.
    """

    def __init__(self, url: str, project: str) -> None:
        """Open the place behind `url`; nothing is created until the first write."""
        self.url = url
        try:
            self._fs, root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise OutsideError(f"registry {url}: {error}", "set registry.url to a folder or an fsspec URL") from None
        self._root = f"{root.rstrip('/')}/{project}"
        self._local = isinstance(self._fs, LocalFileSystem)

    @classmethod
    def of(cls, settings: Settings) -> Store:
        """Open the registry that the settings name."""
        return cls(settings.registry.url, settings.project.name)

    def read(self, name: str) -> bytes:
        """Return an object's bytes. Raises FileNotFoundError."""
        data = self._fs.cat_file(self._path(name))
        assert isinstance(data, bytes)
        return data

    def exists(self, name: str) -> bool:
        """Say whether an object of this name is there."""
        return bool(self._fs.isfile(self._path(name)))

    def write(self, name: str, data: bytes) -> None:
        """Write an object, replacing one of the same name."""
        if self._local:
            self._place_locally(name, data, replace=True)
        else:
            self._fs.pipe_file(self._path(name), data)

    def create(self, name: str, data: bytes) -> None:
        """Write an object that must not be there yet. Raises FileExistsError."""
        if self._local:
            self._place_locally(name, data, replace=False)
        else:
            self._fs.pipe_file(self._path(name), data, mode="create")

    def names(self, folder: str) -> list[str]:
        """Return the names of the objects directly in a folder, sorted; empty if there is no such folder."""
        self._fs.invalidate_cache()
        try:
            entries = self._fs.ls(self._path(folder), detail=True)
        except FileNotFoundError:
            return []
        files = [str(entry["name"]) for entry in entries if entry["type"] == "file"]
        return sorted(name.rpartition("/")[2] for name in files if not name.rpartition("/")[2].startswith("."))

    def delete(self, name: str) -> None:
        """Remove an object; nothing happens if it is not there."""
        if self.exists(name):
            self._fs.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _place_locally(self, name: str, data: bytes, *, replace: bool) -> None:
        """Write beside the target, then rename over it or link to it: no reader ever sees half an object."""
        target = Path(self._path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".partial-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            if replace:
                os.replace(temporary, target)
            else:
                os.link(temporary, target)
        finally:
            Path(temporary).unlink(missing_ok=True)
