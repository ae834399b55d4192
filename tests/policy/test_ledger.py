"""The ledger: what holds of it under which key, and what is told of the rest."""

from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policy import sshsig
from policy.ledger import GENESIS, NAMESPACE, Fault, Finding, Ledger, Sealed, seal, verify
from policy.ledger_words import describe
from policy.order_text import order_bytes
from policy.orders import OrderKind
from tests.policy.ledger_book import Book, key, order, pin, public, school

PAPER, KEY, ORDER, HANDOVER, REPLACEMENT = OrderKind


def checked(book: Book, *, pinned: str = "", signed: bool = True, anchor: tuple[int, str] | None = None) -> Ledger:
    """Verify a ledger anew and with what is known then: both must say the same."""
    whole = verify(book.sealed, pinned=pinned, signed=signed, anchor=anchor)
    again = verify(book.sealed, pinned=pinned, signed=signed, anchor=anchor, known=whole.known)
    assert again == whole
    assert whole.orders == tuple(book.orders[: len(whole.orders)])
    return whole


def test_the_ledger_of_a_school_holds_under_either_kind_of_approval() -> None:
    book = school()
    for signed_here in (True, False):
        ledger = checked(book, pinned=pin("aigul"), signed=signed_here)
        assert ledger.findings == ()
        assert ledger.orders == tuple(book.orders)
        assert (ledger.head, ledger.sequence) == (book.sealed[-1].digest, 6)
        assert ledger.key == public("bolot")
        assert ledger.adopted == 1


def test_a_new_school_has_nothing_and_nothing_wrong() -> None:
    for signed_here in (True, False):
        assert checked(Book(), signed=signed_here) == Ledger((), GENESIS, 0, "", (), frozenset(), 0)


Write = Callable[[Book], Book]


@pytest.mark.parametrize(
    ("write", "pinned", "held", "findings", "key", "adopted"),
    [
        (lambda book: book.paper(), "", 0, [Finding(0, Fault.PIN, "")], "", 0),
        (lambda book: book.paper(), "aigul", 0, [Finding(0, Fault.PIN, pin("aigul"))], "", 0),
        (lambda book: book, "aigul", 0, [Finding(0, Fault.PIN, pin("aigul"))], "", 0),
        (lambda book: book.key("aigul"), "", 0, [Finding(0, Fault.PIN, "")], "", 0),
        (lambda book: book.key("aigul"), "bolot", 0, [Finding(0, Fault.PIN, pin("bolot"))], "", 0),
        (lambda book: book.paper().paper().key("aigul"), "aigul", 3, [], "aigul", 2),
        (
            lambda book: book.paper().key("aigul").paper().paper(),
            "aigul", 2, [Finding(3, Fault.UNSIGNED, "2")], "aigul", 1,
        ),
        (lambda book: book.key("aigul").paper().paper().order("aigul"), "aigul", 4, [], "aigul", 2),
        # A handover goes on with the trust; the pin stays with the first key.
        (lambda book: book.key("aigul").handover("aigul", "bolot").order("bolot"), "aigul", 3, [], "bolot", 0),
        (
            lambda book: book.key("aigul").handover("aigul", "bolot").order("bolot"),
            "bolot", 0, [Finding(0, Fault.PIN, pin("bolot"))], "", 0,
        ),
        # A replacement needs a new pin, which covers all that was before.
        (lambda book: book.key("aigul").order("aigul").replacement("bolot"), "bolot", 3, [], "bolot", 0),
        (
            lambda book: book.key("aigul").order("aigul").replacement("bolot").order("bolot"),
            "aigul", 2, [Finding(3, Fault.PIN, pin("bolot"))], "aigul", 0,
        ),
        (
            lambda book: book.key("aigul").paper().replacement("bolot"),
            "aigul", 1, [Finding(3, Fault.PIN, pin("bolot")), Finding(2, Fault.UNSIGNED, "1")], "aigul", 0,
        ),
        (lambda book: book.key("aigul").paper().replacement("bolot"), "bolot", 3, [], "bolot", 1),
        (
            lambda book: book.key("aigul").replacement("bolot").handover("bolot", "chinara").replacement("dana"),
            "bolot", 3, [Finding(4, Fault.PIN, pin("dana"))], "chinara", 0,
        ),
    ],
)  # fmt: skip
def test_what_holds_when_the_director_signs(
    write: Write, pinned: str, held: int, findings: list[Finding], key: str, adopted: int
) -> None:
    book = write(Book())
    ledger = checked(book, pinned=pin(pinned) if pinned else "")
    assert len(ledger.orders) == held
    assert list(ledger.findings) == findings
    assert ledger.key == (public(key) if key else "")
    assert ledger.adopted == adopted
    assert (ledger.sequence, ledger.head) == (len(book.sealed), book.head)


@pytest.mark.parametrize(
    ("write", "pinned"),
    [
        (lambda book: book.key("aigul").handover("aigul", "bolot").replacement("aigul").order("aigul"), "aigul"),
        (lambda book: book.key("aigul").replacement("bolot").replacement("aigul"), "bolot"),
    ],
)
@pytest.mark.parametrize("signed", [True, False])
def test_a_key_that_was_given_away_or_lost_does_not_come_back_by_its_own_word(
    write: Write, pinned: str, signed: bool
) -> None:
    ledger = checked(write(Book()), pinned=pin(pinned), signed=signed)
    assert [(each.sequence, each.fault) for each in ledger.findings] == [(3, Fault.KEY)]
    assert (len(ledger.orders), ledger.key) == (2, public("bolot"))


@pytest.mark.parametrize(
    ("write", "pinned", "findings", "adopted"),
    [
        (lambda book: book.paper().paper(), "", [], 0),
        (lambda book: book.paper().key("aigul").paper(), "", [], 1),
        (lambda book: book.paper().key("aigul").paper(), "aigul", [], 1),
        (lambda book: book.key("aigul").replacement("bolot").order("bolot").paper(), "", [], 0),
        (lambda book: book.paper(), "aigul", [Finding(0, Fault.PIN, pin("aigul"))], 0),
        (lambda book: book.key("aigul").replacement("bolot"), "aigul", [Finding(2, Fault.PIN, pin("bolot"))], 0),
    ],
)
def test_all_that_is_well_linked_holds_when_the_director_signs_paper(
    write: Write, pinned: str, findings: list[Finding], adopted: int
) -> None:
    book = write(Book())
    ledger = checked(book, pinned=pin(pinned) if pinned else "", signed=False)
    assert ledger.orders == tuple(book.orders)
    assert list(ledger.findings) == findings
    assert ledger.adopted == adopted


@pytest.mark.parametrize(
    ("write", "fault", "detail"),
    [
        (lambda book: book.paper().order("aigul"), Fault.KEY, ""),
        (lambda book: book.paper().handover("aigul", "bolot"), Fault.KEY, ""),
        (lambda book: book.paper().replacement("aigul"), Fault.KEY, ""),
        (lambda book: book.key("aigul").key("aigul"), Fault.KEY, ""),
        (lambda book: book.key("aigul").key("bolot"), Fault.KEY, ""),
        (lambda book: book.key("aigul").order("bolot"), Fault.KEY, pin("bolot")),
        (lambda book: book.key("aigul").handover("bolot", "bolot"), Fault.KEY, pin("bolot")),
        (lambda book: book.key("aigul").handover("aigul", "bolot").order("aigul"), Fault.KEY, pin("aigul")),
        (lambda book: book.key("aigul").replacement("bolot").order("aigul"), Fault.KEY, pin("aigul")),
        (
            lambda book: book.key("aigul").add(REPLACEMENT, "aigul", key=public("bolot"), document="act 1"),
            Fault.KEY, pin("aigul"),
        ),
        (lambda book: book.paper().add(KEY, "bolot", key=public("aigul")), Fault.KEY, pin("bolot")),
        (lambda book: book.key("aigul").add(ORDER), Fault.SIGNATURE, ""),
        (lambda book: book.paper().add(KEY, key=public("aigul")), Fault.SIGNATURE, ""),
        (
            lambda book: book.key("aigul").add(PAPER, "aigul"),
            Fault.FORM, "expected an order on paper without a signature, found one",
        ),
    ],
)  # fmt: skip
def test_an_order_signed_by_one_who_may_not_breaks_the_chain(write: Write, fault: Fault, detail: str) -> None:
    book = write(Book())
    held = len(book.sealed) - 1
    ledger = checked(book.paper(), signed=False)
    assert ledger.findings == (Finding(held + 1, fault, detail),)
    assert len(ledger.orders) == held
    assert (ledger.sequence, ledger.head) == (held, book.sealed[held - 1].digest)


def test_a_signature_made_for_something_else_is_none() -> None:
    book = Book().key("aigul")
    each = book.next(ORDER)
    for namespace, findings in (("file", (Finding(2, Fault.SIGNATURE),)), (NAMESPACE, ())):
        signature = sshsig.sign(key("aigul"), namespace, order_bytes(each))
        whole = Book([*book.sealed, seal(each, signature)], [*book.orders, each])
        assert checked(whole, signed=False).findings == findings


def test_what_was_found_good_is_not_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    book = school()
    known = checked(book, pinned=pin("aigul")).known
    judged: list[str] = []
    real = sshsig.verify

    def judge(public_key: str, namespace: str, message: bytes, armored: str) -> bool:
        judged.append(armored)
        return real(public_key, namespace, message, armored)

    monkeypatch.setattr(sshsig, "verify", judge)
    book.order("bolot", "new.example.org")
    ledger = verify(book.sealed, pinned=pin("aigul"), signed=True, known=known)
    assert ledger.orders == tuple(book.orders)
    assert judged == [book.sealed[-1].signature]
    assert len(ledger.known) == len(book.sealed)


def test_what_one_ledger_knows_opens_nothing_in_another() -> None:
    """The same body and signature are good after one key and bad after another."""
    book = school()
    known = checked(book, pinned=pin("aigul")).known
    other = Book().paper("kitap.example.org").key("bolot")
    stolen = Book([*other.sealed, *book.sealed[2:]], [*other.orders, *book.orders[2:]])
    assert verify(stolen.sealed, pinned=pin("bolot"), signed=True, known=known).findings == (
        Finding(3, Fault.PREVIOUS),
    )
    moved = stolen.relinked(2)
    assert verify(moved.sealed, pinned=pin("bolot"), signed=True, known=known).findings == (
        Finding(3, Fault.KEY, pin("aigul")),
    )
    # What is known is only what the ledger at hand holds: it does not grow with every change.
    assert len(verify(book.sealed[:2], pinned=pin("aigul"), signed=True, known=known).known) == 2


@given(st.lists(st.builds(Sealed, st.text(), st.text(), st.text()), min_size=1), st.integers(0, 6), st.booleans())
@example([Sealed("\ud800", "", "\ud800")], 0, False)
@example([Sealed("{}", sha256(b"{}").hexdigest())], 2, True)
def test_garbage_in_a_ledger_is_a_finding_and_no_error(garbage: list[Sealed], at: int, signed_here: bool) -> None:
    book = school()
    ledger = verify([*book.sealed[:at], *garbage], pinned=pin("aigul"), signed=signed_here, anchor=(-2, "x"))
    assert (ledger.findings[0].sequence, ledger.sequence) == (at + 1, at)
    assert ledger.orders == tuple(book.orders[: len(ledger.orders)])
    assert all(describe(each) for each in ledger.findings)


FINDINGS = [
    *(Finding(3, fault, "detail") for fault in Fault),
    Finding(3, Fault.KEY),
    Finding(0, Fault.PIN, "SHA256:x"),
    Finding(0, Fault.PIN),
]


def test_each_finding_is_told_in_words_of_its_own_with_the_next_step() -> None:
    told = [describe(each) for each in FINDINGS]
    assert len(set(told)) == len(FINDINGS)
    for finding, text in zip(FINDINGS, told, strict=True):
        assert "{" not in text
        assert not finding.sequence or "no. 3" in text
        assert (
            not finding.detail
            or finding.detail in text
            or finding.fault in (Fault.DIGEST, Fault.PREVIOUS, Fault.SIGNATURE)
        )
        assert any(step in text for step in ("orders restore", "Let the director sign", "approval.director_key")), text


def test_what_is_kept_is_the_very_text_that_is_signed() -> None:
    each = order(kind=PAPER)
    sealed = seal(each, "signature")
    assert sealed.body.encode() == order_bytes(each)
    assert sealed == Sealed(sealed.body, sha256(order_bytes(each)).hexdigest(), "signature")
