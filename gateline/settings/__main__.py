"""`python -m gateline.settings`: check `pipeline.toml`, print every resolved value, or print the reference."""

import argparse
import sys

from gateline.settings.front_door import front_door
from gateline.settings.pipeline import DEFAULT_PATH, resolve
from gateline.settings.reference import markdown, resolved

EXAMPLES = """examples:
  python -m gateline.settings                                check pipeline.toml and print what every command will use
  python -m gateline.settings --config other.toml            the same for another file
  GATELINE_WORKERS=4 python -m gateline.settings             see what an environment variable replaces
  python -m gateline.settings --markdown > docs/settings.md  make the reference again

exit codes: 0 the file is good, 2 it is not (each fault is named)
"""


def main(argv: list[str] | None = None) -> int:
    """Print the resolved settings, or the reference."""
    parser = argparse.ArgumentParser(
        prog="python -m gateline.settings",
        description="Check pipeline.toml and print every resolved value; secrets are never printed.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", default=str(DEFAULT_PATH), help="settings file (default: %(default)s)")
    parser.add_argument("--markdown", action="store_true", help="print the reference of all keys instead")
    options = parser.parse_args(argv)
    text = markdown() if options.markdown else resolved(*resolve(options.config))
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(front_door(main))
