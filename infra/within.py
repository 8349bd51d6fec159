"""The former name of `infra.host.within`, which pages of earlier versions name."""

import sys

from gateline.settings.front_door import front_door
from infra.host.within import main

if __name__ == "__main__":
    sys.exit(front_door(main))
