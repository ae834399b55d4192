"""Verifying the journal: chain, heads, seals, and what follows from the chain. What that proves: docs/evidence.md."""

import re
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256

from journal.intake.days import sums
from journal.opening import expect_begun
from journal.trust.alarms import altered, is_of_earlier_journal
from journal.trust.expected import UNTOLD, Expected
from journal.trust.heads import is_signed, written
from journal.trust.record_form import Contradiction
from journal.trust.verdict import TYPED, Broken, Trouble, Verdict
from journal.trust.verifying_papers import paper_troubles
from journal.trust.witness import read_witness
from settings.model import Settings
from storage.evidence import START, Fault, Head, canonical, first_fault, whole
from storage.journal_checks import CheckedJournal, open_for_checking
from storage.journal_db import Inspector, Position, SignedHead

_WRITTEN = re.compile(r"([1-9][0-9]{0,11}):([0-9a-f]{8,64})")
_CHAIN = (Trouble.NUMBER, Trouble.LINK, Trouble.FORM, Trouble.HEAD)
"""What is wrong with the chain itself: the first of these by number is the first broken link."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the chain says, for whoever verifies more by it."""

    verdict: Verdict
    expected: Expected


@dataclass(slots=True)
class _Walk:
    """The chain, gone through once."""

    expected: Expected = field(default_factory=Expected)
    links: dict[int, str] = field(default_factory=dict)
    """Of the records whose links are asked for."""
    head: Head = START
    """The last record up to which all links hold."""
    broken: list[Broken] = field(default_factory=list)
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class _Claim:
    """A head that somebody holds, and where it stands."""

    head: Head
    where: str
    signed: SignedHead | None = None
    line: int = 0
    """Of heads.txt; 0: it is not from there."""


def head_from(digits: str) -> Head:
    """Return a head as papers have it: `17:9f86d081…`, at least 8 digits. Raises ValueError."""
    found = _WRITTEN.fullmatch(digits.strip().lower())
    if found is None:
        raise ValueError(f"expected number and digits of a head, found {digits[:80]!r}")
    return Head(int(found[1]), found[2])


async def verify_journal(settings: Settings, heads: Iterable[Head] = ()) -> Verdict:
    """Verify journal.db, heads.txt, and the papers that were drawn up. `heads`: written down elsewhere.

    Raises StorageError, OSError.
    """
    expect_begun(settings)
    async with open_for_checking(settings.paths.journal_db) as journal:
        checked = await check_journal(journal, settings, heads)
    papers = paper_troubles(settings.paths.papers, checked.expected.papers)
    return replace(checked.verdict, broken=(*checked.verdict.broken, *papers))


async def check_journal(journal: CheckedJournal, settings: Settings, heads: Iterable[Head] = ()) -> Checked:
    """Verify an open journal, of which nothing was read yet; return also what its chain says.

    Raises StorageError, OSError.
    """
    # While the tailer goes on: what heads.txt has now, the journal has too when we look at it; what that has, heads.txt
    # has when it is read once more.
    early = read_witness(settings.paths.heads)
    kept = await journal.heads()
    lines = read_witness(settings.paths.heads)
    claims = [_Claim(head, f"{TYPED}{written(head)}") for head in heads]
    claims += [_Claim(Head(each.number, each.link), "journal.db", each) for each in kept]
    claims += [
        _Claim(Head(each.number, each.link), f"heads.txt:{count}", each, count)
        for count, each in enumerate(early, 1)
        if each is not None
    ]
    walk = await _walk(journal, {claim.head.number for claim in claims})
    expected = walk.expected
    ours = [
        claim
        for claim in claims
        if claim.signed is None
        or not claim.line
        or not is_of_earlier_journal(claim.signed, claim.line, expected.alarms)
    ]
    earlier = {claim.signed for claim in claims} - {claim.signed for claim in ours}
    signed, broken_heads = _judge_heads(ours, walk)
    broken = [*walk.broken, *broken_heads, *_witness_troubles(kept, lines, earlier)]
    broken += await _seal_troubles(journal, walk)
    broken += await _file_troubles(journal)
    if walk.is_whole:
        broken += [each async for each in _table_troubles(journal, expected)]
    broken.sort(key=lambda each: (0, each.number) if each.trouble in _CHAIN else (1, 0))
    verdict = Verdict(
        broken=tuple(broken),
        head=walk.head,
        signed=Head(signed.number, signed.link) if signed else START,
        signed_at=signed.at if signed else "",
        alarms=tuple(expected.alarms),
        erased=len(expected.unsealed),
        earlier=len(claims) - len(ours),
        key=expected.key,
    )
    return Checked(verdict, expected)


async def _walk(journal: CheckedJournal, wanted: Collection[int]) -> _Walk:
    walk = _Walk()
    stray = await journal.stray()
    if stray is not None:
        walk.broken.append(Broken(Trouble.NUMBER, stray))
        walk.is_whole = False
    async for batch in journal.batches():
        fault = first_fault(batch, {}, walk.head)
        good = batch if fault is None else batch[: fault.number - walk.head.number - 1]
        for stored in good:
            if stored.number in wanted:
                walk.links[stored.number] = stored.link
            try:
                walk.expected.take(stored)
            except Contradiction as error:
                walk.broken.append(Broken(Trouble.FORM, stored.number, str(error)))
        if good:
            walk.head = Head(good[-1].number, good[-1].link)
        if fault is not None:
            trouble = Trouble.NUMBER if fault.fault is Fault.NUMBER else Trouble.LINK
            walk.broken.append(Broken(trouble, fault.number))
            walk.is_whole = False
            break
    if walk.head == START and walk.is_whole:
        walk.broken.append(Broken(Trouble.NUMBER, 1))
        walk.is_whole = False
    return walk


def _judge_heads(claims: Iterable[_Claim], walk: _Walk) -> tuple[SignedHead | None, list[Broken]]:
    """Return the last signed head that holds, and what is wrong with the others."""
    judged: dict[SignedHead, bool] = {}
    good: list[_Claim] = []
    lost: list[_Claim] = []
    broken: list[Broken] = []
    for claim in sorted(claims, key=lambda each: each.head.number):
        number, signed = claim.head.number, claim.signed
        if number > walk.head.number and not walk.is_whole:
            continue  # behind the first broken link: that one is named
        found = walk.links.get(number, "")
        if signed is None:
            holds = found.startswith(claim.head.link)
        else:
            holds = found == claim.head.link
            if signed not in judged:
                judged[signed] = signed.key in walk.expected.keys and is_signed(signed)
        if not holds:
            lost.append(claim)
        elif signed is not None and not judged[signed]:
            broken.append(Broken(Trouble.SIGNATURE, number, claim.where))
        else:
            good.append(claim)
    first_lost = lost[0].head.number if lost else 0
    sound = max((claim.head.number for claim in good if claim.head.number < first_lost), default=0)
    broken += [Broken(Trouble.HEAD, claim.head.number, claim.where, sound) for claim in lost]
    return next((claim.signed for claim in reversed(good) if claim.signed is not None), None), broken


def _witness_troubles(
    kept: Collection[SignedHead], lines: Collection[SignedHead | None], earlier: Collection[SignedHead | None]
) -> Iterator[Broken]:
    """Yield what is wrong between journal.db and heads.txt, whatever the chain says.

    `earlier`: the heads of records that were lost with a damaged journal.db.
    """
    if kept and not lines:
        yield Broken(Trouble.UNWITNESSED, where="heads.txt")
        return
    seen: set[SignedHead] = set()
    last = 0
    for count, line in enumerate(lines, 1):
        if line is None or line in seen or (line not in earlier and line.number < last):
            yield Broken(Trouble.WITNESS, 0 if line is None else line.number, f"heads.txt:{count}")
        if line is not None:
            seen.add(line)
            last = 0 if line in earlier else line.number
    for head in kept:
        if head not in seen:
            yield Broken(Trouble.WITNESS, head.number, "journal.db")


async def _seal_troubles(journal: CheckedJournal, walk: _Walk) -> list[Broken]:
    found: list[Broken] = []
    if walk.is_whole:  # else the record that says so may stand behind the broken link
        found += [
            Broken(Trouble.ERASED, each) for each in await journal.unsealed() if each not in walk.expected.unsealed
        ]
    found += [Broken(Trouble.SEAL, number) for number in await journal.broken_seals()]
    return sorted(found, key=lambda each: each.number)


async def _file_troubles(journal: CheckedJournal) -> list[Broken]:
    corruption, stranger = await journal.corruption(), await journal.stranger()
    found = [Broken(Trouble.FILE, where=corruption)] if corruption else []
    return [*found, Broken(Trouble.STRANGER, where=stranger)] if stranger else found


async def _table_troubles(journal: CheckedJournal, expected: Expected) -> AsyncIterator[Broken]:
    """Yield where a table does not say what the chain says."""
    segments = {each.name: each for each in await journal.segments()}
    for name in sorted(segments.keys() | expected.segments.keys()):
        told = expected.segments.get(name)
        if told is None or segments.get(name) != told.stored:
            yield Broken(Trouble.TABLE, told.stored.record if told else 0, f"segments: {name}")
    archives = {each.file: each for each in await journal.archives()}
    for file in sorted(archives.keys() | expected.archives.keys()):
        is_, should = archives.get(file), expected.archives.get(file)
        if is_ is None or should is None or is_ != (replace(should, bytes=is_.bytes) if should.bytes < 0 else should):
            yield Broken(Trouble.TABLE, should.record if should else 0, f"archives: {file}")
    inspectors = {each.name: each for each in await journal.inspectors()}
    for name in sorted(inspectors.keys() | expected.inspectors.keys()):
        account, account_told = inspectors.get(name), expected.inspectors.get(name)
        if account is None or account_told is None or not _is_as_told(account, account_told):
            yield Broken(Trouble.TABLE, account_told.record if account_told else 0, f"inspectors: {name}")
    positions = await journal.positions()
    for name in sorted(positions.keys() & expected.segments.keys()):
        yield Broken(Trouble.TABLE, expected.segments[name].stored.record, f"positions: {name}")
    async for broken in _day_troubles(journal, expected, positions.values()):
        yield broken


def _is_as_told(account: Inspector, told: Inspector) -> bool:
    digest = sha256(account.secret.encode(errors="surrogateescape")).hexdigest() if account.secret else ""
    return account._replace(secret=UNTOLD if digest and told.secret == UNTOLD else digest) == told


async def _day_troubles(
    journal: CheckedJournal, expected: Expected, positions: Collection[Position]
) -> AsyncIterator[Broken]:
    open_days = {day for each in positions for day in each.days}
    # In the order of the records: the last one stays.
    taken = {day: each.stored.record for each in expected.segments.values() for day in each.days}
    for day, record in sorted(expected.days.items()):
        if day in open_days or taken.get(day, 0) > record.number:
            continue  # lines of that day came later: another record of it will follow
        counts = [each async for each in journal.counts(day, f"{day}T~")]
        is_ = dict(sums(date.fromisoformat(day), counts, whole(record.body, "damaged")))
        if "digest" not in record.body:
            del is_["digest"]  # of before days had it
        if canonical(is_) != canonical(record.body):
            yield Broken(Trouble.TABLE, record.number, f"counts: {day}")
    days = await journal.days()
    strange = sorted(days.keys() - open_days - taken.keys())
    for day in strange:
        yield Broken(Trouble.TABLE, 0, f"counts: {day}")
    said = [(each.lines, each.damaged) for each in positions]
    said += [(each.stored.lines, each.damaged) for each in expected.segments.values()]
    least = sum(lines - damaged for lines, damaged in said)
    # A header that was damaged counts as damaged, and is no line.
    most = least + sum(damaged > 0 for _lines, damaged in said)
    # What was taken in of a segment that shrank since is counted, and no record says how much it was.
    cut = any(altered(each.body) for each in expected.alarms)
    if not strange and not cut and not least <= sum(days.values()) <= most:
        yield Broken(Trouble.TABLE, 0, "counts")
