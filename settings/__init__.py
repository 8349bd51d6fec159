"""The former name of `gateline.settings`, for what a copy made before the renaming imports; it will go."""

from gateline.former import warn
from gateline.settings import *  # noqa: F401, F403

warn("settings")
