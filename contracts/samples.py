"""The former name of `gateline.contracts.samples`."""

from gateline.contracts.samples import *  # noqa: F401, F403
from gateline.former import warn

warn("contracts.samples")
