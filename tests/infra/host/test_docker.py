"""A Docker daemon that other commands use at the same time."""

from __future__ import annotations

import io
import tarfile

import pytest

from infra.host.docker import Docker, ImageNotFound, images
from infra.host.ports import free_ports
from tests.infra.engines.docker.conftest import daemon

__all__ = ["daemon"]


def empty() -> bytes:
    """Return an archive of nothing."""
    archive = io.BytesIO()
    tarfile.open(fileobj=archive, mode="w").close()
    return archive.getvalue()


@pytest.mark.slow
def test_an_image_that_goes_while_it_is_listed_is_left_out(daemon: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"t{free_ports(1, ())[0]}"
    daemon.api.import_image_from_data(empty(), repository=name, tag="1")
    try:
        listed = daemon.api.images(name=name)
        assert [image.tags for image in images(daemon, name)] == [[f"{name}:1"]]
        monkeypatch.setattr(daemon.api, "images", lambda **_: [{"Id": f"sha256:{'0' * 64}"}, *listed])
        assert [image.tags for image in images(daemon)] == [[f"{name}:1"]]
        with pytest.raises(ImageNotFound):
            daemon.images.list()
    finally:
        daemon.images.remove(f"{name}:1")
