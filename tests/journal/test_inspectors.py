"""Inspectors' accounts: the passphrase is kept nowhere, ends with its day, and each wrong one is on record and slow."""

import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

import approval.key_file
from approval.key_file import Cost
from journal.inspectors import NoAccount, NotAdmitted, admit, end_account, make_account
from storage.evidence import Kind
from storage.journal_db import JournalDb, open_journal

AT = datetime(2026, 10, 5, 6, tzinfo=UTC)
TODAY = date(2026, 10, 5)
UNTIL = date(2026, 10, 31)
NAME = "A. Omarova"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guess costs nothing, so that the tests are quick."""
    monkeypatch.setattr(approval.key_file, "COST", Cost(1, 8 * 1024, 1))


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[JournalDb]:
    async with open_journal(tmp_path / "journal.db", create=True) as opened:
        yield opened


class Door:
    """Lets in, and notes how long each attempt had to wait."""

    def __init__(self, journal: JournalDb) -> None:
        self.journal = journal
        self.waits: list[float] = []

    async def __call__(self, passphrase: str, name: str = NAME, *, at: datetime = AT, today: date = TODAY) -> None:
        waited: list[float] = []

        async def pause(seconds: float) -> None:
            waited.append(seconds)

        try:
            await admit(self.journal, name, passphrase, at=at, today=today, by="root", pause=pause)
        finally:
            self.waits.append(sum(waited))


@pytest.fixture
def door(journal: JournalDb) -> Door:
    return Door(journal)


async def make(journal: JournalDb, name: str = NAME) -> str:
    return await make_account(journal, name, UNTIL, document="order 12 of 2026-10-01", at=AT, by="director")


async def test_the_passphrase_lets_in_as_people_type_it(journal: JournalDb, door: Door) -> None:
    passphrase = await make(journal)
    assert re.fullmatch(r"(?:[a-hjkmnp-z2-9]{5}-){3}[a-hjkmnp-z2-9]{5}", passphrase)
    for typed in (passphrase, passphrase.upper(), passphrase.replace("-", ""), f" {passphrase.replace('-', ' ')} "):
        await door(typed)
    assert await make(journal, "Another") != passphrase
    assert door.waits == [0] * 4


@pytest.mark.parametrize("change", [lambda it: it[:-1], lambda it: it + "a", lambda _it: "a" * 20, lambda _it: ""])
async def test_no_other_does(journal: JournalDb, door: Door, change: Callable[[str], str]) -> None:
    passphrase = await make(journal)
    with pytest.raises(NotAdmitted, match=r"not the passphrase of inspector A\. Omarova"):
        await door(change(passphrase))


def _all_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_the_passphrase_stands_nowhere(journal: JournalDb, tmp_path: Path) -> None:
    passphrase = await make(journal)
    octets = _all_in(tmp_path)
    for secret in (passphrase, passphrase.replace("-", "")):
        assert secret.encode() not in octets
    [account] = [record async for record in journal.records((Kind.ACCOUNT,), private=True)]
    assert account.by == "director"
    [kept] = await journal.inspectors()
    assert account.body == {
        "inspector": NAME, "do": "made", "until": "2026-10-31", "document": "order 12 of 2026-10-01",
        "digest": sha256(kept.secret.encode()).hexdigest(),
    }  # fmt: skip
    assert account.private is None
    assert kept.secret.startswith("$argon2id$")
    assert kept.secret not in str(account)


async def test_it_ends_after_its_last_day(journal: JournalDb, door: Door) -> None:
    passphrase = await make(journal)
    await door(passphrase, today=UNTIL)
    with pytest.raises(NotAdmitted, match=r"last day of inspector A\. Omarova was 2026-10-31"):
        await door(passphrase, today=UNTIL + timedelta(days=1))


async def test_it_ends_when_it_is_revoked_and_only_once(journal: JournalDb, door: Door) -> None:
    passphrase = await make(journal)
    await end_account(journal, NAME, at=AT, by="director")
    with pytest.raises(NotAdmitted, match="was ended"):
        await door(passphrase)
    for name in (NAME, "nobody"):
        with pytest.raises(NoAccount, match="inspector list"):
            await end_account(journal, name, at=AT, by="director")
    said = [record.body["do"] async for record in journal.records((Kind.ACCOUNT,))]
    assert said == ["made", "revoked"]


async def test_a_new_account_of_the_name_ends_the_old_passphrase(journal: JournalDb, door: Door) -> None:
    old, new = await make(journal), await make(journal)
    await door(new)
    with pytest.raises(NotAdmitted):
        await door(old)


async def test_each_refusal_is_on_record_without_what_was_typed(journal: JournalDb, door: Door) -> None:
    await make(journal)
    for name, refused in ((NAME, "passphrase"), ("nobody", "unknown")):
        with pytest.raises(NotAdmitted):
            await door("guessed-guess-guess", name)
        *_before, record = [each async for each in journal.records((Kind.ACCESS,), private=True)]
        assert record.by == "root"
        assert record.body == {"what": "inspector", "reason": "", "refused": refused, "inspector": name}
        assert "guessed" not in str(record)


async def test_wrong_passphrases_slow_the_next_one_down_for_an_hour(journal: JournalDb, door: Door) -> None:
    passphrase = await make(journal)
    await make(journal, "Another")
    for _attempt in range(8):
        with pytest.raises(NotAdmitted):
            await door("wrong")
    assert door.waits == [0, 1, 2, 4, 8, 16, 30, 30]
    await door(passphrase)
    assert door.waits[-1] == 30
    with pytest.raises(NotAdmitted):
        await door("wrong", "Another")
    assert door.waits[-1] == 0, "nobody is kept out by guesses at another's"
    await door(passphrase, at=AT + timedelta(hours=1, seconds=1))
    assert door.waits[-1] == 0
