"""What a column's name says, in any spelling: customer_id, customerID, CustomerId, customer id."""

import re

WORD = re.compile(r"[A-ZÄÖÜ]+(?=[A-ZÄÖÜ][a-zäöüß])|[A-ZÄÖÜ]?[a-zäöüß]+|[A-ZÄÖÜ]+|[0-9]+")
ABOUT = (
    "row", "order", "customer", "cust", "user", "client", "passenger", "patient", "account", "invoice", "transaction", "case",
    "session", "loan", "item", "product", "member", "employee", "student", "person", "record", "sample", "ticket", "policy",
    "claim", "event", "trip", "ride", "booking", "subject", "device", "object", "entry", "line", "house", "contract", "lead",
)  # fmt: skip
NAMES_ROWS = ("id", "ids", "uid", "uuid", "guid", "key", "no", "nr", "num", "number", "index", "idx", "pk", "ref", "code",
              "nummer", "numero", "identifier")  # fmt: skip
RUN_TOGETHER = re.compile(rf"({'|'.join(ABOUT)})s?({'|'.join(NAMES_ROWS)}|names?)")
WHOLE = {"rownames", "rowname", "index", "unnamed"}


def words_of(name: str) -> list[str]:
    """Return the words of a name in lower case: `customerID`, `customer_id` and `Customer-Id` are the same two."""
    return [word.lower() for word in WORD.findall(name)]


def is_key_name(name: str) -> bool:
    """Say whether a name is one that keys have: its last word is id, key, no, number …, also where words run together."""
    words = words_of(name)
    letters = [word for word in words if not word.isdigit()]
    if not letters:
        return not words
    return (
        letters[-1] in NAMES_ROWS
        or letters[-1].endswith(("nummer", "number"))
        or letters[0] in WHOLE
        or letters[-2:] == ["row", "names"]
        or RUN_TOGETHER.fullmatch("".join(letters)) is not None
    )
