"""What a URL leads to: one way to open it, and one way to say what went wrong there."""

from typing import Any

import fsspec

from gateline.settings.errors import UsageError
from gateline.settings.secrets import redacted

S3 = {
    "max_concurrency": 1,
    "use_listings_cache": False,
    "config_kwargs": {
        "connect_timeout": 3,
        "read_timeout": 6,
        "retries": {"mode": "standard", "total_max_attempts": 3},
    },
}
"""One request for a whole object, nothing remembered of what others may change, patience that ends: a store that is gone is
found out in seconds, a connection that is refused in 3, one that is never answered in 20."""
LIBRARIES = (
    'add it to the group in pyproject.toml (storage = ["{name}"]), then nox -s lock, then install requirements/dev.txt'
)
CREDENTIALS = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, to an identity with the permissions "
    "that docs/registry.md lists"
)
SILENT = "check the network, AWS_REGION and AWS_ENDPOINT_URL_S3, then run the command again"
NEXT = {
    "NoSuchBucket": "make the bucket, or correct its name",
    "NoCredentialsError": CREDENTIALS,
    "PartialCredentialsError": CREDENTIALS,
    "PermissionError": CREDENTIALS,
    "EndpointConnectionError": SILENT,
    "ConnectTimeoutError": SILENT,
    "ReadTimeoutError": SILENT,
    "ConnectionClosedError": SILENT,
}
"""The next step, by the code that a store answers with or the type that is raised."""


def opened(url: str, *, versions: bool = False) -> tuple[Any, str]:
    """Return the file system behind `url` and the path in it; nothing is reached yet.

    With `versions`, objects can be opened by their version id where the store keeps versions.
    Raises UsageError for a kind of URL that nobody knows, and for one whose library is not installed.
    """
    options = S3 | {"version_aware": versions} if is_s3(url) else {}
    try:
        filesystem, path = fsspec.core.url_to_fs(url, **options)
    except ImportError as error:
        name = "s3fs" if is_s3(url) else str(getattr(error.__cause__, "name", "") or error)
        raise UsageError(
            f"{redacted(url)}: the library {name} is not installed here; it belongs to the group `storage`",
            LIBRARIES.format(name=name),
        ) from None
    except ValueError as error:
        raise UsageError(f"{redacted(url)}: {redacted(str(error))}", "name a folder, a file or an fsspec URL") from None
    if is_s3(url):
        filesystem.retries = 1  # The client alone repeats.
        if filesystem.session is None:
            from aiobotocore.session import AioSession

            filesystem.session = AioSession()
            filesystem.session.register("before-call.s3", _without_expect)
    return filesystem, str(path)


def _without_expect(params: dict[str, Any], **_: Any) -> None:
    """With `Expect: 100-continue`, a write to a server that never answers would wait for ever: no timeout has begun yet.

    It must return nothing: what such a hook returns is taken for the answer.
    """
    params["headers"].pop("Expect", None)


def is_s3(url: str) -> bool:
    """Say whether a URL names an object store that speaks S3."""
    return url.startswith(("s3://", "s3a://"))


def code_of(error: BaseException) -> str:
    """Return the code that a store refused with, or the type of what was raised."""
    for each in (error, error.__cause__):
        response = getattr(each, "response", None)
        if isinstance(response, dict) and "Error" in response:
            return str(response["Error"].get("Code", ""))
    return type(error).__name__


def is_missing(error: BaseException) -> bool:
    """Say whether an object is not there; a bucket that is not there is another matter."""
    return isinstance(error, FileNotFoundError) and code_of(error) != "NoSuchBucket"


def is_silent(error: BaseException) -> bool:
    """Say whether a store did not answer at all."""
    return next_step_of(error, "") == SILENT


def cause_of(error: BaseException) -> str:
    """Say in one line what was raised, without a secret."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return redacted(f"{code_of(error)}: {error}")


def next_step_of(error: BaseException, otherwise: str) -> str:
    """Return what to do about it."""
    kinds = (code_of(error), *(kind.__name__ for kind in type(error).__mro__))
    return next((NEXT[kind] for kind in kinds if kind in NEXT), otherwise)
