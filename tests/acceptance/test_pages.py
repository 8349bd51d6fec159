"""The site of a real project after a deploy: what was run is told, from the commands that a user types."""

from __future__ import annotations

from pathlib import Path

from gateline.contracts.last_run import last_runs
from tests.acceptance.project import Project
from tests.gateline.report.pages import Page
from tests.gateline.report.test_site import broken_links


def test_the_site_after_a_deploy(project: Project, tmp_path: Path) -> None:
    for done in (project.nox("train"), project.invoke("smoke", "--env=production")):
        assert done.code == 0, done.output
    assert project.invoke("deploy", "--env=production", "--release=nowhere").code == 2  # no run
    target = tmp_path / "to publish"
    done = project.invoke("report", f"--output={target}")
    assert done.code == 0 and f"{target}/index.html: " in done.output.replace("\n", ""), done.output
    assert broken_links(target, sorted(target.rglob("*.html"))) == []

    digest = project.stable()
    runs = last_runs(project.path / "reports")
    assert {"train", "smoke-production", "build", "deploy-production"} <= set(runs)
    assert runs["train"].left_verdict and runs["train"].command == "nox -s train" and (runs["train"].seconds or 0) > 0
    assert runs["deploy-production"].release == runs["build"].release == digest
    assert runs["deploy-production"].by and runs["deploy-production"].ending == "pass"

    line = Page.read(target / "index.html")
    assert {"Train", "Smoke, production", "passed", "not run"} <= set(line.said())
    assert f"releases/{digest[:16]}.html" in line.attributes("href")
    serving = Page.read(target / "serving.html").said()
    assert {"stable", "100 %", f"by {runs['deploy-production'].by}"} <= set(serving)
    assert "not in the audit log" not in serving
    release = Page.read(target / "releases" / f"{digest[:16]}.html").said()
    assert {digest, "Validate model", "Smoke", "deployed", "production: stable, 100%"} <= set(release)
    drawn = [tag for tag, _ in Page.read(target / "releases.html").tags if tag == "svg"]
    assert drawn, "the primary metric is drawn"
