"""The director's list in policy.db: orders become the snapshot whole, replace and end entries, and keep the history."""

import asyncio
from datetime import UTC
from pathlib import Path

import pytest

from policy.ledger import GENESIS, seal
from policy.orders import Addition, Order, OrderKind, Removal, as_of, replay
from policy.snapshot import build_snapshot
from policy.views import Entry, EntryKind
from storage.approval_db import ApprovalDb
from storage.audit import Fault
from storage.ledger_mending import mend
from storage.ledger_rows import LedgerMoved
from storage.policy_db import open_policy
from storage.policy_load import CHUNK, PolicyLoader
from storage.policy_rows import UnknownGroup
from tests.storage.policies import AT, LATER, block, by_hand, enter_paper, snapshot_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.db"


async def test_entries_become_the_snapshot_with_their_document(path: Path) -> None:
    async with await open_policy(path) as policy:
        await enter_paper(policy, "example.org", Addition("example.net", "teachers", reason="grades"))
        snapshot = await snapshot_of(policy)
    assert set(snapshot.views["pupils"].allow) == {"example.org"}
    assert set(snapshot.views["teachers"].allow) == {"example.org", "example.net"}
    assert snapshot.views["pupils"].allow["example.org"].document == "paper order 12 of 2026-09-02"
    assert snapshot.views["teachers"].allow["example.net"].note == "grades"
    assert snapshot.version == 2


async def test_a_snapshot_of_many_chunks_is_whole(path: Path) -> None:
    names = [f"n{number}.example.org" for number in range(2 * CHUNK + 3)]
    additions = [Addition(name, "guests" if at % 7 else None, reason="bundle") for at, name in enumerate(names)]
    async with await open_policy(path) as policy:
        await enter_paper(policy, *additions)
        await policy.add_blocks([block(f"b.{name}") for name in names], at=AT, by="teacher")
        snapshot = await snapshot_of(policy)
        groups = await policy.groups()
    document = "paper order 12 of 2026-09-02"
    entries = [Entry(EntryKind.ALLOW, each.name, each.group, each.reason, document) for each in additions]
    entries += [Entry(EntryKind.BLOCK, f"b.{name}", None, "asked by the council") for name in names]
    expected = build_snapshot(groups, entries, default_group="pupils", version=3)
    for group in groups:
        assert dict(snapshot.views[group.id].allow) == dict(expected.views[group.id].allow)
        assert dict(snapshot.views[group.id].block) == dict(expected.views[group.id].block)
    assert set(snapshot.views["guests"].allow) == set(names)
    assert snapshot.version == 3


async def test_entries_in_bulk_are_one_change(path: Path) -> None:
    async with await open_policy(path) as policy:
        await enter_paper(policy, *(f"n{number}.example.org" for number in range(600)))
        assert await policy.version() == 2
        assert len((await snapshot_of(policy)).views["pupils"].allow) == 600


async def test_an_entry_added_again_replaces_and_the_history_keeps_the_old_one(path: Path) -> None:
    async with await open_policy(path) as policy:
        first = await enter_paper(policy, "example.org", by="one")
        second = await enter_paper(policy, Addition("example.org", reason="again"), number="13", at=LATER, by="two")
        orders = (await PolicyLoader(policy).load(())).ledger.orders
    assert replay(orders, None)["example.org", None].order == second
    assert replay(as_of(orders, AT.date(), UTC), None)["example.org", None].order == first


async def test_the_same_name_may_be_listed_for_a_group_and_for_all_and_blocked(path: Path) -> None:
    async with await open_policy(path) as policy:
        await enter_paper(policy, "example.org", Addition("example.org", "teachers"))
        await policy.add_blocks([block("example.org")], at=AT, by="one")
        await enter_paper(policy, removals=[Removal("example.org")], number="", at=LATER, by="two")
        snapshot = await snapshot_of(policy)
    assert "example.org" not in snapshot.views["pupils"].allow
    assert "example.org" in snapshot.views["teachers"].allow
    assert "example.org" in snapshot.views["pupils"].block


async def test_entering_is_all_or_nothing(path: Path) -> None:
    async with await open_policy(path) as policy:
        with pytest.raises(UnknownGroup, match=r"pupils, primary.*nobody"):
            await enter_paper(policy, "example.org", Addition("example.net", "nobody"))
        assert await ApprovalDb(policy).sealed() == []
        assert await policy.version() == 1
        assert await policy.verify_audit() is None


async def test_of_two_that_enter_the_next_order_at_once_one_is_told(path: Path) -> None:
    async with await open_policy(path) as policy:
        results = await asyncio.gather(
            *(enter_paper(policy, f"n{number}.example.org") for number in range(4)), return_exceptions=True
        )
        entered = [each for each in results if isinstance(each, Order)]
        assert len(entered) == len((await PolicyLoader(policy).load(())).ledger.orders) >= 1
        assert {type(each) for each in results} <= {Order, LedgerMoved}
        assert await policy.version() == 1 + len(entered)


async def test_a_ledger_put_right_leaves_a_trail_that_says_so_and_is_whole(path: Path) -> None:
    async with await open_policy(path) as policy:
        await enter_paper(policy, "example.org")
        approval = ApprovalDb(policy)
        good = await approval.sealed()
        forged = seal(
            Order(
                sequence=1,
                kind=OrderKind.PAPER,
                number="12",
                date=AT.date(),
                previous=GENESIS,
                additions=(Addition("casino.example.org"),),
                entered_at=AT,
                entered_by="teacher",
                school="",
            )
        )
        by_hand(path, f"UPDATE orders SET body = '{forged.body}', digest = '{forged.digest}'")  # noqa: S608
        assert await policy.verify_audit() is not None
        await mend(policy, [], await approval.sealed(), good, at=LATER, by="deputy")
        assert await approval.sealed() == good
        assert await policy.verify_audit() is None
        change = (await policy.changes())[-1]
        assert change.what == "ledger mended"
        assert change.detail["put back"] == [each.digest for each in good]


async def test_what_else_was_changed_past_the_program_goes_on_missing_when_the_ledger_is_put_right(
    tmp_path: Path,
) -> None:
    path = tmp_path / "policy.db"
    async with await open_policy(path) as policy:
        await enter_paper(policy, "example.org")
        good = await ApprovalDb(policy).sealed()
        by_hand(path, "DELETE FROM orders", "UPDATE groups SET added_by = 'me' WHERE id = 'staff'")
        await mend(policy, [], [], good, at=LATER, by="deputy")
        assert await ApprovalDb(policy).sealed() == good
        finding = await policy.verify_audit()
        assert finding is not None
        assert finding.fault is Fault.STATE


async def test_orders_that_an_older_policy_lacks_are_put_back_and_the_trail_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "policy.db"
    async with await open_policy(path) as policy:
        older = path.read_bytes()
        await enter_paper(policy, "example.org")
        good = await ApprovalDb(policy).sealed()
        path.write_bytes(older)
        await mend(policy, [], [], good, at=LATER, by="deputy")
        assert await policy.verify_audit() is None
