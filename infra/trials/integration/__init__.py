"""Integration tests of a release: `nox -s integration` starts it, and a Redis, and runs these and tests/integration/."""
