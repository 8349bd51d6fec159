"""What looks secret, and what is left of a URL."""

from __future__ import annotations

import pytest

from settings.secrets import origin, redacted, secrets_in


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


def test_of_a_webhook_only_the_host_is_shown() -> None:
    assert origin("https://u:p@hooks.example/services/T0/B0/secret?x=1") == "https://hooks.example/***"
    assert origin("no url") == "***"


def test_secrets_are_found_in_inner_tables_by_their_dotted_key() -> None:
    table = {"model": {"parameters": {"token": "x", "depth": 3}}, "registry": {"url": "s3://k:v@b"}}
    assert dict(secrets_in(table)) == {
        "model.parameters.token": "looks like a secret",
        "registry.url": "is a URL with a password in it",
    }
