"""The policy rests on orders that verify, and on nothing else that stands in the file."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policy import devices, rooms
from policy.devices import Device
from policy.ledger import GENESIS, NAMESPACE, Fault, Sealed, seal
from policy.order_text import order_bytes
from policy.orders import Addition, Order, OrderKind, Permit, Removal, Scope
from policy.rooms import Closure, Lesson, Placed, Room
from policy.snapshot import Place
from policy.sshsig import fingerprint, public_text, sign
from storage.approval_db import ApprovalDb
from storage.errors import DamagedDatabase
from storage.ledger_copy import LedgerCopy
from storage.pin import read_pin, write_pin
from storage.policy_db import PolicyDb, open_policy
from storage.policy_load import CLOSURE, DEVICE, LESSON, ROOM, Loaded, PolicyLoader
from storage.policy_rows import NewEntry

NOW = datetime(2026, 9, 2, 9, 0, tzinfo=UTC)
KEY, OTHER = Ed25519PrivateKey.from_private_bytes(b"k" * 32), Ed25519PrivateKey.from_private_bytes(b"o" * 32)
PIN = fingerprint(public_text(KEY.public_key()))


def order(sequence: int, previous: str, *names: str, kind: OrderKind = OrderKind.ORDER, **more: object) -> Order:
    """Return an order that adds names."""
    plain = Order(
        sequence=sequence,
        kind=kind,
        number=str(sequence),
        date=date(2026, 9, 1),
        previous=previous,
        additions=tuple(Addition(name, reason="lessons") for name in names),
        key=public_text(KEY.public_key()) if kind is OrderKind.KEY else "",
        entered_at=NOW,
        entered_by="director",
        school="School",
    )
    return replace(plain, **more)  # type: ignore[arg-type] # names and values of Order


def signed(one: Order, key: Ed25519PrivateKey = KEY) -> Sealed:
    """Return an order as it is kept, with a signature."""
    return seal(one, sign(key, NAMESPACE, order_bytes(one)))


def ledger(*names: str) -> list[Sealed]:
    """Return a ledger whose first order names the key, and in which each name has an order of its own."""
    found = [signed(order(1, GENESIS, kind=OrderKind.KEY))]
    for sequence, name in enumerate(names, 2):
        found.append(signed(order(sequence, found[-1].digest, name)))
    return found


async def enter(policy: PolicyDb, *orders: Sealed, first: int = 1) -> None:
    """Put orders into the ledger as the program does."""
    await ApprovalDb(policy).enter(first, orders, detail={}, document="", at=NOW, by="test")


def open_names(loaded: Loaded, group: str = "pupils") -> set[str]:
    """Return the names that the director's list opens for a group."""
    return set(loaded.snapshot.views[group].allow)


def by_hand(path: Path, *statements: str) -> None:
    """Change the file as somebody with the sqlite3 program would who knows of the triggers."""
    with closing(sqlite3.connect(path)) as raw:
        for trigger in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {trigger[0]}")
        for statement in statements:
            raw.execute(statement)
        raw.commit()


@pytest.fixture
async def policy(tmp_path: Path) -> PolicyDb:
    """Return a school's policy with two signed orders after the one that names the key, and the key pinned."""
    policy = await open_policy(tmp_path / "policy.db")
    write_pin(tmp_path, public_text(KEY.public_key()))
    await enter(policy, *ledger("a.example.org", "b.example.org"))
    return policy


async def test_what_the_director_signed_opens_and_names_its_order(policy: PolicyDb) -> None:
    loaded = await PolicyLoader(policy, signed=True).load(())
    assert open_names(loaded) == {"a.example.org", "b.example.org"}
    entry = loaded.snapshot.views["pupils"].allow["b.example.org"]
    assert (entry.note, entry.document) == ("lessons", "order 3 of 2026-09-01")
    assert loaded.ledger.findings == ()


async def test_without_a_pin_nothing_opens(policy: PolicyDb, tmp_path: Path) -> None:
    (tmp_path / "director.pub").unlink()
    loaded = await PolicyLoader(policy, signed=True).load(())
    assert open_names(loaded) == set()
    assert [each.fault for each in loaded.ledger.findings] == [Fault.PIN]


async def test_the_settings_pin_stands_above_the_file(policy: PolicyDb, tmp_path: Path) -> None:
    write_pin(tmp_path, public_text(OTHER.public_key()))
    assert open_names(await PolicyLoader(policy, signed=True).load(())) == set()
    assert open_names(await PolicyLoader(policy, signed=True, pinned=PIN).load(())) == {
        "a.example.org",
        "b.example.org",
    }


TAMPERING = [
    pytest.param(("UPDATE orders SET body = replace(body, 'b.example', 'c.example') WHERE sequence = 3",), id="edited"),
    pytest.param(
        ("UPDATE orders SET sequence = -sequence", "UPDATE orders SET sequence = sequence + 5"), id="reordered"
    ),
    pytest.param(("DELETE FROM orders WHERE sequence = 2",), id="removed"),
    pytest.param(("DELETE FROM orders WHERE sequence = 3",), id="the-last-one-removed"),
    pytest.param(("UPDATE orders SET signature = '' WHERE sequence = 2",), id="signature-removed"),
    pytest.param(("DELETE FROM orders",), id="emptied"),
]


@pytest.mark.parametrize("statements", TAMPERING)
@pytest.mark.parametrize("restarted", [False, True])
async def test_what_was_verified_once_stays_in_force_whatever_is_done_to_the_file(
    policy: PolicyDb, statements: tuple[str, ...], restarted: bool
) -> None:
    loader = PolicyLoader(policy, signed=True)
    loader.keep(await loader.load(()))
    by_hand(policy.path, *statements)
    if restarted:
        loader = PolicyLoader(policy, signed=True)
    loaded = await loader.load(())
    assert loaded.ledger.findings, "it is noticed"
    assert open_names(loaded) == {"a.example.org", "b.example.org"}
    loader.keep(loaded)
    assert len(LedgerCopy(policy.path.parent).read()) == 3, "and the copy is not made worse"


async def test_a_forged_order_opens_nothing(policy: PolicyDb) -> None:
    loader = PolicyLoader(policy, signed=True)
    before = await loader.load(())
    forged = signed(order(4, before.ledger.head, "casino.example.org"), OTHER)
    await enter(policy, forged, first=4)
    loaded = await loader.load(())
    assert open_names(loaded) == {"a.example.org", "b.example.org"}
    assert [(each.sequence, each.fault) for each in loaded.ledger.findings] == [(4, Fault.KEY)]


async def test_an_entry_written_into_the_table_of_blocks_opens_nothing(policy: PolicyDb) -> None:
    by_hand(
        policy.path,
        "INSERT INTO entries (kind, name, group_id, note, order_number, order_date, added_at, added_by)"
        " VALUES ('allow', 'casino.example.org', NULL, '', '9', '2026-09-01', '2026-09-01', 'me')",
    )
    loaded = await PolicyLoader(policy, signed=True).load(())
    assert "casino.example.org" not in open_names(loaded)


async def test_a_copy_that_is_older_than_the_ledger_grows_and_a_damaged_one_is_no_harm(policy: PolicyDb) -> None:
    loader, copy = PolicyLoader(policy, signed=True), LedgerCopy(policy.path.parent)
    loaded = await loader.load(())
    copy.write(loaded.sealed[:1])
    copy.path.write_text(copy.path.read_text() + '{"body": "torn', "utf-8")
    again = await loader.load(())
    assert again.ledger.findings == ()
    loader.keep(again)
    assert copy.read() == list(loaded.sealed)


async def test_paper_orders_count_on_paper_and_wait_for_the_signature_otherwise(tmp_path: Path) -> None:
    policy = await open_policy(tmp_path / "policy.db")
    paper = seal(order(1, GENESIS, "a.example.org", kind=OrderKind.PAPER))
    await enter(policy, paper)
    loaded = await PolicyLoader(policy).load(())
    assert open_names(loaded) == {"a.example.org"}
    assert loaded.snapshot.views["pupils"].allow["a.example.org"].document == "paper order 1 of 2026-09-01"
    assert open_names(await PolicyLoader(policy, signed=True, pinned=PIN).load(())) == set()
    await enter(policy, signed(order(2, paper.digest, kind=OrderKind.KEY)), first=2)
    loaded = await PolicyLoader(policy, signed=True, pinned=PIN).load(())
    assert open_names(loaded) == {"a.example.org"}
    assert loaded.ledger.adopted == 1


async def test_scope_group_and_end_of_an_entry_are_kept_and_a_removal_ends_it(policy: PolicyDb) -> None:
    head = ledger("a.example.org", "b.example.org")[-1].digest
    additions = (
        Addition("c.example.org", "teachers"),
        Addition("d.example.org", None, Scope.LESSONS),
        Addition("e.example.org", None, until=date(2026, 9, 3)),
    )
    more = order(4, head, additions=additions, removals=(Removal("a.example.org"),), permit=Permit(30))
    await enter(policy, signed(more), first=4)
    snapshot = (await PolicyLoader(policy, signed=True).load(())).snapshot
    assert set(snapshot.views["pupils"].allow) == {"b.example.org", "e.example.org"}
    assert set(snapshot.views["teachers"].allow) == {"b.example.org", "c.example.org", "e.example.org"}
    assert snapshot.permitted("www.d.example.org") is not None
    assert (snapshot.reserve.minutes, snapshot.reserve.document) == (30, "order 4 of 2026-09-01")
    last, over = NOW.replace(day=3, hour=23, minute=59), NOW.replace(day=4, hour=0)
    assert "e.example.org" in snapshot.at(last).views["pupils"].allow
    assert "e.example.org" not in snapshot.at(over).views["pupils"].allow
    assert "e.example.org" not in snapshot.at(over).views["teachers"].allow
    assert "c.example.org" in snapshot.at(over).views["teachers"].allow
    assert snapshot.next_change(last) == over


async def test_rooms_lessons_and_closures_are_loaded(policy: PolicyDb) -> None:
    room = Room("lab", "Informatics")
    lesson = Lesson("1", "lab", "Asanov", NOW, NOW.replace(hour=10), closed=("x.example.org",))
    closure = Closure("1", "y.example.org", room="lab")
    puts: list[tuple[str, str, Placed]] = [(ROOM, "lab", room), (LESSON, "1", lesson), (CLOSURE, "1", closure)]
    await policy.change_objects("test", [(kind, id_, rooms.body_of(v)) for kind, id_, v in puts], at=NOW, by="test")
    snapshot = (await PolicyLoader(policy, signed=True).load((), moment=NOW)).snapshot
    view = snapshot.view(Place("pupils", "lab"))
    assert {name: entry.kind for name, entry in view.overrides.items()} == {
        "x.example.org": "block",
        "y.example.org": "block",
    }
    assert snapshot.circumstances.lesson_in("lab") == lesson


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE objects SET body = '[]' WHERE kind = 'group'",
        "UPDATE objects SET body = '{\"level\": \"free\"}' WHERE kind = 'group' AND id = 'pupils'",
        "UPDATE objects SET body = 'torn' WHERE id = 'pupils'",
        "UPDATE meta SET value = 'nobody' WHERE key = 'default_group'",
    ],
)
async def test_a_policy_that_nobody_here_wrote_is_damaged(policy: PolicyDb, statement: str) -> None:
    by_hand(policy.path, statement)
    with pytest.raises(DamagedDatabase):
        await PolicyLoader(policy, signed=True).load(())


DEEP = "[" * 100_000
ODD = ["NULL", "7", "x'ff00'", f"'{DEEP}'", "CAST(x'ff' AS TEXT)"]
"""What SQLite puts into a column of a table that somebody made anew without STRICT."""


def loose(path: Path, table: str, column: str, odd: str) -> None:
    """Make a table anew that takes anything, with something odd in a column of each row."""
    with closing(sqlite3.connect(path)) as raw:
        for (trigger,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {trigger}")
        raw.execute(f"CREATE TABLE made_anew AS SELECT * FROM {table}")  # noqa: S608 - from this file
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute(f"DROP TABLE {table}")
        raw.execute(f"ALTER TABLE made_anew RENAME TO {table}")
        raw.execute(f"UPDATE {table} SET {column} = {odd}")  # noqa: S608 - from above
        raw.commit()


@pytest.mark.parametrize("odd", ODD, ids=["null", "number", "octets", "deep", "no-utf-8"])
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("objects", "body"),
        ("objects", "id"),
        ("objects", "kind"),
        ("orders", "body"),
        ("orders", "signature"),
        ("entries", "name"),
        ("networks", "network"),
        ("group_categories", "hours"),
        ("groups", "id"),
        ("meta", "value"),
    ],
)
async def test_whatever_stands_in_a_column_the_policy_loads_or_is_damaged(
    policy: PolicyDb, table: str, column: str, odd: str
) -> None:
    await policy.add_blocks([NewEntry("c.example.org")], at=NOW, by="test")
    await policy.change_objects("test", [(ROOM, "lab", rooms.body_of(Room("lab", "")))], at=NOW, by="test")
    loose(policy.path, table, column, odd)
    try:
        loaded = await PolicyLoader(policy, signed=True).load((), moment=NOW)
    except DamagedDatabase:
        return
    loaded.snapshot.next_change(NOW)
    assert table not in ("groups", "meta"), "without groups there is no policy"
    assert loaded.ledger.findings or table != "orders"


async def test_a_body_too_deep_to_be_read_is_damaged(policy: PolicyDb) -> None:
    by_hand(policy.path, f"UPDATE objects SET body = '{DEEP}' WHERE id = 'pupils'")  # noqa: S608 - from this file
    with pytest.raises(DamagedDatabase):
        await PolicyLoader(policy, signed=True).load(())


@pytest.mark.parametrize("bad", ["lab\troom", "lab\n", "\n", "Lab", "класс", "\udcff", "a" * 33, " "])
@pytest.mark.parametrize("what", ["room", "device", "group", "room of a device"])
async def test_no_id_forges_a_line_of_the_query_log(policy: PolicyDb, what: str, bad: str) -> None:
    """Ids stand in each line, so that one with a tab or a newline would tell of queries that nobody made."""
    puts = [
        (ROOM, "lab", rooms.body_of(Room("lab", ""))),
        (DEVICE, "pc-1", devices.body(Device("pc-1", "", room="lab", addresses=("192.0.2.7",)))),
    ]
    await policy.change_objects("test", puts, at=NOW, by="test")
    await PolicyLoader(policy, signed=True).load(())
    octets = f"CAST(x'{bad.encode(errors='surrogateescape').hex()}' AS TEXT)"
    forge = {
        "room": (f"UPDATE objects SET id = {octets} WHERE kind = 'room'",),  # noqa: S608 - from this file
        "device": (f"UPDATE objects SET id = {octets} WHERE kind = 'device'",),  # noqa: S608 - from this file
        "group": (
            "PRAGMA foreign_keys = OFF",
            f"UPDATE objects SET id = {octets} WHERE kind = 'group' AND id = 'guests'",  # noqa: S608 - from this file
            f"INSERT INTO groups (id, added_at, added_by) VALUES ({octets}, '', '')",  # noqa: S608 - from this file
        ),
        "room of a device": (
            f"UPDATE objects SET body = json_set(body, '$.room', {octets}) WHERE kind = 'device'"  # noqa: S608 - from this file
            if "\udcff" not in bad
            else "UPDATE objects SET body = json_set(body, '$.room', json('\"\\udcff\"')) WHERE kind = 'device'",
        ),
    }
    by_hand(policy.path, *forge[what])
    with pytest.raises(DamagedDatabase, match="expected an id"):
        await PolicyLoader(policy, signed=True).load(())


async def test_a_room_until_for_ever_stops_nobody(policy: PolicyDb) -> None:
    until = {"begins": "0001-01-01T00:00:00+05:00", "ends": "9999-12-31T23:59:59-05:00"}
    said = rooms.body_of(Lesson("1", "lab", "A", NOW, NOW))
    puts = [(ROOM, "lab", rooms.body_of(Room("lab", ""))), (LESSON, "1", {**said, **until})]
    await policy.change_objects("test", puts, at=NOW, by="test")
    head = ledger("a.example.org", "b.example.org")[-1].digest
    forever = order(4, head, additions=(Addition("c.example.org", until=date.max),), permit=Permit(30))
    await enter(policy, signed(forever), first=4)
    snapshot = (await PolicyLoader(policy, signed=True).load((), moment=NOW)).snapshot
    assert snapshot.circumstances.lesson_in("lab") is not None
    assert "c.example.org" in snapshot.views["pupils"].allow
    snapshot.next_change(NOW)


def test_a_copy_too_deep_to_be_read_ends_there(tmp_path: Path) -> None:
    copy, orders = LedgerCopy(tmp_path), ledger("a.example.org")
    copy.write(orders)
    with copy.path.open("a", encoding="utf-8") as file:
        file.write(f"{DEEP}\n")
    assert copy.read() == orders


def test_a_pin_is_read_back_and_anything_else_is_no_pin(tmp_path: Path) -> None:
    assert read_pin(tmp_path) == ""
    write_pin(tmp_path, public_text(KEY.public_key()))
    assert read_pin(tmp_path) == PIN
    (tmp_path / "director.pub").write_text("ssh-ed25519 AAAA\n")
    assert read_pin(tmp_path) == ""
    (tmp_path / "director.pub").write_bytes(b"\xff\xfe")
    assert read_pin(tmp_path) == ""


@pytest.mark.parametrize("damage", ["flipped", "garbage", "one-order-of-another-ledger"])
async def test_a_damaged_copy_opens_nothing_that_an_order_took_off_and_is_mended(policy: PolicyDb, damage: str) -> None:
    loader, copy = PolicyLoader(policy, signed=True), LedgerCopy(policy.path.parent)
    head = ledger("a.example.org", "b.example.org")[-1].digest
    await enter(policy, signed(order(4, head, additions=(), removals=(Removal("a.example.org"),))), first=4)
    loaded = await loader.load(())
    loader.keep(loaded)
    lines = copy.path.read_text().splitlines(keepends=True)
    if damage == "flipped":
        lines[3] = lines[3].replace("a.example.org", "a.example.orh")
    elif damage == "garbage":
        lines = ['{"body": "", "digest": "", "signature": ""}\n']
    else:
        other = seal(order(1, GENESIS, "casino.example.org", kind=OrderKind.PAPER))
        copy.write([other])
        lines = [copy.path.read_text()]
    copy.path.write_text("".join(lines))
    for each in (loader, PolicyLoader(policy, signed=True)):
        again = await each.load(())
        assert open_names(again) == {"b.example.org"}
        assert again.ledger.findings == ()
        each.keep(again)
        assert copy.read() == list(loaded.sealed)
