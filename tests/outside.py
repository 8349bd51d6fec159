"""The variables that a user's shell has: those of this process, without what the session that runs the tests has set."""

from __future__ import annotations

import os

SESSIONS = ("VIRTUAL_ENV", "UV_PYTHON", "UV_PROJECT_ENVIRONMENT")
"""With these, uv installs into the session's environment wherever it is called."""


def variables() -> dict[str, str]:
    """Return them."""
    return {name: value for name, value in os.environ.items() if name not in SESSIONS}
