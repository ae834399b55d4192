"""A proof shows some records and hides the others, and leads to a signed head or is none."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.trust.proof import BrokenProof, check_proof, proof
from storage.evidence import GENESIS, Head, Kind, digest_of
from storage.journal_db import JournalDb, open_journal

AT = datetime(2026, 11, 2, 4, tzinfo=UTC)
COUNT = 9


async def grown(journal: JournalDb) -> list[str]:
    """Enter records; return their links."""
    async with journal.changing(AT) as change:
        for number in range(1, COUNT + 1):
            await change.add(Kind.REVIEW, {"текст": f"secret {number}"}, by="Айгүл", private={"n": number})
    return [GENESIS, *[stored.link async for stored in journal.stored()]]


def independent(lines: list[str]) -> tuple[int, str]:
    """Follow a proof as the format says, without the code under test."""
    link = json.loads(lines[0])["before"]
    for line in lines:
        says = json.loads(line)
        if "digest" not in says:
            content = [says[key] for key in ("number", "at", "kind", "by", "body", "seal")]
            octets = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogateescape")
            says["digest"] = sha256(octets).hexdigest()
        link = sha256((link + says["digest"] + "\n").encode("ascii")).hexdigest()
    return says["number"], link


@pytest.mark.parametrize("numbers", [[1], [9], [1, 9], [4], [3, 4, 7], list(range(1, 10))])
@pytest.mark.parametrize("until", [None, 8, 9])
async def test_a_proof_leads_from_the_first_record_shown_to_the_head(
    tmp_path: Path, numbers: list[int], until: int | None
) -> None:
    if until is not None and max(numbers) > until:
        return
    async with open_journal(tmp_path / "journal.db", create=True) as journal:
        links = await grown(journal)
        lines = [line async for line in proof(journal, numbers, until=until)]
    end = until or COUNT
    head = Head(end, links[end])
    assert independent(lines) == head
    proven = check_proof(lines, head)
    assert [each.number for each in proven.shown] == numbers
    assert [each.link for each in proven.shown] == [links[number] for number in numbers]
    assert proven.before == (min(numbers) - 1, links[min(numbers) - 1])
    text = "".join(lines)
    assert text.isascii()
    for number in range(1, COUNT + 1):
        assert (f"secret {number}" in text) == (number in numbers)


async def test_nothing_asked_for_is_nothing_and_a_record_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    async with open_journal(tmp_path / "journal.db", create=True) as journal:
        await grown(journal)
        assert [line async for line in proof(journal, [])] == []
        for numbers, until in (([COUNT + 1], None), ([3, 99], None), ([5], 4), ([0], None)):
            with pytest.raises(ValueError, match="expected records of the chain"):
                [line async for line in proof(journal, numbers, until=until)]


async def test_a_proof_that_is_changed_anywhere_is_none(tmp_path: Path) -> None:
    async with open_journal(tmp_path / "journal.db", create=True) as journal:
        links = await grown(journal)
        lines = [line async for line in proof(journal, [2, 5])]
    head = Head(COUNT, links[COUNT])
    original = check_proof(lines, head)
    text = "".join(lines)
    for at in range(len(text)):
        changed = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]
        try:
            # Another way to write the same JSON says the same.
            assert check_proof(changed.splitlines(), head) == original, at
        except BrokenProof:
            continue
    for at in range(len(lines)):
        for spoiled in (lines[:at] + lines[at + 1 :], lines[: at + 1] + lines[at:], lines[:at]):
            with pytest.raises(BrokenProof):
                check_proof(spoiled, head)
        if at + 1 < len(lines):
            with pytest.raises(BrokenProof):
                check_proof([*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]], head)
    for other in (Head(COUNT, links[COUNT - 1]), Head(COUNT - 1, links[COUNT]), Head(COUNT + 1, links[COUNT])):
        with pytest.raises(BrokenProof, match="expected to end at record"):
            check_proof(lines, other)


FORMS = [
    ("", 1, "a JSON object"),
    ("[]", 1, "a JSON object"),
    ("nonsense", 1, "a JSON object"),
    ("[" * 100_000, 1, "a JSON object"),
    ('{"number":1,"digest":"LINK"}', 1, "64 hexadecimal digits"),
    ('{"before":"LINK0","number":1,"digest":"LINK"}', 1, "64 hexadecimal digits"),
    ('{"before":"LINK","number":1,"digest":"0"}', 1, "64 hexadecimal digits"),
    ('{"before":"LINK","number":1,"digest":"UPPER"}', 1, "64 hexadecimal digits"),
    ('{"before":"LINK","number":0,"digest":"LINK"}', 1, "a number from 1 on"),
    ('{"before":"LINK","number":true,"digest":"LINK"}', 1, "a number from 1 on"),
    ('{"before":"LINK","number":1,"digest":"LINK","x":1}', 1, "a digest or"),
    ('{"before":"LINK","number":1,"digest":"LINK","digest":"LINK"}', 1, "stands there twice"),
    ('{"before":"LINK","number":1}', 1, "a digest or"),
    ('{"before":"LINK","number":1,"at":"","kind":"","by":"","body":"","seal":1}', 1, "all texts"),
]


@pytest.mark.parametrize(("line", "count", "expected"), FORMS)
def test_what_does_not_have_the_form_is_named_by_its_line(line: str, count: int, expected: str) -> None:
    with pytest.raises(BrokenProof, match=expected) as error:
        check_proof([line.replace("LINK", GENESIS).replace("UPPER", "A" * 64)], Head(1, GENESIS))
    assert error.value.line == count


def test_a_proof_of_nothing_is_none() -> None:
    with pytest.raises(BrokenProof, match="found none"):
        check_proof([], Head(1, GENESIS))


@given(
    texts=st.lists(
        st.text(st.characters(codec="utf-8") | st.sampled_from('"\\\n\x00\x7f\u2028\udcff')), min_size=5, max_size=5
    )
)
def test_what_a_digest_is_made_of_is_plain_json(texts: list[str]) -> None:
    """Whoever checks a proof has json.dumps and nothing of ours."""
    content = json.dumps([17, *texts], ensure_ascii=False, separators=(",", ":")).encode(errors="surrogateescape")
    at, kind, by, body, seal = texts
    assert digest_of(17, at, kind, by, body, seal) == sha256(content).hexdigest()
