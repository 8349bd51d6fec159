"""Test a built release: start it alone on a free port, send requests, judge, stop it.

`python -m infra.trials integration` runs infra/trials/integration, and tests/integration where it is, with a real Redis;
`python -m infra.trials benchmark` loads it with locust.
"""

import argparse
import sys
from pathlib import Path

from gateline.contracts.release import Image, Release
from gateline.contracts.verdict import Outcome, asked_by
from gateline.registry.made_here import Made
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.registry.verdicts import Verdicts
from gateline.report import write
from gateline.settings import DEFAULT_PATH, Settings, load
from gateline.settings.errors import UsageError
from gateline.settings.front_door import front_door
from infra.host.bundle import record_in
from infra.trials.judging import TRIALS
from infra.trials.subject import Subject, unpacked


def main() -> int:
    """Judge the chosen release in one stage; a pass recorded on the same inputs is reused.

    A failure is tried again: unlike a model's, it may have been the machine's.
    """
    parser = argparse.ArgumentParser(
        prog="python -m infra.trials",
        description=__doc__,
        epilog="examples:\n  nox -s integration\n  nox -s benchmark -- --fresh\n  nox -s benchmark -- --release 20260102-abc",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stage", choices=sorted(TRIALS))
    parser.add_argument("--release", default="", help="version, name or digest; the one built last if not given")
    parser.add_argument("--fresh", action="store_true", help="judge again, even if a verdict is recorded")
    parser.add_argument("--config", default=str(DEFAULT_PATH), help="settings file (%(default)s)")
    options = parser.parse_args()
    settings, root = load(options.config), Path.cwd()
    store = Store.of(settings)
    release = _release(settings, Releases(store), options.release)
    trial = TRIALS[options.stage]
    image = _image(settings, Releases(store), release)
    judged = {"release": release.digest} | ({"image": image.id} if image else {}) | trial.inputs(settings, root)
    judged |= asked_by(options.config)
    verdicts = Verdicts.of(settings)
    verdict = None if options.fresh else verdicts.find(options.stage, judged)
    if verdict is None or verdict.outcome is not Outcome.PASS:
        folder = unpacked(release, Releases(store), root)
        subject = Subject(settings, options.config, record_in(folder, release.digest), folder, root, image)
        verdict = trial.judge(subject, judged)
        verdicts.record(verdict)
    write(verdict)
    verdicts.reached(verdict)
    return verdict.exit_code


def _release(settings: Settings, releases: Releases, reference: str) -> Release:
    """Return the release to start here: where releases are signed, one that was built here, or that is named whole."""
    return releases.resolve(Made.of(settings).release(releases, reference) if settings.signing.keys else reference)


def _image(settings: Settings, releases: Releases, release: Release) -> Image | None:
    """Return the image to try, where an environment runs containers. Raises UsageError where none was built."""
    if not settings.runs_containers:
        return None
    for image in releases.images(release.digest):
        return image
    raise UsageError(f"{release.name} has no image, and an environment runs containers", "invoke build")


if __name__ == "__main__":
    sys.exit(front_door(main))
