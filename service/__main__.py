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

from gateline.contracts.headers import KEYS_VARIABLE, TOKEN_VARIABLE, keys_of
from gateline.contracts.release import ARTIFACT_FOLDER, RELEASE_FILE, Release
from gateline.settings.errors import GatelineError, OutsideError, UsageError, explain, place_in_model
from gateline.settings.front_door import front_door
from service import logs

if TYPE_CHECKING:
    from service.app import Options

EXAMPLES = """examples:
  python -m service --port 8000                 serve the bundle in the current folder
  python -m service --port 8000 --bundle out/   serve another one

environment:
  GATELINE_LOG_DIR      folder of the prediction log; not set: no log
  GATELINE_REDIS_URL    Redis to share scores through; overrides the release's service.redis_url
  GATELINE_API_KEY      keys of which a request must carry one, with commas between; not set: answers everyone
  GATELINE_LOG_LEVEL    least level of what is logged: debug, info, warning or error (not set: info)
  GATELINE_CONNECTION_SECONDS  seconds after which a connection is closed with its next answer; not set: it is kept
  GATELINE_HOSTS        names it answers to (the Host header), with commas between, besides loopback and service.hosts

exit codes: 0 stopped, 2 no bundle or bad arguments, 4 port taken or model not loaded
"""


def main() -> int:
    """Serve one release until told to stop."""
    arguments = _parser().parse_args()
    release = read_release(arguments.bundle)
    logs.set_up(release.service.log_format, os.environ)
    serve(release, arguments.bundle, arguments.host, arguments.port)
    return 0


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
    server = servers.server(release.service.drain_seconds, oldest_connection(os.environ))

    def stop() -> None:
        server.should_exit = True

    options = options_of(release, os.environ)
    os.environ.pop(KEYS_VARIABLE, None)  # the model's own code has no use for it
    application = Application(release, lambda: load(bundle, release), options, stop)
    logging.getLogger("service").info("%s listens on %s:%d", release.name, *listening.getsockname()[:2])
    servers.run(server, application.build(), listening)
    if application.state.failure is not None:
        raise not_loaded(release, application.state.failure)


def oldest_connection(environ: Mapping[str, str]) -> float:
    """Return how many seconds a connection may be kept; for ever where nothing is set. Raises UsageError for another text."""
    given = environ.get("GATELINE_CONNECTION_SECONDS", "")
    try:
        seconds = float(given or "inf")
    except ValueError:
        seconds = -1.0
    if not seconds > 0:
        raise UsageError(f"GATELINE_CONNECTION_SECONDS is '{given}'; it must be a number > 0", "correct or unset it")
    return seconds


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
    """Return what the host gives the process; an empty variable counts as not set. Raises UsageError for a bad key."""
    from service.app import Options

    keys = keys_of(environ.get(KEYS_VARIABLE, ""))
    folder = environ.get("GATELINE_LOG_DIR", "")
    return Options(
        log_folder=Path(folder) if folder else None,
        redis_url=environ.get("GATELINE_REDIS_URL") or release.service.redis_url,
        token=environ.get(TOKEN_VARIABLE, ""),
        hosts=tuple(filter(None, environ.get("GATELINE_HOSTS", "").split(","))),
        keys=keys,
    )


def _parser() -> argparse.ArgumentParser:
    def port(text: str) -> int:
        if not text.isdecimal() or int(text) > 65535:
            raise argparse.ArgumentTypeError(f"{text!r} is no port; allowed: 0 to 65535")
        return int(text)

    parser = argparse.ArgumentParser(
        prog="python -m service",
        description="Serve the release in a bundle folder over HTTP.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=port, default=8000, help="port to listen on; 0 takes a free one (default: 8000)")
    folder = "the bundle's folder (default: the current folder)"
    parser.add_argument("--bundle", type=Path, default=Path("."), help=folder)
    return parser


if __name__ == "__main__":
    sys.exit(front_door(main))
