"""`python -m service`: serve the release in a bundle folder."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from gateline.contracts.headers import TOKEN_VARIABLE
from gateline.contracts.release import ARTIFACT_FOLDER, RELEASE_FILE, Release
from gateline.settings.errors import GatelineError, OutsideError, UsageError, explain, place_in_model
from gateline.settings.front_door import front_door
from gateline.settings.shown import lines_of

if TYPE_CHECKING:
    from service.app import Options

EXAMPLES = """examples:
  python -m service --port 8000                 serve the bundle in the current folder
  python -m service --port 8000 --bundle out/   serve another one

environment:
  GATELINE_LOG_DIR      folder of the prediction log; not set: no log
  GATELINE_REDIS_URL    Redis to share scores through; overrides the release's service.redis_url
  GATELINE_HOSTS        names it answers to (the Host header), with commas between, besides loopback and service.hosts

exit codes: 0 stopped, 2 no bundle or bad arguments, 4 port taken or model not loaded
"""


def main() -> int:
    """Serve one release until told to stop."""
    arguments = _arguments()
    release = read_release(arguments.bundle)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    serve(release, arguments.bundle, arguments.host, arguments.port)
    return 0


class Lines(logging.Formatter):
    """What a request, a model or Redis says stands in the log as text: it steers no terminal, and begins no line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record; the lines of a traceback are indented."""
        return lines_of(super().format(record))


def read_release(bundle: Path) -> Release:
    """Return the record of the release in a bundle folder. Raises UsageError where there is none."""
    try:
        release = Release.model_validate_json((bundle / RELEASE_FILE).read_bytes())
    except OSError as error:
        raise UsageError(
            f"{bundle / RELEASE_FILE}: {error.strerror}; there is no release bundle in {bundle.resolve()}",
            "build one with `invoke build`, or name its folder with --bundle",
        ) from None
    except ValidationError as error:
        detail = error.errors()[0]
        where = ".".join(map(str, detail["loc"])) or "content"
        raise UsageError(f"{bundle / RELEASE_FILE}: {where}: {detail['msg']}", "build the release again") from None
    if not (bundle / ARTIFACT_FOLDER).is_dir():
        raise UsageError(f"{bundle}: the bundle has no {ARTIFACT_FOLDER}/ folder", "build the release again")
    return release


def serve(release: Release, bundle: Path, host: str, port: int) -> None:
    """Listen, load in the background, serve. Raises OutsideError for a taken port and a model that cannot be loaded."""
    from service import server as servers
    from service.app import Application
    from service.state import load

    one_thread_a_row()
    bundle = bundle.resolve()
    sys.path.insert(0, str(bundle))
    listening = servers.listen(host, port)
    server = servers.server(release.service.drain_seconds)
    options = options_of(release, os.environ)
    application = Application(
        release, lambda: load(bundle, release), options, lambda: setattr(server, "should_exit", True)
    )
    logging.getLogger("service").info("%s listens on %s:%d", release.name, *listening.getsockname()[:2])
    servers.run(server, application.build(), listening)
    if application.state.failure is not None:
        raise not_loaded(release, application.state.failure)


def one_thread_a_row() -> None:
    """Let numeric libraries use one thread, unless the environment says otherwise; must come before they are imported.

    A row is too little work to share: threads that wait for each other cost tenfold on a busy machine. Rows and replicas
    are what runs side by side.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def not_loaded(release: Release, failure: BaseException) -> OutsideError:
    """Return the error that a process ends with when its model cannot be loaded."""
    text = f"the model of {release.name} cannot be loaded"
    if isinstance(failure, GatelineError):
        return OutsideError(f"{text}: {failure.message}", failure.next_step)
    place = place_in_model(failure)
    advice = f"correct {place.partition(',')[0]}, then train and build again" if place else "read the stack trace above"
    return OutsideError(f"{text}: {explain(failure)}", advice)


def options_of(release: Release, environ: Mapping[str, str]) -> Options:
    """Return what the host gives the process; an empty variable counts as not set."""
    from service.app import Options

    folder = environ.get("GATELINE_LOG_DIR", "")
    return Options(
        log_folder=Path(folder) if folder else None,
        redis_url=environ.get("GATELINE_REDIS_URL") or release.service.redis_url,
        token=environ.get(TOKEN_VARIABLE, ""),
        hosts=tuple(filter(None, environ.get("GATELINE_HOSTS", "").split(","))),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m service",
        description="Serve the release in a bundle folder over HTTP.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument(
        "--port", type=_port, default=8000, help="port to listen on; 0 takes a free one (default: 8000)"
    )
    parser.add_argument(
        "--bundle", type=Path, default=Path("."), help="the bundle's folder (default: the current folder)"
    )
    return parser.parse_args()


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; allowed: 0 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(front_door(main))
