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
    ],
)
def test_credentials_in_urls_are_hidden(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_of_a_webhook_only_the_host_is_shown() -> None:
    assert origin("https://u:p@hooks.example/services/T0/B0/secret?x=1") == "https://hooks.example/***"
    assert origin("no url") == "***"


def test_secrets_are_found_in_inner_tables_by_their_dotted_key() -> None:
    table = {"model": {"parameters": {"token": "x", "depth": 3}}, "registry": {"url": "s3://k:v@b"}}
    assert dict(secrets_in(table)) == {
        "model.parameters.token": "looks like a secret",
        "registry.url": "is a URL with a password in it",
    }
