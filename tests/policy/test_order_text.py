"""One text for each order: what was signed once is read for ever, and what could not be read again is not written."""

import json
import unicodedata
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policy.order_text import MOST_ENTRIES, InvalidOrder, order_bytes, parse_order, reread_order
from policy.orders import Addition, Order, OrderKind, Permit, Removal, Scope
from tests.policy.ledger_book import adds, order, public

PAPER, KEY, ORDER, HANDOVER, REPLACEMENT = OrderKind

FULL = order(
    sequence=3,
    previous="ab" * 32,
    additions=(
        Addition("example.org", None, Scope.ALWAYS, None, 'сабақ "химия"'),
        Addition("video.example.org", "class-9", Scope.LESSONS, date(2026, 12, 31), ""),
    ),
    removals=(Removal("example.org", "class-9"), Removal("xn--80aswg.example.org")),
    permit=Permit(45),
    note="a\\b",
    requests=(7, 4),
)
FULL_TEXT = (
    '{"additions":[{"group":null,"name":"example.org","reason":"сабақ \\"химия\\"","scope":"always","until":null},'
    '{"group":"class-9","name":"video.example.org","reason":"","scope":"lessons","until":"2026-12-31"}],'
    '"date":"2026-09-02","document":"","entered_at":"2026-09-01T09:30:00+00:00","entered_by":"teacher",'
    '"format":"schoolfilter order v1","key":"","kind":"order","note":"a\\\\b","number":"12","permit":{"minutes":45},'
    f'"previous":"{"ab" * 32}",'
    '"removals":[{"group":"class-9","name":"example.org"},{"group":null,"name":"xn--80aswg.example.org"}],'
    '"requests":[7,4],"school":"№ 12 мектеп","sequence":3}'
)


def test_the_text_of_an_order_is_this_one_for_ever() -> None:
    """What was signed once must be read by every later version: if this fails, make another format beside this one."""
    assert order_bytes(FULL).decode() == FULL_TEXT
    assert parse_order(FULL_TEXT.encode()) == FULL


def test_letters_are_written_in_their_one_form() -> None:
    apart, whole = "кра\u0438\u0306", "кра\u0439"
    typed = order(note=apart, additions=(Addition("example.org", reason=apart),))
    assert parse_order(order_bytes(typed)) == order(note=whole, additions=(Addition("example.org", reason=whole),))
    with pytest.raises(InvalidOrder, match="canonical form"):
        parse_order(order_bytes(typed).decode().replace(whole, apart).encode())


ADDED = adds("example.org")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sequence": 0}, "'sequence' of an order .* found 0"),
        ({"sequence": True}, "'sequence'"),
        ({"kind": "decree"}, "'kind' .* found 'decree'"),
        ({"number": "1" * 41}, "at most 40 visible characters on one line as number"),
        ({"number": ""}, "expected the number of the order, found none"),
        ({"number": "", "kind": PAPER, "additions": ADDED}, "expected the number of the order, found none"),
        ({"number": "", "kind": PAPER, "permit": Permit(45)}, "expected the number of the order, found none"),
        ({"date": datetime(2026, 9, 2, tzinfo=UTC)}, "'date'"),
        ({"previous": "AB" * 32}, "'previous'"),
        ({"previous": "ab"}, "'previous'"),
        ({"additions": adds("Example.org")}, "expected a domain name in small letters .* found 'Example.org'"),
        ({"additions": adds("пример.example")}, "expected a domain name"),
        ({"additions": adds("example.org.")}, "expected a domain name"),
        ({"additions": adds("192.0.2.1")}, "expected a domain name"),
        ({"additions": adds("\ud800.example")}, "expected a domain name"),
        ({"additions": adds("")}, "expected a domain name"),
        ({"additions": adds("example.org", "example.org")}, "found example.org several times"),
        ({"additions": ADDED, "removals": (Removal("example.org"),)}, "found example.org several times"),
        ({"removals": (Removal("example.org", "a"), Removal("example.org", "a"))}, "found example.org several times"),
        ({"additions": (Addition("example.org", ""),)}, "'group'"),
        ({"additions": (Addition("example.org", "Класс 9"),)}, "'group'"),
        ({"additions": (Addition("example.org", reason="x" * 301),)}, "at most 300 visible characters"),
        ({"additions": (Addition("example.org", reason="\u202egro.elpmaxe"),)}, "visible characters on one line"),
        ({"additions": (Addition("example.org", scope="never"),)}, "'scope'"),  # type: ignore[arg-type] # on purpose
        ({"removals": (Removal("Example.org"),)}, "expected a domain name"),
        ({"permit": Permit(-1)}, "'minutes'"),
        ({"permit": Permit(24 * 60 + 1)}, "'minutes'"),
        ({"permit": Permit(1.5)}, "'minutes' .* found float"),  # type: ignore[arg-type] # on purpose
        ({"key": public("aigul")}, "'key'"),
        ({"kind": PAPER, "key": public("aigul")}, "'key'"),
        ({"kind": KEY}, "order about a key to name one"),
        ({"kind": KEY, "key": public("aigul") + " aigul"}, "expected a public key"),
        ({"kind": KEY, "key": public("aigul"), "additions": ADDED}, "change nothing else"),
        ({"kind": HANDOVER, "key": public("aigul"), "permit": Permit(45)}, "change nothing else"),
        ({"kind": REPLACEMENT, "key": public("aigul")}, "expected the paper act .* found no document"),
        ({"note": "two\nlines"}, "visible characters on one line as note"),
        ({"note": "x" * 1001}, "at most 1000 visible"),
        ({"note": "\ud800"}, "visible characters on one line as note"),
        ({"document": "\x1b[31m"}, "visible characters on one line as document"),
        ({"entered_by": "x" * 101}, "as entered_by"),
        ({"school": "a\u200bb"}, "as school"),
        ({"entered_at": datetime(2026, 9, 1, 9, 30)}, "'entered_at'"),  # noqa: DTZ001 - on purpose
        ({"entered_at": datetime(2026, 9, 1, 9, 30, tzinfo=ZoneInfo("Asia/Almaty"))}, "'entered_at'"),
        ({"entered_at": datetime(2026, 9, 1, 9, 30, 0, 1, tzinfo=UTC)}, "'entered_at'"),
        ({"requests": (0,)}, "'requests'"),
        ({"requests": (4, 4)}, "'requests'"),
    ],
    ids=str,
)
def test_an_order_that_could_not_be_read_again_is_not_written(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidOrder, match=told):
        order_bytes(order(**changes))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"number":"12",', ""),
        ('"number":"12"', '"number":"12","more":1'),
        ('"number":"12"', '"number":"11","number":"12"'),
        ('"number":"12"', '"number": "12"'),
        ('"number":"12"', '"number":"\\u0031\\u0032"'),
        ('"number":"12"', '"number":12'),
        ('"number":"12"', '"number":null'),
        ('"number":"12"', '"number":["12"]'),
        ('"sequence":3', '"sequence":3.0'),
        ('"sequence":3', '"sequence":03'),
        ('"sequence":3', '"sequence":NaN'),
        ('"sequence":3', '"sequence":9007199254740992'),
        ('"sequence":3', f'"sequence":1{"0" * 5000}'),
        ('"sequence":3}', '"sequence":3}\n'),
        ('"sequence":3}', '"sequence":3} {}'),
        ('"sequence":3', f'"sequence":{"[" * 100_000}'),
        ('"sequence":3', f'"sequence":{"[" * 500}{"]" * 500}'),
        ("order v1", "order v2"),
        ('"date":"2026-09-02"', '"date":"20260902"'),
        ('"date":"2026-09-02"', '"date":"2026-W36-3"'),
        ('"date":"2026-09-02"', '"date":"2026-09-31"'),
        ('"until":"2026-12-31"', '"until":"2026-13-31"'),
        ('"until":"2026-12-31"', '"until":""'),
        ('"until":"2026-12-31"', '"unless":"2026-12-31"'),
        ("09:30:00+00:00", "09:30:00Z"),
        ("09:30:00+00:00", "09:30:00-00:00"),
        ("09:30:00+00:00", "14:30:00+05:00"),
        ("09:30:00+00:00", "09:30+00:00"),
        ('"permit":{"minutes":45}', '"permit":45'),
        ('"permit":{"minutes":45}', '"permit":{"minutes":true}'),
        ('"permit":{"minutes":45}', '"permit":{}'),
        ('"requests":[7,4]', '"requests":{"7":4}'),
        ('"requests":[7,4]', '"requests":[7,true]'),
        ('{"group":"class-9","name":"example.org"}', '["class-9","example.org"]'),
        ('"scope":"lessons"', '"scope":"LESSONS"'),
        ('"scope":"lessons"', '"scope":{}'),
    ],
    ids=lambda text: text[:40],
)
def test_a_text_in_another_form_is_no_order(old: str, new: str) -> None:
    assert FULL_TEXT.count(old) == 1
    with pytest.raises(InvalidOrder):
        parse_order(FULL_TEXT.replace(old, new).encode())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"\xef\xbb\xbf" + FULL_TEXT.encode(),
        b"[" * 100_000,
        FULL_TEXT.replace("order v1", "order v2").encode(),
    ],
    ids=lambda text: repr(text[:8]),
)
def test_what_is_no_order_is_told_from_one(text: bytes) -> None:
    with pytest.raises(InvalidOrder, match=r"expected the text of an order \(schoolfilter order v1\), found"):
        parse_order(text)


def test_one_order_is_large_enough_for_a_bundle_and_no_larger() -> None:
    bundle = adds(*(f"n{number}.example.org" for number in range(MOST_ENTRIES + 1)))
    assert parse_order(order_bytes(order(additions=bundle[1:]))).additions == bundle[1:]
    with pytest.raises(InvalidOrder, match="at most 20000 additions in one order, found 20001"):
        order_bytes(order(additions=bundle))


names = st.from_regex(r"[a-z]{1,8}(\.[a-z]{2,5}){1,2}", fullmatch=True)
groups = st.none() | st.from_regex(r"[a-z][a-z0-9-]{0,5}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=20).map(
    lambda text: unicodedata.normalize("NFC", text)
)
days = st.dates()
additions = st.builds(Addition, names, groups, st.sampled_from(Scope), st.none() | days, texts)
removals = st.builds(Removal, names, groups)


@st.composite
def some_orders(draw: st.DrawFn) -> Order:
    entries = draw(st.lists(additions | removals, max_size=6, unique_by=lambda each: (each.name, each.group)))
    return order(
        sequence=draw(st.integers(1, 2**53 - 1)),
        kind=draw(st.sampled_from([PAPER, ORDER])),
        number=draw(texts.filter(bool)),
        date=draw(days),
        previous=draw(st.binary(min_size=32, max_size=32)).hex(),
        additions=tuple(each for each in entries if isinstance(each, Addition)),
        removals=tuple(each for each in entries if isinstance(each, Removal)),
        permit=draw(st.none() | st.builds(Permit, st.integers(0, 24 * 60))),
        document=draw(texts),
        note=draw(texts),
        entered_at=draw(st.datetimes(timezones=st.just(UTC))).replace(microsecond=0),
        entered_by=draw(texts),
        requests=tuple(draw(st.lists(st.integers(1, 2**53 - 1), unique=True, max_size=4))),
        school=draw(texts),
    )


@given(some_orders())
def test_an_order_is_read_as_it_was_written(written: Order) -> None:
    text = order_bytes(written)
    assert parse_order(text) == written
    assert reread_order(text.decode()) == written


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(
    st.binary()
    | st.tuples(st.sampled_from(sorted(json.loads(FULL_TEXT))), json_values).map(
        lambda change: json.dumps(
            json.loads(FULL_TEXT) | {change[0]: change[1]}, ensure_ascii=False, sort_keys=True, separators=(",", ":")
        ).encode()
    )
)
@example(FULL_TEXT.encode())
def test_a_text_is_refused_or_is_the_one_text_of_its_order(text: bytes) -> None:
    try:
        read = parse_order(text)
    except InvalidOrder:
        return
    assert order_bytes(read) == text
