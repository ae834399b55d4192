"""The director's key: a new director, a lost key and a power cut leave the school with a list that counts."""

from pathlib import Path

import pytest

from approval import key_file, keys
from approval.key_file import WeakPassphrase, WrongPassphrase
from approval.keys import KeyExists
from approval.ledger_book import DoubtfulLedger, pin_of
from approval.orders import NotTheKey
from policy.ledger import Fault
from policy.orders import OrderKind
from policy.sshsig import fingerprint
from settings.model import ApprovalMode
from storage.pin import write_pin
from tests.approval.school import AT, BY, DAY, PASSPHRASE, Office, office
from tests.policy.ledger_book import Book

NEW = "the words of a new director"
ACT = "act 3 of 2026-10-01"


@pytest.fixture
async def school(tmp_path: Path) -> Office:
    return (await office(tmp_path)).signed


async def hand_over(school: Office, new: str = NEW) -> keys.Named:
    old = await school.key()
    book = await school.book()
    return await keys.hand_over(
        school.policy, school.settings, book, old, new, school.place, number="40", day=DAY, at=AT, by=BY
    )


async def replace(school: Office, passphrase: str = NEW) -> keys.Named:
    return await keys.replace(
        school.policy, school.settings, passphrase, school.place, document=ACT, day=DAY, at=AT, by=BY
    )


async def faults(school: Office) -> list[Fault]:
    return [finding.fault for finding in (await school.book()).ledger.findings]


class PowerCut(Exception):  # noqa: N818 - it is no error of the program
    """Everything stops here."""


def cut(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    """Let the power fail when a function is called."""

    def stop(*_: object, **__: object) -> None:
        raise PowerCut

    monkeypatch.setattr(target, stop)


# -- the first key -----------------------------------------------------------------------------------------------------


async def test_the_first_key_confirms_what_was_entered_on_paper(tmp_path: Path) -> None:
    school = await office(tmp_path)
    await school.paper("a.example")
    await school.paper("b.example", number="13")
    assert await school.signed.opened() == set()
    named = await keys.create(
        school.policy, school.settings, await school.book(), PASSPHRASE, school.place, day=DAY, at=AT, by=BY
    )
    assert [order.number for order in named.confirmed] == ["12", "13"]
    assert await school.signed.opened() == {"a.example", "b.example"}
    book = await school.signed.book()
    assert (book.ledger.adopted, book.ledger.findings) == (2, ())
    assert named.fingerprint == pin_of(school.settings) == fingerprint(book.ledger.key)


async def test_the_private_key_lies_locked_and_only_for_its_owner(school: Office) -> None:
    key = await school.make_key()
    assert school.place.stat().st_mode & 0o777 == 0o600
    assert key.private_bytes_raw() not in school.place.read_bytes()
    with pytest.raises(WrongPassphrase):
        key_file.read(school.place).unlock("another passphrase")


async def test_there_is_one_first_key(school: Office) -> None:
    await school.make_key()
    with pytest.raises(KeyExists, match="orders key handover"):
        await school.make_key()
    school.place.unlink()  # also if somebody has taken the file away
    with pytest.raises(KeyExists, match="orders key replace"):
        await school.make_key("some other passphrase")
    assert len((await school.book()).rows) == 1


async def test_a_weak_passphrase_makes_nothing(school: Office) -> None:
    with pytest.raises(WeakPassphrase):
        await school.make_key("123456789")
    assert not school.place.exists()
    assert not school.settings.paths.director_public.exists()
    assert (await school.book()).rows == []


@pytest.mark.parametrize("moment", ["approval.keys.write_pin", "approval.keys.enter"])
async def test_a_first_key_that_was_cut_off_is_finished_with_the_same_passphrase(
    school: Office, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    with monkeypatch.context() as patched:
        cut(patched, moment)
        with pytest.raises(PowerCut):
            await school.make_key()
    with pytest.raises(KeyExists, match="this passphrase does not open"):
        await school.make_key("some other passphrase")
    left = school.place.read_bytes()
    key = await school.make_key()
    assert school.place.read_bytes() == left
    await school.approve(await school.ask("a.example"), key)
    assert await school.opened() == {"a.example"}
    assert await faults(school) == []


async def test_a_first_key_is_not_made_where_the_settings_name_another(school: Office) -> None:
    other = school.by(ApprovalMode.SIGNATURE, "SHA256:" + "A" * 43)
    with pytest.raises(DoubtfulLedger, match="SHA256:AAAA"):
        await other.make_key()
    assert not school.place.exists()
    assert not school.settings.paths.director_public.exists()


async def test_a_key_that_somebody_writes_into_the_ledger_is_nobodys(school: Office) -> None:
    book = Book().key("stranger").order("stranger", "casino.example")
    for sequence, sealed in enumerate(book.sealed, 1):
        school.by_hand("INSERT INTO orders VALUES (?, ?, ?, ?)", sequence, sealed.body, sealed.digest, sealed.signature)
    assert await school.opened() == set()
    assert await faults(school) == [Fault.PIN]


# -- a new director ----------------------------------------------------------------------------------------------------


async def test_a_new_director_signs_and_the_one_before_does_not(school: Office) -> None:
    old = await school.make_key()
    pin = pin_of(school.settings)
    await school.approve(await school.ask("a.example"), old)
    named = await hand_over(school)
    assert (named.order.kind, named.order.number) == (OrderKind.HANDOVER, "40")
    assert pin_of(school.settings) == pin
    asked = await school.ask("b.example")
    with pytest.raises(NotTheKey):
        await school.approve(asked, old)
    await school.approve(asked, await school.key(NEW))
    assert await school.opened() == {"a.example", "b.example"}
    assert await faults(school) == []
    key_file.read(school.place.with_name("director.key.old")).unlock(PASSPHRASE)  # or it would raise


async def test_a_handover_confirms_paper_orders(tmp_path: Path) -> None:
    school = await office(tmp_path)
    await school.make_key()
    await school.paper("a.example")
    named = await hand_over(school.signed)
    assert [order.number for order in named.confirmed] == ["12"]
    assert await school.signed.opened() == {"a.example"}


async def test_the_key_of_somebody_else_hands_nothing_over(school: Office) -> None:
    await school.make_key()
    _locked, other = key_file.create("some words of another person")
    book = await school.book()
    with pytest.raises(NotTheKey):
        await keys.hand_over(school.policy, school.settings, book, other, NEW, school.place, day=DAY, at=AT, by=BY)
    await school.key()  # still opens
    assert len((await school.book()).rows) == 1


async def test_a_weak_passphrase_hands_nothing_over(school: Office) -> None:
    await school.make_key()
    with pytest.raises(WeakPassphrase):
        await hand_over(school, "too short")
    await school.key()  # still opens
    assert [path.name for path in school.place.parent.glob("director.key*")] == ["director.key"]


async def test_a_handover_that_was_cut_off_before_the_order_changes_nothing(
    school: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await school.make_key()
    with monkeypatch.context() as patched:
        cut(patched, "approval.keys.enter")
        with pytest.raises(PowerCut):
            await hand_over(school)
    await school.approve(await school.ask("a.example"), await school.key())
    await hand_over(school)
    await school.key(NEW)  # opens
    assert await school.opened() == {"a.example"}


@pytest.mark.parametrize("moves", [0, 1])
async def test_a_handover_that_was_cut_off_after_the_order_is_finished_by_the_next_use(
    school: Office, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    await school.make_key()
    done: list[Path] = []
    with monkeypatch.context() as patched:

        def move(self: object, old: Path, new: Path) -> None:
            if len(done) == moves and old.name.startswith("director.key"):
                raise PowerCut
            done.append(old)
            old.replace(new)

        patched.setattr("blocklists.disk.Disk.move", move)
        with pytest.raises(PowerCut):
            await hand_over(school)
    await school.approve(await school.ask("a.example"), await school.key(NEW))
    assert await school.opened() == {"a.example"}
    assert {path.name for path in school.place.parent.glob("director.key*")} == {"director.key", "director.key.old"}


# -- a lost key --------------------------------------------------------------------------------------------------------


async def test_a_lost_key_is_replaced_on_an_act_and_the_list_stays(school: Office) -> None:
    lost = await school.make_key()
    await school.approve(await school.ask("a.example"), lost)
    school.place.unlink()
    named = await replace(school)
    assert (named.order.kind, named.order.document) == (OrderKind.REPLACEMENT, ACT)
    assert pin_of(school.settings) == named.fingerprint
    asked = await school.ask("b.example")
    with pytest.raises(NotTheKey):
        await school.approve(asked, lost)
    await school.approve(asked, await school.key(NEW))
    assert await school.opened() == {"a.example", "b.example"}
    assert await faults(school) == []


async def test_a_replacement_counts_only_when_the_settings_name_it(school: Office) -> None:
    lost = await school.make_key()
    pinned = school.by(ApprovalMode.SIGNATURE, pin_of(school.settings))
    await pinned.approve(await pinned.ask("a.example"), lost)
    named = await replace(pinned)
    assert await faults(pinned) == [Fault.PIN]
    asked = await pinned.ask("b.example")
    with pytest.raises(DoubtfulLedger):
        await pinned.approve(asked, lost)
    assert await pinned.opened() == {"a.example"}
    renewed = school.by(ApprovalMode.SIGNATURE, named.fingerprint)
    await renewed.approve(asked, await renewed.key(NEW))
    assert await renewed.opened() == {"a.example", "b.example"}


async def test_a_replacement_that_somebody_writes_into_the_ledger_gains_nothing(school: Office) -> None:
    key = await school.make_key()
    await school.approve(await school.ask("a.example"), key)
    rows = (await school.book()).rows
    forged = Book(rows).replacement("stranger").order("stranger", "casino.example").sealed[len(rows) :]
    for sequence, sealed in enumerate(forged, len(rows) + 1):
        school.by_hand("INSERT INTO orders VALUES (?, ?, ?, ?)", sequence, sealed.body, sealed.digest, sealed.signature)
    assert await school.opened() == {"a.example"}
    assert await faults(school) == [Fault.PIN]
    # Nor does a new key of the director take the forged orders under its wing.
    with pytest.raises(DoubtfulLedger):
        await replace(school)
    assert await school.opened() == {"a.example"}


async def test_a_replacement_that_was_cut_off_is_finished_with_the_same_passphrase(
    school: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = await school.make_key()
    await school.approve(await school.ask("a.example"), lost)
    with monkeypatch.context() as patched:
        cut(patched, "approval.keys.write_pin")
        with pytest.raises(PowerCut):
            await replace(school)
    assert await school.opened() == {"a.example"}
    with pytest.raises(WrongPassphrase):
        await replace(school, "some other passphrase")
    await replace(school)
    assert [order.kind for order in (await school.book()).ledger.orders][2:] == [OrderKind.REPLACEMENT]
    await school.approve(await school.ask("b.example"), await school.key(NEW))
    assert await school.opened() == {"a.example", "b.example"}


async def test_without_a_key_there_is_nothing_to_replace(school: Office) -> None:
    with pytest.raises(NotTheKey, match="orders key create"):
        await replace(school)
    assert not school.place.exists()


# -- the passphrase, and where the key lies ----------------------------------------------------------------------------


async def test_a_changed_passphrase_opens_the_same_key(school: Office) -> None:
    key = await school.make_key()
    keys.change_passphrase(school.place, PASSPHRASE, NEW)
    assert (await school.key(NEW)).private_bytes_raw() == key.private_bytes_raw()
    with pytest.raises(WrongPassphrase):
        await school.key()
    with pytest.raises(WrongPassphrase):
        keys.change_passphrase(school.place, PASSPHRASE, "yet another passphrase")
    with pytest.raises(WeakPassphrase):
        keys.change_passphrase(school.place, NEW, "short")
    assert (await school.key(NEW)).private_bytes_raw() == key.private_bytes_raw()


async def test_the_key_may_lie_on_a_stick(school: Office, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    place = stick / "director.key"
    await keys.create(school.policy, school.settings, await school.book(), PASSPHRASE, place, day=DAY, at=AT, by=BY)
    assert not school.place.exists()
    key = keys.read_key(await school.book(), place).unlock(PASSPHRASE)
    await school.approve(await school.ask("a.example"), key)
    assert await school.opened() == {"a.example"}


async def test_the_file_of_another_key_is_refused_by_name(school: Office, tmp_path: Path) -> None:
    await school.make_key()
    locked, _key = key_file.create("some words of another person")
    other = tmp_path / "other.key"
    key_file.write(other, locked)
    with pytest.raises(NotTheKey, match=fingerprint(locked.public).replace("+", r"\+")):
        keys.read_key(await school.book(), other)


async def test_a_pin_that_was_exchanged_closes_what_it_does_not_lead_to(school: Office) -> None:
    key = await school.make_key()
    await school.approve(await school.ask("a.example"), key)
    locked, _key = key_file.create("some words of another person")
    write_pin(school.settings.paths.state, locked.public)
    assert await school.opened() == set()
    assert Fault.PIN in await faults(school)
