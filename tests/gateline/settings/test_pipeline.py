"""Reading `pipeline.toml`: what is good comes back typed, what is wrong is refused in words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateline.settings import load
from gateline.settings.errors import UsageError
from tests.gateline.settings.files import good, refusal, write

ROOT = Path(__file__).parents[3]
NEXT = "\n  next: change pipeline.toml and run the command again"


def test_the_file_that_ships_is_good() -> None:
    settings = load(ROOT / "pipeline.toml", {})
    assert settings.project.name == "flights"
    assert settings.environments["production"].replicas >= 2


def test_values_come_back_typed_and_cannot_be_changed(tmp_path: Path) -> None:
    settings = good(tmp_path, gates__model="min_accuracy = 0.85", notify='command = ["mail", "team"]')
    assert settings.gates.model.min_accuracy == 0.85
    assert settings.notify.command == ("mail", "team")
    with pytest.raises(ValidationError, match="frozen"):
        settings.project.name = "other"  # type: ignore[misc]


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load(path, {}).data.target == "late"


@pytest.mark.parametrize(
    ("section", "line", "said"),
    [
        ("gates__model", "min_accuracy = 90", "'gates.model.min_accuracy' is 90; allowed: at most 1"),
        ("gates__model", "min_accuracy = -0.1", "'gates.model.min_accuracy' is -0.1; allowed: at least 0"),
        ("gates__model", "min_accuracy = nan", "'gates.model.min_accuracy' is NaN; allowed: a finite number"),
        ("gates__model", "max_mae = 0.0", "'gates.model.max_mae' is 0.0; allowed: more than 0"),
        ("gates__model", "confidence = 1.0", "'gates.model.confidence' is 1.0; allowed: less than 1"),
        ("gates__model", 'min_f1 = "0.9"', "'gates.model.min_f1' is '0.9'; allowed: a number"),
        ("gates__model", 'custom_min = { a = "x" }', "'gates.model.custom_min.a' is 'x'; allowed: a number"),
        ("service", "workers = 1.5", "'service.workers' is 1.5; allowed: a whole number"),
        ("service", "workers = true", "'service.workers' is true; allowed: a whole number"),
        ("service", "prediction_log = 1", "'service.prediction_log' is 1; allowed: true or false"),
        ("data", "group = 5", "'data.group' is 5; allowed: text in quotes"),
        ("data", 'train = ""', "'data.train' is ''; allowed: text that is not empty"),
        ("model", "parameters = 3", "'model.parameters' is 3; allowed: a table"),
        ("notify", 'command = "mail"', "'notify.command' is 'mail'; allowed: a list"),
        ("notify", 'command = ["mail", 3]', "'notify.command' holds 3; allowed: text in quotes"),
        (
            "metrics",
            "positive = 1.5",
            "'metrics.positive' is 1.5; allowed: text in quotes or a whole number or true or false",
        ),
        (
            "environments__Test",
            "port = 1",
            "'environments.Test' is no name; allowed: 1 to 40 lower-case letters, digits and dashes, a letter first",
        ),
        (
            "environments__staging",
            'engine = "proces"',
            "'environments.staging.engine' is 'proces'; allowed: 'process', 'docker' or 'kubernetes'; did you mean 'process'?",
        ),
        (
            "environments__staging",
            'requires = ["benchmrk"]',
            "'environments.staging.requires' holds 'benchmrk'; allowed: 'validate_data', 'validate_model', 'integration', "
            "'benchmark' or 'security'; did you mean 'benchmark'?",
        ),
        (
            "model",
            'estimator = "HistGradientBoosting"',
            "'model.estimator' is 'HistGradientBoosting'; allowed: an import path such as 'sklearn.linear_model.Ridge' "
            "or a function such as 'model.estimators:logistic'",
        ),
        (
            "metrics",
            'custom = ["model.metrics.late"]',
            "'metrics.custom' holds 'model.metrics.late'; allowed: a function named as 'module:name', "
            "such as 'model.metrics:late_precision'",
        ),
    ],
)
def test_a_bad_value_is_named_with_its_key_and_what_is_allowed(
    tmp_path: Path, section: str, line: str, said: str
) -> None:
    assert refusal(write(tmp_path, **{section: line})) == f"pipeline.toml: {said}{NEXT}"


@pytest.mark.parametrize(
    "reference", ["sklearn..Ridge", "sklearn.", "a b.c", "1a.b", "model.estimators:", "model:a:b", ":f", "model.x:f.g"]
)
def test_what_is_no_reference_is_refused(tmp_path: Path, reference: str) -> None:
    assert f"'model.estimator' is '{reference}'" in refusal(write(tmp_path, model=f'estimator = "{reference}"'))


@pytest.mark.parametrize("reference", ["sklearn.linear_model.Ridge", "model.estimators:logistic", "model:build"])
def test_a_class_and_a_function_are_references(tmp_path: Path, reference: str) -> None:
    assert good(tmp_path, model=f'estimator = "{reference}"').model.estimator == reference


@pytest.mark.parametrize("gate", ["data", "model", "benchmark", "canary", "drift", "security"])
def test_an_empty_list_of_rules_is_refused_with_the_rules_there_are(tmp_path: Path, gate: str) -> None:
    said = refusal(write(tmp_path, **{f"gates__{gate}": "rules = []"}))
    assert said.startswith(f"pipeline.toml: 'gates.{gate}.rules' is []; allowed: at least one of ")
    for rule in getattr(good(tmp_path).gates, gate).rules:
        assert rule in said


def test_a_misspelt_rule_is_named_once(tmp_path: Path) -> None:
    said = refusal(write(tmp_path, gates__data='rules = ["formt"]'))
    assert said.startswith("pipeline.toml: 'gates.data.rules' holds 'formt'; allowed: 'format', ")
    assert "did you mean 'format'?" in said
    assert "at least" not in said


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('rules = ["p95", "p95", "errors"]', "gates.benchmark: rules names 'p95' twice"),
        ('rules = ["p95"]\nrequired = ["p99"]', "gates.benchmark: required names 'p99', which is not in rules"),
    ],
)
def test_rules_and_required_must_agree(tmp_path: Path, lines: str, said: str) -> None:
    assert said in refusal(write(tmp_path, gates__benchmark=lines))
    assert good(tmp_path, gates__benchmark='rules = ["p95"]\nrequired = ["p95"]').gates.benchmark.rules == ("p95",)


@pytest.mark.parametrize(
    ("section", "line", "key", "nearest"),
    [
        ("servce", "workers = 1", "servce", "service"),
        ("gates__model", "min_acuracy = 0.8", "gates.model.min_acuracy", "min_accuracy"),
        ("environments__staging", "replcas = 1", "environments.staging.replcas", "replicas"),
        ("data", 'schem = "x"', "data.schem", "schema"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest(
    tmp_path: Path, section: str, line: str, key: str, nearest: str
) -> None:
    said = refusal(write(tmp_path, **{section: line}))
    assert said.startswith(f"pipeline.toml: unknown key '{key}'; did you mean '{nearest}'? (known here: ")


def test_several_faults_stand_one_a_line(tmp_path: Path) -> None:
    said = refusal(write(tmp_path, gates__model="min_accuracy = 90\nmargn = 1", service="workers = 0"))
    lines = said.splitlines()
    assert lines[0] == "pipeline.toml:"
    assert lines[1] == "    'gates.model.min_accuracy' is 90; allowed: at most 1"
    assert lines[2].startswith("    unknown key 'gates.model.margn'; did you mean 'margin'?")
    assert lines[3] == "    'service.workers' is 0; allowed: at least 1"
    assert lines[4:] == ["  next: change pipeline.toml and run the command again"]


def test_a_missing_section_is_named_with_its_meaning(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.toml"
    path.write_text('[project]\nname = "x"\n', encoding="utf-8")
    said = refusal(path)
    assert "key 'data' is missing: where the rows are" in said
    assert "key 'environments' is missing: the places where releases run, by name" in said


def test_a_missing_key_is_named_with_its_meaning(tmp_path: Path) -> None:
    said = refusal(write(tmp_path, environments__dev="replicas = 1"))
    assert "key 'environments.dev.port' is missing: port the proxy listens on" in said


def test_an_empty_table_of_environments_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.toml"
    path.write_text('environments = {}\n[project]\nname = "x"\n[data]\ntarget = "y"\n', encoding="utf-8")
    assert refusal(path) == f"pipeline.toml: 'environments' is {{}}; allowed: at least one entry{NEXT}"


def test_a_section_that_is_no_table_is_named(tmp_path: Path) -> None:
    assert "'service' is 3; allowed: a table" in refusal(write(tmp_path, head="service = 3"))


def test_a_long_value_is_cut_short(tmp_path: Path) -> None:
    said = refusal(write(tmp_path, service=f'workers = "{"x" * 500}"'))
    assert "x" * 60 in said
    assert "x" * 100 not in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[project\n", "is not TOML: Expected ']' at the end of a table declaration (at line 1, column 9)"),
        (b"[project]\nname = 'caf\xe9'\n", "is not UTF-8: byte 0xe9 in line 2"),
    ],
)
def test_a_file_that_is_no_toml_is_refused_with_the_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "pipeline.toml"
    path.write_bytes(content)
    assert refusal(path).startswith(f"pipeline.toml: {said}")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.toml").startswith("pipeline.toml: no such settings file\n  next: ")
    assert refusal(tmp_path).startswith("pipeline.toml: cannot be read: Is a directory\n  next: ")


@pytest.mark.parametrize(
    "key", ["api_key", "password", "db-password", "SECRET", "auth_token", "access_key", "credentials"]
)
def test_a_key_that_looks_secret_is_refused_and_its_value_not_shown(tmp_path: Path, key: str) -> None:
    said = refusal(write(tmp_path, model__parameters=f'{key} = "hunter2"'))
    assert f"'model.parameters.{key}' looks like a secret; secrets come from environment variables alone" in said
    assert "read it from the environment" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("key", ["token_pattern", "max_tokens", "group_key", "secretary"])
def test_a_parameter_that_only_sounds_secret_is_let_through(tmp_path: Path, key: str) -> None:
    assert good(tmp_path, model__parameters=f'{key} = "x"').model.parameters == {key: "x"}


def test_a_url_with_a_password_is_refused_with_the_variable_to_use(tmp_path: Path) -> None:
    said = refusal(write(tmp_path, service='redis_url = "redis://app:hunter2@cache:6379/0"'))
    assert "'service.redis_url' is a URL with a password in it" in said
    assert "set GATELINE_REDIS_URL in the environment" in said
    assert "hunter2" not in said
    assert good(tmp_path, service='redis_url = "redis://cache:6379/0"').service.redis_url.endswith("cache:6379/0")


def test_a_password_in_a_url_is_hidden_where_its_value_is_shown(tmp_path: Path) -> None:
    said = refusal(write(tmp_path, service='workers = "http://app@host/x"'))
    assert "is 'http://***@host/x'" in said


def test_reading_settings_loads_no_heavy_library() -> None:
    code = "import sys; from gateline import settings; settings.load(); "
    code += "print([m for m in ('numpy', 'pandas', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_default_file_is_the_one_in_the_present_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert load(environ={}).project.name == "flights"
    monkeypatch.chdir(tmp_path.parent)
    with pytest.raises(UsageError, match="pipeline.toml: no such settings file"):
        load(environ={})
