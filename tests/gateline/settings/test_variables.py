"""Environment variables: ports, workers, URLs and state folders, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.settings.pipeline import resolve
from gateline.settings.variables import OTHERS, OVERRIDES
from tests.gateline.settings.files import good, refusal, write


def test_workers_urls_and_ports_are_replaced(tmp_path: Path) -> None:
    environ = {
        "GATELINE_WORKERS": "4",
        "GATELINE_REDIS_URL": "redis://:hunter2@cache:6379",
        "GATELINE_REGISTRY_URL": "s3://bucket/registry",
        "GATELINE_NOTIFY_WEBHOOK": "https://hooks.example/T1",
        "GATELINE_PORT_STAGING": "9001",
    }
    settings, replaced = resolve(write(tmp_path), environ)
    assert settings.service.workers == 4
    assert settings.service.redis_url == "redis://:hunter2@cache:6379"
    assert settings.registry.url == "s3://bucket/registry"
    assert settings.notify.webhook == "https://hooks.example/T1"
    assert settings.environments["staging"].port == 9001
    assert settings.environments["production"].port == 8100
    assert replaced["environments.staging.port"] == "GATELINE_PORT_STAGING"
    assert set(replaced.values()) == set(environ)


def test_an_environment_name_with_dashes_is_written_with_underscores(tmp_path: Path) -> None:
    sections = {"environments__eu-west": "replicas = 1"}
    assert good(tmp_path, {"GATELINE_PORT_EU_WEST": "9002"}, **sections).environments["eu-west"].port == 9002


def test_a_state_folder_is_given_for_every_environment_or_for_one(tmp_path: Path) -> None:
    environ = {"GATELINE_STATE": "/srv/all", "GATELINE_STATE_STAGING": "/srv/staging"}
    settings, replaced = resolve(write(tmp_path), environ)
    assert {name: where.state for name, where in settings.environments.items()} == {
        "staging": "/srv/staging",
        "production": "/srv/all",
    }
    assert replaced["environments.staging.state"] == "GATELINE_STATE_STAGING"
    assert replaced["environments.production.state"] == "GATELINE_STATE"


def test_only_these_settings_can_be_replaced() -> None:
    assert sorted(".".join(place) for place in OVERRIDES.values()) == [
        "image.base",
        "notify.webhook",
        "registry.url",
        "service.redis_url",
        "service.workers",
    ]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("GATELINE_WORKER", "GATELINE_WORKERS"),
        ("GATELINE_REDISURL", "GATELINE_REDIS_URL"),
        ("GATELINE_AUDITKEY", "GATELINE_AUDIT_KEY"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest(tmp_path: Path, name: str, nearest: str) -> None:
    said = refusal(write(tmp_path), {name: "s3cr3t"})
    assert said.startswith(f"environment variable {name} is not known; did you mean '{nearest}'?")
    assert "s3cr3t" not in said


def test_a_gate_limit_cannot_be_replaced(tmp_path: Path) -> None:
    said = refusal(write(tmp_path), {"GATELINE_MIN_ACCURACY": "0.1"})
    assert "environment variable GATELINE_MIN_ACCURACY is not known" in said
    assert "the environment replaces ports, workers, URLs and state folders alone" in said


def test_a_state_folder_of_an_environment_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "GATELINE_STATE_STAGIN: there is no environment 'stagin'; did you mean 'staging'?" in refusal(
        write(tmp_path), {"GATELINE_STATE_STAGIN": "/srv"}
    )


def test_a_port_of_an_environment_that_is_not_there_is_refused(tmp_path: Path) -> None:
    said = refusal(write(tmp_path), {"GATELINE_PORT_STAGIN": "1"})
    assert "there is no environment 'stagin'; did you mean 'staging'? (known: staging, production)" in said


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "٣", " 3"])
def test_a_value_that_is_no_whole_number_is_refused(tmp_path: Path, value: str) -> None:
    said = refusal(write(tmp_path), {"GATELINE_WORKERS": value})
    assert said.startswith(f"environment variable GATELINE_WORKERS is {value!r}; allowed: a whole number")


def test_a_value_out_of_range_names_its_variable(tmp_path: Path) -> None:
    said = refusal(write(tmp_path), {"GATELINE_PORT_STAGING": "70000"})
    assert "'environments.staging.port' is 70000; allowed: at most 65535" in said
    assert "(set by the environment variable GATELINE_PORT_STAGING)" in said
    assert "next: change pipeline.toml or GATELINE_PORT_STAGING and run" in said


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    assert good(tmp_path, {"GATELINE_WORKERS": "", "GATELINE_NONSENSE": ""}).service.workers == 1


def test_variables_read_elsewhere_and_those_of_others_are_let_be(tmp_path: Path) -> None:
    environ = dict.fromkeys(OTHERS, "x") | {"GATELINE_SAMPLE": "false"} | {"PATH": "/bin", "GATELIN": "x"}
    assert good(tmp_path, environ).service.workers == 1


@pytest.mark.parametrize("head", ["service = 3", "environments = 3"])
def test_a_section_that_is_no_table_is_left_for_the_validation_to_name(tmp_path: Path, head: str) -> None:
    path = tmp_path / "pipeline.toml"
    path.write_text(f'{head}\n[project]\nname = "x"\n', encoding="utf-8")
    said = refusal(path, {"GATELINE_WORKERS": "2", "GATELINE_PORT_STAGING": "1"})
    assert f"'{head[:-4]}' is 3; allowed: a table" in said


def test_the_audit_key_never_stands_in_a_message(tmp_path: Path) -> None:
    said = refusal(write(tmp_path, service="workers = 0"), {"GATELINE_AUDIT_KEY": "hunter2"})
    assert "hunter2" not in said
