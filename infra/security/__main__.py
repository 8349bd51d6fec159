"""Scan dependencies, secrets, code, workflow, model file and locks, and judge what was found."""

import argparse
import sys
from pathlib import Path

from gateline.contracts.verdict import asked_by
from gateline.registry.verdicts import Verdicts
from gateline.report import write
from gateline.settings import DEFAULT_PATH, load
from gateline.settings.front_door import front_door
from gateline.settings.shown import tell
from infra.security.finding import write_sarif
from infra.security.running import decide, of, run_all
from infra.security.subject import gather

EXAMPLES = """examples:
  python -m infra.security                        judge the tree and the release built last
  python -m infra.security --release 3f2a9c1d     judge another release of the registry
  python -m infra.security --release ./bundle     judge a release bundle in a folder

It always scans: an earlier verdict is never reused. It writes reports/security/: verdict.json, index.html,
results.sarif and sbom.cdx.json. Exit codes: 0 pass, 1 something was found, 2 bad usage, 3 a scanner could not judge."""


def main() -> int:
    """Scan, write the reports, record the verdict, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.security",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    which = "digest, name, version or bundle folder; the one built last if not given"
    parser.add_argument("--release", default="", help=which)
    parser.add_argument("--config", default=str(DEFAULT_PATH), help="settings file (pipeline.toml)")
    options = parser.parse_args()
    settings = load(options.config)
    subject = gather(settings, Path.cwd(), options.release)
    model = "; there is no model yet"
    if subject.release:
        model = f" and release {subject.release.name}"
    elif subject.artifact:
        model = " and the candidate"
    tell(f"scanning {len(subject.files)} files{model}")
    scans = run_all(subject, of(settings.gates.security.rules, subject), lambda line: tell(f"  {line}"))
    write_sarif(scans.values(), subject.root)
    verdict = decide(subject, scans)
    verdict = verdict.model_copy(update={"judged": verdict.judged | asked_by(options.config)})
    write(verdict)
    verdicts = Verdicts.of(settings)
    verdicts.record(verdict)
    verdicts.reached(verdict)
    return verdict.exit_code


if __name__ == "__main__":
    sys.exit(front_door(main))
