"""What looks secret, and what is left of a URL."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.contracts.last_run import LastRun, leave
from gateline.contracts.verdict import Outcome, Rule, Verdict
from gateline.settings.secrets import origin, redacted, redacted_in, secrets_in
from gateline.settings.shown import tell, tell_message
from gateline.settings.terminal import Terminal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://:pw@host:1/0", "redis://***@host:1/0"),
        ("s3://key:secret@bucket/a@b", "s3://***@bucket/a@b"),  # pragma: allowlist secret
        ("cannot open redis://u:p@h and http://v:q@i", "cannot open redis://***@h and http://***@i"),
        ("https://host/path@2", "https://host/path@2"),
        ("data/train.csv", "data/train.csv"),
        (
            "https://h/x.csv?X-Amz-Credential=AK%2F1&X-Amz-Expires=9&X-Amz-Signature=abc123",
            "https://h/x.csv?X-Amz-Credential=***&X-Amz-Expires=9&X-Amz-Signature=***",
        ),
        ("https://h/x?a=1&access_token=t1&page=2", "https://h/x?a=1&access_token=***&page=2"),
        ("https://a.blob.core.windows.net/c?sv=1&sig=abc%3D", "https://a.blob.core.windows.net/c?sv=1&sig=***"),
        ("404 for https://hooks.slack" ".com/services/T0/B0/x1 here", "404 for https://hooks.slack.com/*** here"),
        ("'https://discord.com/api/webhooks/1/x'", "'https://discord.com/api/webhooks/***'"),
    ],
)
def test_credentials_in_urls_are_hidden(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_secrets_of_the_environment_are_hidden_wherever_they_turn_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "swordfish-1")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "swordfish-1-and-more")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA-SOMEBODY")
    monkeypatch.setenv("SHORT_TOKEN", "row")
    said = redacted("403 for AKIA-SOMEBODY with swordfish-1 or swordfish-1-and-more in row 3")
    assert said == "403 for *** with *** or *** in row 3"


def test_what_is_secret_of_an_address_is_hidden_wherever_it_turns_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATELINE_NOTIFY_WEBHOOK", "https://chat.example/hooks/channel-secret?t=also-secret")
    monkeypatch.setenv("GATELINE_REDIS_URL", "redis://:swordfish-2@cache:6379/0")
    monkeypatch.setenv("GATELINE_SIGNING_KEY", "-----BEGIN " + "PRIVATE KEY-----\nMIGHAgEAMBMG\n-----END PRIVATE KEY-----")
    said = redacted("404 of https://chat.example/hooks/channel-secret?t=also-secret; AUTH swordfish-2; line MIGHAgEAMBMG")
    assert said == "404 of https://chat.example/***?***; AUTH ***; line ***"
    monkeypatch.setenv("GATELINE_API_KEY", "newer-key-0123456789, older-key-0123456789")
    assert redacted("401 for older-key-0123456789, then for newer-key-0123456789") == "401 for ***, then for ***"
    told = {"error": ["AUTH swordfish-2", 1], "by": {"t": "redis://:swordfish-2@h"}}
    assert redacted_in(told) == {"error": ["AUTH ***", 1], "by": {"t": "redis://***@h"}}


@pytest.mark.parametrize("given", ["sword%2Ffish%40%C3%A92", "sword%2ffish%40%c3%a92", "sword%2Ffish@é2"])
def test_a_secret_is_hidden_however_its_signs_are_written(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("GATELINE_REDIS_URL", f"redis://:{given}@cache:6379/0")
    assert redacted("AUTH sword/fish@é2, %73word%2ffish%40%c3%a92 or sword%2Ffish%40%C3%A92") == "AUTH ***, *** or ***"
    monkeypatch.setenv("GATELINE_NOTIFY_WEBHOOK", "https://chat.example/hooks/channel%20secret/x%2By-z%7E12")
    said = redacted("404 of /hooks/channel secret/x+y-z~12 and /hooks/channel%20secret/x+y-z%7e12; x%2By-z~12 is unknown")
    assert said == "404 of /*** and /***; *** is unknown"


def test_what_is_printed_and_kept_is_redacted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("GATELINE_REDIS_URL", "redis://:swordfish-3@cache:6379/0")
    told = "cannot reach redis://:swordfish-3@cache:6379/0, AUTH swordfish-3"
    tell(told)
    tell_message(told)
    Terminal(width=200).print(told)
    run = LastRun(stage="deploy", ending="error", started="", ended="", reason=told, command=f"rollback --reason={told}")
    kept = leave(run, tmp_path).read_text(encoding="utf-8")
    verdict = Verdict.of("smoke", [Rule(name="a", outcome=Outcome.FAIL, reason=told)], notes=[told]).model_dump_json()
    shown = capsys.readouterr()
    for text in (shown.out, shown.err, kept, verdict):
        assert "swordfish" not in text and "cache:6379/0, AUTH ***" in text


def test_of_a_webhook_only_the_host_is_shown() -> None:
    assert origin("https://u:p@hooks.example/services/T0/B0/secret?x=1") == "https://hooks.example/***"
    assert origin("no url") == "***"


def test_secrets_are_found_in_inner_tables_by_their_dotted_key() -> None:
    table = {"model": {"parameters": {"token": "x", "depth": 3}}, "registry": {"url": "s3://k:v@b"}}
    assert dict(secrets_in(table)) == {
        "model.parameters.token": "looks like a secret",
        "registry.url": "is a URL with a password in it",
    }
