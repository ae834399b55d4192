"""Whoever changes the ledger behind the director's back is found out, at the order where the change shows first."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import pytest

from policy.ledger import GENESIS, Fault, Finding, Ledger, Sealed, verify
from policy.orders import OrderKind
from policy.sshsig import sign
from tests.policy.ledger_book import Book, adds, key, pin, public, school, signed

PAPER, KEY, ORDER, HANDOVER, REPLACEMENT = OrderKind
BOOK = school()
PLACES = range(1, len(BOOK.sealed) + 1)
KNOWN = verify(BOOK.sealed, pinned=pin("aigul"), signed=True).known
SIGNED, ON_PAPER = True, False
JUDGES = ((SIGNED, KNOWN), (ON_PAPER, frozenset[str]()))
"""Who signs, and what is known of an earlier verification: neither changes where the chain breaks."""


def judge(sealed: list[Sealed], *, signed: bool = SIGNED, known: frozenset[str] = frozenset()) -> Ledger:
    return verify(sealed, pinned=pin("aigul"), signed=signed, known=known)


def assert_found(place: int, sealed: list[Sealed], faults: set[Fault]) -> None:
    """Expect the finding at a place, and exactly those orders before it to hold that need no signature or have it."""
    for signed_here, known in JUDGES:
        ledger = judge(sealed, signed=signed_here, known=known)
        assert ledger.findings[0].sequence == place
        assert ledger.findings[0].fault in faults
        before = place - 1
        # The first order of BOOK is on paper: only with the key behind it does a signature cover it.
        held = 0 if signed_here and before == 1 else before
        assert ledger.orders == tuple(BOOK.orders[:held])
        assert ledger.sequence == before
        assert ledger.head == (BOOK.sealed[before - 1].digest if before else GENESIS)


def assert_found_forged(book: Book, place: int) -> None:
    """Expect that a relinked ledger breaks at a place, whatever an earlier verification knows.

    Where only paper orders stand before, those are as good as any: nothing has been signed that would cover them.
    """
    for signed_here, known in JUDGES:
        ledger = judge(book.sealed, signed=signed_here, known=known)
        assert ledger.findings[0].sequence == place
        assert ledger.findings[0].fault in (Fault.SIGNATURE, Fault.KEY)
        signed_before = any(each.kind is not PAPER for each in book.orders[: place - 1])
        held = 0 if signed_here and not signed_before else place - 1
        assert ledger.orders == tuple(book.orders[:held])


def flips(text: str) -> Iterator[str]:
    """Yield the text with one bit of one byte changed, once for each byte; what is no UTF-8 then stays in as it is."""
    raw = text.encode()
    for at in range(len(raw)):
        yield (raw[:at] + bytes([raw[at] ^ 1 << at % 8]) + raw[at + 1 :]).decode(errors="surrogateescape")


def with_one(place: int, sealed: Sealed) -> list[Sealed]:
    return [*BOOK.sealed[: place - 1], sealed, *BOOK.sealed[place:]]


def digest_of(body: str) -> str:
    return sha256(body.encode(errors="surrogateescape")).hexdigest()


def test_the_ledger_that_is_tampered_with_is_good() -> None:
    for signed_here in (SIGNED, ON_PAPER):
        ledger = judge(BOOK.sealed, signed=signed_here)
        assert (ledger.findings, ledger.orders) == ((), tuple(BOOK.orders))
    assert [each.kind for each in BOOK.orders] == [PAPER, KEY, ORDER, HANDOVER, ORDER, ORDER]


@pytest.mark.parametrize("place", PLACES)
def test_no_byte_of_a_body_can_be_changed(place: int) -> None:
    whole = BOOK.sealed[place - 1]
    for body in flips(whole.body):
        assert_found(place, with_one(place, replace(whole, body=body)), {Fault.DIGEST, Fault.FORM})


@pytest.mark.parametrize("place", PLACES)
def test_no_byte_of_a_digest_can_be_changed(place: int) -> None:
    whole = BOOK.sealed[place - 1]
    for digest in flips(whole.digest):
        assert_found(place, with_one(place, replace(whole, digest=digest)), {Fault.DIGEST})


@pytest.mark.parametrize("place", PLACES)
def test_no_byte_of_a_signature_can_be_changed(place: int) -> None:
    whole = BOOK.sealed[place - 1]
    bad = {Fault.SIGNATURE, Fault.KEY}  # some bits say that another key signed
    for signature in flips(whole.signature):
        assert_found(place, with_one(place, replace(whole, signature=signature)), bad)
    for signature in {whole.signature + "\n", whole.signature + "x", ""} - {whole.signature}:
        assert_found(place, with_one(place, replace(whole, signature=signature)), {*bad, Fault.FORM})


@pytest.mark.parametrize("place", PLACES)
def test_no_byte_of_a_body_can_be_changed_with_its_digest(place: int) -> None:
    """A signed order shows it itself; one on paper by the order after it."""
    whole = BOOK.sealed[place - 1]
    for body in flips(whole.body):
        sealed = with_one(place, replace(whole, body=body, digest=digest_of(body)))
        found = judge(sealed).findings[0]
        assert found.sequence == place or (place, found) == (1, Finding(2, Fault.PREVIOUS))
        assert found.fault is not Fault.DIGEST
        assert judge(sealed, known=KNOWN).findings[0] == found


@pytest.mark.parametrize("place", PLACES)
def test_no_order_can_be_changed_with_all_the_digests_after_it(place: int) -> None:
    """Forgers can make all digests good; the signatures they cannot."""
    forged = BOOK.copy()
    forged.orders[place - 1] = replace(forged.orders[place - 1], note="changed")
    first_signed = max(place, 2)
    assert_found_forged(forged.relinked(place - 1), first_signed)


@pytest.mark.parametrize("place", PLACES[:-1])
def test_no_order_can_be_taken_out(place: int) -> None:
    cut = Book(BOOK.sealed[: place - 1] + BOOK.sealed[place:], BOOK.orders[: place - 1] + BOOK.orders[place:])
    assert_found(place, cut.sealed, {Fault.SEQUENCE})
    # The same with numbers and digests made good.
    assert_found_forged(cut.relinked(place - 1), place)


@pytest.mark.parametrize("place", PLACES[:-1])
def test_no_two_orders_can_change_places(place: int) -> None:
    at = place - 1
    swapped = Book(
        [*BOOK.sealed[:at], BOOK.sealed[place], BOOK.sealed[at], *BOOK.sealed[place + 1 :]],
        [*BOOK.orders[:at], BOOK.orders[place], BOOK.orders[at], *BOOK.orders[place + 1 :]],
    )
    assert_found(place, swapped.sealed, {Fault.SEQUENCE})
    assert_found_forged(swapped.relinked(at), place)


@pytest.mark.parametrize("place", PLACES)
def test_no_order_can_be_repeated(place: int) -> None:
    doubled = Book(
        BOOK.sealed[:place] + BOOK.sealed[place - 1 :],
        BOOK.orders[:place] + BOOK.orders[place - 1 :],
    )
    assert_found(place + 1, doubled.sealed, {Fault.SEQUENCE})
    assert_found_forged(doubled.relinked(place), max(place + 1, 3))


@pytest.mark.parametrize("place", PLACES[1:])
def test_no_order_of_another_key_can_be_put_in(place: int) -> None:
    forged = Book(BOOK.sealed[:place], BOOK.orders[:place]).order("mallory", "bad.example")
    forged.sealed += BOOK.sealed[place:]
    forged.orders += BOOK.orders[place:]
    assert_found(place + 1, forged.sealed, {Fault.KEY})
    assert_found_forged(forged.relinked(place + 1), place + 1)


def test_a_ledger_signed_anew_with_another_key_is_not_the_directors() -> None:
    forged = Book().paper("bad.example").key("mallory").order("mallory", "one.example.org").handover("mallory", "bolot")
    forged.order("bolot", "three.example.org")
    ledger = judge(forged.sealed)
    assert ledger.findings == (Finding(0, Fault.PIN, pin("aigul")),)
    assert ledger.orders == ()
    # Where the director signs paper, the pin refuses nothing, but it tells.
    assert judge(forged.sealed, signed=ON_PAPER).findings == ledger.findings


def test_a_key_put_in_by_somebody_else_opens_nothing() -> None:
    forged = BOOK.copy().replacement("mallory").order("mallory", "bad.example")
    ledger = judge(forged.sealed)
    assert ledger.findings == (Finding(7, Fault.PIN, pin("mallory")),)
    assert ledger.orders == tuple(BOOK.orders)
    assert ledger.key == public("bolot")


def test_the_key_of_the_old_director_signs_nothing_more() -> None:
    assert_found(7, BOOK.copy().order("aigul", "bad.example").sealed, {Fault.KEY})
    assert_found(7, BOOK.copy().handover("aigul", "mallory").sealed, {Fault.KEY})


def test_an_order_on_paper_behind_the_signed_ones_waits_for_a_signature() -> None:
    book = BOOK.copy().paper("bad.example").paper("worse.example")
    ledger = judge(book.sealed)
    assert ledger.findings == (Finding(7, Fault.UNSIGNED, "2"),)
    assert ledger.orders == tuple(BOOK.orders)
    assert (ledger.sequence, ledger.head) == (8, book.head)
    ledger = judge(book.order("bolot").sealed)
    assert (ledger.findings, ledger.orders, ledger.adopted) == ((), tuple(book.orders), 3)


def test_an_order_of_the_same_director_for_another_school_is_not_taken_over() -> None:
    other = Book().paper("else.example").key("aigul").order("aigul", "bad.example")
    assert_found(3, [*BOOK.sealed[:2], other.sealed[2]], {Fault.PREVIOUS})


def test_a_signature_of_another_order_of_the_same_key_does_not_fit() -> None:
    fifth, sixth = BOOK.sealed[4:]
    assert_found(5, with_one(5, replace(fifth, signature=sixth.signature)), {Fault.SIGNATURE})


def test_a_signature_over_the_digest_or_for_another_purpose_does_not_fit() -> None:
    each = BOOK.next(ORDER, additions=adds("bad.example"))
    good = signed(each, "bolot")
    assert judge([*BOOK.sealed, good]).findings == ()
    for namespace, message in (("schoolfilter-order-v1", good.digest), ("file", good.body)):
        other = replace(good, signature=sign(key("bolot"), namespace, message.encode()))
        assert_found(7, [*BOOK.sealed, other], {Fault.SIGNATURE})


@pytest.mark.parametrize("length", range(len(PLACES)))
def test_an_older_ledger_is_known_by_the_anchor_and_by_nothing_else(length: int) -> None:
    head = (len(BOOK.sealed), BOOK.head)
    older = BOOK.sealed[:length]
    for signed_here in (SIGNED, ON_PAPER):
        anchored = verify(older, pinned=pin("aigul"), signed=signed_here, anchor=head)
        alone = verify(older, pinned=pin("aigul"), signed=signed_here)
        assert anchored.findings == (*alone.findings, Finding(head[0], Fault.MISSING, head[1]))
        assert anchored.orders == alone.orders
    assert length < 2 or alone.findings == ()


@pytest.mark.parametrize("place", [0, *PLACES])
def test_a_ledger_that_went_on_still_holds_its_anchor(place: int) -> None:
    digest = BOOK.sealed[place - 1].digest if place else GENESIS
    good = verify(BOOK.sealed, pinned=pin("aigul"), signed=SIGNED, anchor=(place, digest))
    assert good.findings == ()
    # The director's own key, but another past: all links are good, and still it is not the ledger that there was.
    other = Book().paper("else.example").key("aigul").order("aigul").handover("aigul", "bolot").order("bolot")
    other.order("bolot")
    findings = verify(other.sealed, pinned=pin("aigul"), signed=SIGNED, anchor=(place, digest)).findings
    assert findings == ((Finding(place, Fault.MISSING, digest),) if place else ())
