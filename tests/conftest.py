"""What holds for all tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster, connected

LONG = (Path(__file__).parent / "template", Path(__file__).parent / "acceptance")
"""Here a file takes minutes."""


def pytest_configure() -> None:
    """Answer Ctrl-C: a shell starts what runs in the background with SIGINT ignored, and every child inherits that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: at the end nothing waits for a file that was started last."""
    items.sort(key=lambda item: not {*LONG} & {*item.path.parents})


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A real Kubernetes cluster, which all tests share; commands of this process reach it as well."""
    with connected() as found, pytest.MonkeyPatch.context() as variables:
        for name in ("KUBECONFIG", "PATH"):
            if name in found.environ:
                variables.setenv(name, found.environ[name])
        yield found
