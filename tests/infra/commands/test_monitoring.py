"""`invoke monitor`: the page once, the files, and a port that is taken."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest
import yaml

from gateline.settings.errors import OutsideError, UsageError
from infra import commands
from tests.infra.tiny_project import Site

Capture = pytest.CaptureFixture[str]


def test_the_page_of_all_environments_or_of_one(site: Site, capsys: Capture) -> None:
    for env, names in (("", {"staging", "production"}), ("staging", {"staging"})):
        assert commands.monitor(env, True, "") == 0
        said = capsys.readouterr().out
        assert set(re.findall(r'gateline_environment_up{environment="(\w+)",project="tiny"} 1\.0', said)) == names


def test_an_environment_that_is_not_there_is_refused(site: Site) -> None:
    with pytest.raises(UsageError, match="there is no environment 'prodution'; did you mean 'production'"):
        commands.monitor("prodution", True, "")


def test_the_files_are_written_and_fit_each_other(site: Site, tmp_path: Path, capsys: Capture) -> None:
    site.change({"monitoring.port": 19464, "gates.benchmark.max_p95_ms": 250.0})
    assert commands.monitor("", False, str(tmp_path / "made")) == 0
    assert [Path(line).name for line in capsys.readouterr().out.split("\n") if line] == [
        "prometheus.yml", "rules.yml", "dashboard.json",
    ]  # fmt: skip
    scraped = yaml.safe_load((tmp_path / "made" / "prometheus.yml").read_text())
    assert scraped["scrape_configs"][0]["static_configs"] == [{"targets": ["127.0.0.1:19464"]}]
    assert all((tmp_path / "made" / name).is_file() for name in scraped["rule_files"])
    drawn = json.loads((tmp_path / "made" / "dashboard.json").read_text())
    assert drawn["uid"] == "gateline-tiny" and "within 300 ms" in str(drawn)


def test_a_limit_that_no_alert_could_tell_writes_nothing(site: Site, tmp_path: Path) -> None:
    site.change({"gates.benchmark.max_p99_ms": 20_000.0})
    with pytest.raises(UsageError, match="the service's histogram ends at 10000 ms"):
        commands.monitor("", False, str(tmp_path / "made"))
    assert not (tmp_path / "made").exists()


def test_a_port_that_is_taken_is_named(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        site.change({"monitoring.port": port})
        with pytest.raises(OutsideError, match=rf"monitoring.port: nothing can listen on 127.0.0.1:{port}: Address already"):
            commands.monitor("", False, "")
