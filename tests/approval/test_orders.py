"""Orders: what the director approves opens, what nobody approved does not, and nothing is entered by halves."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from approval import key_file
from approval.ledger_book import DoubtfulLedger, pin_of, restoration
from approval.orders import Draft, NotTheKey, UnfitOrder, approve, draft_of, enter_on_paper, next_number
from policy.ledger import Fault, Sealed, verify
from policy.orders import Addition, OrderKind, Permit, Removal, Scope
from storage.approval_db import ApprovalDb
from storage.ledger_mending import mend
from storage.ledger_rows import LedgerMoved
from storage.policy_rows import UnknownGroup
from storage.requests import NewRequest, Outcome, Request, RequestKind, UnknownRequest
from tests.approval.school import AT, BY, DAY, Office, office
from tests.policy.ledger_book import Book, adds


@pytest.fixture
async def school(tmp_path: Path) -> Office:
    return (await office(tmp_path)).signed


# -- drawn up ----------------------------------------------------------------------------------------------------------


def test_an_order_does_what_its_requests_ask_for() -> None:
    end = date(2027, 5, 25)
    asked = [
        Request(3, RequestKind.ALLOW, "a.example", None, Scope.ALWAYS, end, "chemistry", "", AT, BY),
        Request(4, RequestKind.ALLOW, "b.example", "pupils", Scope.LESSONS, None, "", "", AT, BY),
        Request(7, RequestKind.REMOVE, "c.example", None, Scope.ALWAYS, None, "", "", AT, BY),
    ]
    draft = draft_of(asked, number="12", day=DAY, permit=Permit(45), note="as discussed")
    assert draft.additions == (
        Addition("a.example", None, Scope.ALWAYS, end, "chemistry"),
        Addition("b.example", "pupils", Scope.LESSONS),
    )
    assert draft.removals == (Removal("c.example"),)
    assert (draft.requests, draft.permit, draft.note) == ((3, 4, 7), Permit(45), "as discussed")


@pytest.mark.parametrize(
    ("kind", "scope"),
    [(RequestKind.REMOVE, Scope.ALWAYS), (RequestKind.ALLOW, Scope.LESSONS)],
    ids=["removal", "scope"],
)
def test_two_requests_about_one_entry_are_not_both_approved(kind: RequestKind, scope: Scope) -> None:
    first = Request(3, RequestKind.ALLOW, "a.example", None, Scope.ALWAYS, None, "", "", AT, BY)
    second = replace(first, id=5, kind=kind, scope=scope)
    with pytest.raises(UnfitOrder, match=r"requests 3 and 5 are both about a\.example"):
        draft_of([first, second], number="12", day=DAY)
    assert draft_of([first, replace(second, group="pupils")], number="12", day=DAY).requests == (3, 5)


@pytest.mark.parametrize(
    ("numbers", "following"),
    [((), "1"), (("12",), "13"), (("12", "9"), "13"), (("7-П", "3"), "4"), (("№ 5",), "1"), (("٣",), "1")],
)
async def test_the_next_number_follows_the_highest(tmp_path: Path, numbers: tuple[str, ...], following: str) -> None:
    school = await office(tmp_path)
    for number in numbers:
        await school.paper(f"n{number.encode().hex()}.example", number=number)
    assert next_number(await school.book()) == following


# -- by the key --------------------------------------------------------------------------------------------------------


async def test_a_request_opens_nothing_until_it_is_approved(school: Office) -> None:
    key = await school.make_key()
    asked = await school.ask("a.example", "b.example")
    assert await school.opened() == set()
    entered = await school.approve(asked, key)
    assert await school.opened() == {"a.example", "b.example"}
    assert await school.open_requests() == []
    assert entered.order.requests == tuple(each.id for each in asked)
    decided = await ApprovalDb(school.policy).requests(only_open=False)
    assert {(each.outcome, each.sequence) for each in decided} == {(Outcome.APPROVED, entered.order.sequence)}


async def test_what_is_approved_stands_in_the_audit_trail_with_the_order(school: Office) -> None:
    key = await school.make_key()
    await school.approve(await school.ask("a.example"), key)
    change = (await school.policy.changes())[-1]
    assert (change.what, change.by, change.document) == ("order", BY, "order 13 of 2026-09-02")
    assert change.detail["opens"] == [["a.example", ""]]
    assert await school.policy.verify_audit() is None


async def test_a_removal_that_is_approved_closes_the_name(school: Office) -> None:
    key = await school.make_key()
    await school.approve(await school.ask("a.example", "b.example"), key)
    await school.approve(await school.ask("a.example", kind=RequestKind.REMOVE), key, number="14")
    assert await school.opened() == {"b.example"}


async def test_another_key_signs_nothing(school: Office) -> None:
    await school.make_key()
    asked = await school.ask("a.example")
    _locked, other = key_file.create("some words of another person")
    with pytest.raises(NotTheKey, match="expected the key in force"):
        await school.approve(asked, other)
    assert await school.opened() == set()
    assert await school.open_requests() == ["a.example"]
    assert len((await school.book()).rows) == 1


async def test_without_a_key_nothing_is_signed(school: Office) -> None:
    _locked, key = key_file.create("some words of another person")
    with pytest.raises(NotTheKey, match="orders key create"):
        await school.approve(await school.ask("a.example"), key)


async def test_of_two_who_approve_at_once_the_second_changes_nothing(school: Office) -> None:
    key = await school.make_key()
    [first, second] = await school.ask("a.example", "b.example")
    shown = await school.book()
    await school.approve([first], key)
    draft = draft_of([second], number="14", day=DAY)
    with pytest.raises(LedgerMoved, match="another order was entered meanwhile"):
        await approve(school.policy, school.settings, shown, draft, key, at=AT, by=BY)
    assert await school.opened() == {"a.example"}
    assert await school.open_requests() == ["b.example"]


async def test_a_request_that_was_withdrawn_meanwhile_is_not_approved(school: Office) -> None:
    key = await school.make_key()
    asked = await school.ask("a.example", "b.example")
    await ApprovalDb(school.policy).close([asked[0].id], Outcome.WITHDRAWN, at=AT, by=BY)
    with pytest.raises(UnknownRequest):
        await school.approve(asked, key)
    assert await school.opened() == set()
    assert await school.open_requests() == ["b.example"]


async def test_an_order_for_a_group_that_was_removed_is_not_entered(school: Office) -> None:
    key = await school.make_key()
    database = ApprovalDb(school.policy)
    await database.ask([NewRequest(RequestKind.ALLOW, "a.example", "guests")], at=AT, by=BY)
    await school.policy.remove_group("guests", force=True, at=AT, by=BY)
    with pytest.raises(UnknownGroup):
        await school.approve(await database.requests(), key)
    assert len((await school.book()).rows) == 1


@pytest.mark.parametrize(
    "draft",
    [
        Draft(number="", date=DAY, additions=(Addition("a.example"),)),
        Draft(number="1" * 41, date=DAY, additions=(Addition("a.example"),)),
        Draft(number="12", date=DAY, additions=(Addition("A.example"),)),
        Draft(number="12", date=DAY, additions=(Addition("a.example"), Addition("a.example"))),
        Draft(number="12", date=DAY, note="two\nlines"),
    ],
    ids=["no-number", "long-number", "no-name", "twice", "two-lines"],
)
async def test_what_could_not_be_read_again_is_not_entered(school: Office, draft: Draft) -> None:
    key = await school.make_key()
    with pytest.raises(UnfitOrder):
        await approve(school.policy, school.settings, await school.book(), draft, key, at=AT, by=BY)
    assert len((await school.book()).rows) == 1


# -- on paper ----------------------------------------------------------------------------------------------------------


async def test_a_paper_order_is_in_force_at_once_and_says_that_it_is_one(tmp_path: Path) -> None:
    school = await office(tmp_path)
    await school.paper("a.example")
    entry = (await school.snapshot()).views["pupils"].allow["a.example"]
    assert entry.document == "paper order 12 of 2026-09-02"


async def test_a_request_can_be_answered_by_a_paper_order(tmp_path: Path) -> None:
    school = await office(tmp_path)
    draft = draft_of(await school.ask("a.example"), number="12", day=DAY)
    entered = await enter_on_paper(school.policy, school.settings, draft, at=AT, by=BY)
    assert entered.order.kind is OrderKind.PAPER
    assert await school.opened() == {"a.example"}
    assert await school.open_requests() == []


async def test_where_the_director_signs_paper_orders_wait_for_the_next_signature(tmp_path: Path) -> None:
    school = await office(tmp_path)
    key = await school.make_key()
    await school.paper("a.example")  # by a teacher who set approval.mode to "paper" for a moment
    assert await school.signed.opened() == set()
    book = await school.signed.book()
    assert [finding.fault for finding in book.ledger.findings] == [Fault.UNSIGNED]
    assert [order.number for order in book.unconfirmed()] == ["12"]
    await school.signed.approve(await school.ask("b.example"), key)
    assert await school.signed.opened() == {"a.example", "b.example"}
    assert (await school.signed.book()).ledger.findings == ()


# -- changed by hand ---------------------------------------------------------------------------------------------------

_FORGED = Book().order("stranger", "casino.example").sealed[0]
_RENAMED = "UPDATE orders SET body = replace(body, 'a.example', 'z.example') WHERE sequence = 2"
_INSERTED = "INSERT INTO orders VALUES (?, ?, ?, ?)"
TAMPERING: dict[str, tuple[Fault, str, tuple[object, ...]]] = {
    "another-name": (Fault.DIGEST, _RENAMED, ()),
    "no-signature": (Fault.SIGNATURE, "UPDATE orders SET signature = '' WHERE sequence = 2", ()),
    "signed-by-a-stranger": (
        Fault.KEY,
        "UPDATE orders SET signature = ? WHERE sequence = 2",
        (_FORGED.signature,),
    ),
    "the-last-one-gone": (Fault.MISSING, "DELETE FROM orders WHERE sequence = 3", ()),
    "one-in-the-middle-gone": (Fault.SEQUENCE, "DELETE FROM orders WHERE sequence = 2", ()),
    "all-gone": (Fault.MISSING, "DELETE FROM orders", ()),
    "rubbish": (Fault.DIGEST, _INSERTED, (4, "open casino.example", "", "")),
    "forged": (Fault.SEQUENCE, _INSERTED, (4, _FORGED.body, _FORGED.digest, _FORGED.signature)),
}


@pytest.mark.parametrize("tampering", TAMPERING)
async def test_who_edits_the_database_gains_nothing_and_is_found(school: Office, tampering: str) -> None:
    key = await school.make_key()
    await school.approve(await school.ask("a.example"), key)
    await school.approve(await school.ask("b.example"), key, number="14")
    waiting = await school.ask("c.example")
    fault, statement, values = TAMPERING[tampering]
    school.by_hand(statement, *values)
    assert await school.opened() == {"a.example", "b.example"}
    book = await school.book()
    assert fault in [finding.fault for finding in book.ledger.findings]
    with pytest.raises(DoubtfulLedger, match=r"Ledger, no\. "):
        await school.approve(waiting, key, number="15")
    assert await school.open_requests() == ["c.example"]

    plan = restoration(book, school.settings)
    assert plan is not None
    aside = await mend(school.policy, plan.before, plan.taken_out, plan.put_back, at=AT, by=BY)
    assert (aside is not None) == bool(plan.taken_out)
    if aside is not None:
        assert len(aside.read_text("utf-8").splitlines()) == len(plan.taken_out)
    await school.approve(waiting, key, number="15")
    mended = await school.book()
    assert mended.ledger.findings == ()
    assert len(mended.ledger.orders) == 4
    assert await school.opened() == {"a.example", "b.example", "c.example"}
    with (
        closing(sqlite3.connect(school.policy.path)) as database,
        pytest.raises(sqlite3.IntegrityError, match="rows are only ever added"),
    ):
        database.execute("DELETE FROM orders")


async def test_a_paper_order_that_follows_well_does_not_count_without_a_signature(school: Office) -> None:
    key = await school.make_key()
    await school.approve(await school.ask("a.example"), key)
    book = await school.book()
    forged = Book(book.rows).add(OrderKind.PAPER, additions=adds("casino.example")).sealed[-1]
    school.by_hand(_INSERTED, 3, forged.body, forged.digest, "")
    assert await school.opened() == {"a.example"}
    assert [finding.fault for finding in (await school.book()).ledger.findings] == [Fault.UNSIGNED]


async def test_a_sound_ledger_needs_no_mending(school: Office) -> None:
    key = await school.make_key()
    await school.approve(await school.ask("a.example"), key)
    assert restoration(await school.book(), school.settings) is None


async def test_mending_does_not_run_over_what_was_entered_meanwhile(school: Office) -> None:
    key = await school.make_key()
    await school.approve(await school.ask("a.example"), key)
    school.by_hand("DELETE FROM orders WHERE sequence = 2")
    plan = restoration(await school.book(), school.settings)
    assert plan is not None
    school.by_hand("INSERT INTO orders VALUES (2, 'x', 'y', 'z')")
    with pytest.raises(LedgerMoved):
        await mend(school.policy, plan.before, plan.taken_out, plan.put_back, at=AT, by=BY)
    assert len((await school.book()).rows) == 2


async def test_a_ledger_is_read_of_one_piece(school: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    key = await school.make_key()
    asked = await school.ask("a.example")
    read, late = ApprovalDb.sealed, [asked]

    async def sealed(database: ApprovalDb) -> list[Sealed]:
        if late:  # somebody approves between the two looks at the database
            await school.approve(late.pop(), key)
        return await read(database)

    monkeypatch.setattr(ApprovalDb, "sealed", sealed)
    book = await school.book()
    assert len(book.rows) == book.ledger.sequence == 2


async def test_what_is_written_verifies_by_the_pin_alone(school: Office) -> None:
    key = await school.make_key()
    await school.approve(await school.ask("a.example"), key)
    rows = await ApprovalDb(school.policy).sealed()
    ledger = verify(rows, pinned=pin_of(school.settings), signed=True)
    assert ledger.findings == ()
    assert len(ledger.orders) == 2
