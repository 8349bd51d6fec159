"""A target is opened by name; opening it starts nothing."""

from __future__ import annotations

import pytest

from infra.rollout.target import Target, audit_key
from settings.errors import UsageError
from tests.infra.site import Site


def test_an_unknown_name_is_answered_with_the_nearest(site: Site) -> None:
    with pytest.raises(UsageError, match=r"no environment 'prodution'; did you mean 'production'\? \(known: staging"):
        Target.open("prodution")


def test_opening_makes_nothing(site: Site) -> None:
    site.change({"environments.third.port": 20_000})
    assert site.target("third").engine.status().slots == {}
    assert not site.target("third").folder.exists()


def test_production_alone_is_where_the_champion_serves(site: Site) -> None:
    assert site.target("production").is_production and not site.target("staging").is_production


def test_one_command_at_a_time(site: Site) -> None:
    with site.target().exclusively("invoke deploy", 0.0):
        assert (site.target().folder / "lock-holder.json").exists()
    assert not (site.target().folder / "lock-holder.json").exists()


def test_the_key_comes_from_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATELINE_AUDIT_KEY", raising=False)
    assert audit_key() == ""
    monkeypatch.setenv("GATELINE_AUDIT_KEY", " sealed-with-16-b\n")
    assert audit_key() == "sealed-with-16-b"


@pytest.mark.parametrize("short", ["hunter2", "fifteen-bytes-x\n", " ", "\n"])
def test_a_short_key_is_refused_and_not_shown(site: Site, monkeypatch: pytest.MonkeyPatch, short: str) -> None:
    monkeypatch.setenv("GATELINE_AUDIT_KEY", short)
    with pytest.raises(UsageError, match="must have at least 16") as caught:
        site.target()
    assert "openssl rand -hex 32" in caught.value.next_step
    assert not short.strip() or short.strip() not in str(caught.value)


def test_what_comes_from_outside_is_printed_as_it_is(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.target().say_unreachable(OSError("no such folder [/mnt/registry]\nmore"), "it is told later")
    said = capsys.readouterr().out
    assert "no such folder [/mnt/registry]; it is told later" in said and "more" not in said
