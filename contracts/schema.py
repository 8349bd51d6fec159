"""The former name of `gateline.contracts.schema`."""

from gateline.contracts.schema import *  # noqa: F401, F403
from gateline.former import warn

warn("contracts.schema")
