"""A key is known by its name in any spelling."""

from __future__ import annotations

import pytest

from template.adopting.names import is_key_name, words_of

KEYS = (
    "id", "ID", "customer_id", "customerID", "CustomerId", "customerid", "PassengerId", "passengerid", "rownames", "RowNames",
    "row.names", "rowname", "OrderNo", "order no", "order_nr", "ORDER_NUMBER", "invoice-number", "Unnamed: 0", "index", "uuid",
    "record_key", "userGUID", "X.id", "Kundennummer", "Numero", "",
)  # fmt: skip
OTHERS = ("paid", "humid", "grid", "valid", "covid", "age", "number_of_calls", "id_count", "notes", "noise", "order", "amount")


@pytest.mark.parametrize("name", KEYS)
def test_these_name_rows(name: str) -> None:
    assert is_key_name(name)


@pytest.mark.parametrize("name", OTHERS)
def test_these_do_not(name: str) -> None:
    assert not is_key_name(name)


@pytest.mark.parametrize("name", ["customer_id", "customerID", "CustomerId", "customer id", "CUSTOMER-ID", "Customer.ID"])
def test_a_name_is_the_same_words_in_every_spelling(name: str) -> None:
    assert words_of(name) == ["customer", "id"]
