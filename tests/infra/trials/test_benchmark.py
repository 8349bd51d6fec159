"""The release is loaded with payloads of its own schema, and its figures are judged."""

from __future__ import annotations

from typing import Any

import pytest

from gateline.contracts.verdict import Outcome
from gateline.settings.errors import OutsideError
from infra.host import python_env
from infra.trials import judging as module
from infra.trials.judging import Benchmark
from infra.trials.subject import Subject, unpacked
from tests.infra.tiny_project import Site


def subject(site: Site, **knobs: Any) -> Subject:
    """Return a release on trial."""
    release = site.release(**knobs)
    bundle = unpacked(release, site.target().releases, site.root)
    return Subject(site.target().settings, "pipeline.toml", release, bundle, site.root)


def test_real_load_on_a_real_release(site: Site) -> None:
    verdict = Benchmark().judge(subject(site), {"release": "x"})
    outcomes = {rule.name: rule.outcome for rule in verdict.rules}
    assert verdict.stage == "benchmark" and verdict.judged["release"] == "x"
    assert outcomes["identity"] is outcomes["errors"] is outcomes["p95"] is Outcome.PASS
    assert verdict.outcome is Outcome.PASS


def test_a_run_that_leaves_no_figures_is_no_verdict(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    original = python_env.python_for
    nothing = site.root / "nothing"
    nothing.write_text("#!/bin/sh\nexit 3\n")
    nothing.chmod(0o755)
    monkeypatch.setattr(
        module, "python_for", lambda lock, root: nothing if "load" in lock.name else original(lock, root)
    )
    with pytest.raises(OutsideError, match="locust ended with 3 and left no figures"):
        Benchmark().judge(subject(site), {})


@pytest.mark.parametrize("key", ["load.requests", "gates.benchmark.max_p95_ms"])
def test_a_verdict_depends_on_profile_and_limits(site: Site, key: str) -> None:
    before = Benchmark().inputs(site.target().settings, site.root)
    assert Benchmark().inputs(site.target().settings, site.root) == before
    site.change({key: 77 if key == "load.requests" else 77.0})
    assert Benchmark().inputs(site.target().settings, site.root) != before
