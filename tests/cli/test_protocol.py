"""The council's protocol: given with its date or not at all, and named in the language in use."""

from datetime import UTC, date, datetime

import pytest

from cli import words
from cli.errors import Misuse
from cli.protocol import document_of, document_words
from policy.orders import Order, OrderKind


@pytest.mark.parametrize(
    ("number", "day", "document"),
    [
        (None, None, ""),
        ("3", "2026-09-01", "protocol 3 of 2026-09-01"),
        (" №3/а ", " 2026-09-01 ", "protocol №3/а of 2026-09-01"),
    ],
)
def test_number_and_date_make_the_document(number: str | None, day: str | None, document: str) -> None:
    assert document_of(number, day) == document


@pytest.mark.parametrize(
    ("number", "day", "told"),
    [
        ("3", None, "such as --protocol 3 --date 2026-09-01, found only one of the two"),
        (None, "2026-09-01", "found only one of the two"),
        ("  ", "2026-09-01", "found only one of the two"),
        ("3", "2026-13-01", "--date: expected a day as YYYY-MM-DD"),
        ("3" * 41, "2026-09-01", "--protocol: expected at most 40 characters"),
        ("3\x1b", "2026-09-01", "--protocol: expected at most 40 characters"),
    ],
)
def test_half_of_it_or_what_is_none_is_refused(number: str | None, day: str | None, told: str) -> None:
    with pytest.raises(Misuse) as refused:
        document_of(number, day)
    assert told in refused.value.message


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("", "without a document"),
        ("protocol 3 of 2026-09-01", "protocol 3 of 2026-09-01"),
        ("paper order 12 of 2026-09-02", "paper order 12 of 2026-09-02"),
        ("order 1 of 2 of 2026-09-02", "order 1 of 2 of 2026-09-02"),
        ("paper, no order, of 2026-09-02", "paper order without a number, of 2026-09-02"),
        ("key of 2026-09-02", "the director's key of 2026-09-02"),
        ("handover of 2026-09-02", "handover of the key of 2026-09-02"),
        ("replacement of 2026-09-02", "replacement of the key of 2026-09-02"),
        ("anything else", "anything else"),
    ],
)
def test_a_document_is_named(document: str, expected: str) -> None:
    assert document_words(document) == expected


def test_the_day_of_a_document_is_written_as_on_the_paper_around_it() -> None:
    def written(day: date) -> str:
        return f"{day:%d.%m.%Y}"

    assert document_words("protocol 3 of 2026-09-01", written) == "protocol 3 of 01.09.2026"
    assert document_words("order 1 of 2 of 2026-09-02", written) == "order 1 of 2 of 02.09.2026"
    assert document_words("order 12 of 2026-13-02", written) == "order 12 of 2026-13-02"
    assert document_words("", written) == "without a document"


@pytest.mark.parametrize(
    ("kind", "number"),
    [(OrderKind.PAPER, "12"), (OrderKind.ORDER, "12")]
    + [(kind, "") for kind in OrderKind if kind is not OrderKind.ORDER],
)
def test_every_order_is_named_as_other_commands_name_it(kind: OrderKind, number: str) -> None:
    order = Order(
        sequence=1,
        kind=kind,
        number=number,
        date=date(2026, 9, 2),
        previous="",
        entered_at=datetime(2026, 9, 2, tzinfo=UTC),
        entered_by="",
        school="",
    )
    assert document_words(order.document_text) == words.document_of(order)
