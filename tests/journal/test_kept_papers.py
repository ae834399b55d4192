"""Papers are numbered within their kind and year, kept as files, and bound by the chain."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from journal.documents.kept_papers import PaperKind, keep_paper
from journal.opening import opened_journal
from journal.trust.heads import is_signed
from settings.model import Paths, School, Settings
from storage.evidence import Head, Kind

AT = datetime(2026, 11, 28, 9, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(school=School(name="School No. 7"), paths=Paths(tmp_path))


def draw(number: int, head: Head, language: str) -> bytes:
    return f"{number} {head.number} {language}".encode()


async def test_paper_is_kept_with_its_digest_and_the_head_that_it_prints(settings: Settings) -> None:
    async with opened_journal(settings) as journal:
        before = await journal.head()
        kept = await keep_paper(
            journal, settings, PaperKind.ACT, draw, ["kk", "ru"], at=AT, by="aigul", says={"from": "2026-10-01"}
        )
        record = await journal.record(kept.record)
        (signed,) = await journal.heads()
    assert [path.name for path in kept.files] == ["act-2026-001-kk.pdf", "act-2026-001-ru.pdf"]
    assert kept.head == before == Head(signed.number, signed.link)
    assert is_signed(signed)
    assert record is not None
    assert (record.kind, record.by, record.body["from"]) == (Kind.PAPER, "aigul", "2026-10-01")
    said = record.body["files"]
    assert isinstance(said, list)
    for path, about in zip(kept.files, said, strict=True):
        assert about["sha256"] == sha256(path.read_bytes()).hexdigest()
        assert path.stat().st_mode & 0o077 == 0


async def test_papers_are_numbered_within_kind_and_year(settings: Settings) -> None:
    async with opened_journal(settings) as journal:

        async def number(kind: PaperKind, year: int) -> int:
            at = AT.replace(year=year)
            return (await keep_paper(journal, settings, kind, draw, ["en"], at=at, by="aigul")).number

        assert await number(PaperKind.ACT, 2026) == 1
        assert await number(PaperKind.ACT, 2026) == 2
        assert await number(PaperKind.HANDOVER, 2026) == 1
        assert await number(PaperKind.ACT, 2027) == 1


async def test_paper_that_cannot_be_drawn_leaves_nothing(settings: Settings) -> None:
    def fail(number: int, head: Head, language: str) -> bytes:
        if language == "ru":
            raise RuntimeError
        return draw(number, head, language)

    async with opened_journal(settings) as journal:
        before = await journal.head()
        with pytest.raises(RuntimeError):
            await keep_paper(journal, settings, PaperKind.ACT, fail, ["kk", "ru"], at=AT, by="aigul")
        assert await journal.head() == before
        assert await journal.heads() == []
    assert not list(settings.paths.papers.rglob("*.pdf"))


async def test_journal_is_begun_once_and_names_the_device_key(settings: Settings) -> None:
    for _each in range(2):
        async with opened_journal(settings) as journal:
            (record,) = [each async for each in journal.records()]
    assert record.kind is Kind.BEGUN
    assert str(record.body["key"]).startswith("ssh-ed25519 ")
